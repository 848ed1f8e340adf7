//! `UpdateIdentitySource`: another configuration in the place of the one that is there.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{UpdateIdentitySourceInput, UpdateIdentitySourceOutput};
use store::WriteRecords;

use crate::access;
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::identity_source::{self, Given};
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;
use crate::token::source::TokenSource;

pub(super) struct UpdateIdentitySource;

impl Operation for UpdateIdentitySource {
    type State = VerifiedPermissions;
    type Input = UpdateIdentitySourceInput;
    type Output = UpdateIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "UpdateIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a UpdateIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:UpdateIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: UpdateIdentitySourceInput,
    ) -> Result<UpdateIdentitySourceOutput, Error> {
        let given = Given {
            provider: input.update_configuration.into(),
            principal_entity_type: input.principal_entity_type,
            path: "/updateConfiguration",
        };
        let (policy_store_id, id) = (input.policy_store_id, input.identity_source_id);
        // What can be told without it is told without asking the provider.
        let (first, reference, source) = (context.clone(), policy_store_id.clone(), id.clone());
        let find = state.store.read(move |tx| {
            let store = resolve(tx, &first, &reference)?;
            let found = identity_source::by_id(tx, &store.id, &source)?;
            Ok::<_, Error>(found.record.principal_entity_type)
        });
        given.check(Some(&find.await?))?;
        state.providers.check(&given.provider, given.path).await?;
        let snapshots = Arc::clone(&state.snapshots);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &policy_store_id)?;
            let mut record = identity_source::by_id(tx, &store.id, &id)?.record;
            record.principal_entity_type = given.check(Some(&record.principal_entity_type))?;
            record.provider = given.provider;
            record.updated = context.now;
            tx.put_record(&store.id, &id, &record)?;
            let output = UpdateIdentitySourceOutput {
                policy_store_id: store.id.clone(),
                identity_source_id: id,
                created_date: record.created,
                last_updated_date: record.updated,
            };
            let changes = vec![Change::PutIdentitySource(Some(TokenSource::new(record)?))];
            tx.after_commit(Box::new(move |at| {
                snapshots.publish(&store.id, at, changes);
            }));
            Ok::<_, Error>(output)
        });
        write.await
    }
}
