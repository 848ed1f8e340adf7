//! `DeleteIdentitySource`: from then on no token is accepted.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{DeleteIdentitySourceInput, DeleteIdentitySourceOutput};
use store::WriteRecords;

use crate::access;
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::identity_source::{self, IdentitySourceRecord};
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct DeleteIdentitySource;

impl Operation for DeleteIdentitySource {
    type State = VerifiedPermissions;
    type Input = DeleteIdentitySourceInput;
    type Output = DeleteIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "DeleteIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a DeleteIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:DeleteIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: DeleteIdentitySourceInput,
    ) -> Result<DeleteIdentitySourceOutput, Error> {
        let snapshots = Arc::clone(&state.snapshots);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let found = identity_source::by_id(tx, &store.id, &input.identity_source_id)?;
            tx.delete_record::<IdentitySourceRecord>(&store.id, &found.id)?;
            let changes = vec![Change::PutIdentitySource(None)];
            tx.after_commit(Box::new(move |at| {
                snapshots.publish(&store.id, at, changes);
            }));
            Ok::<_, Error>(DeleteIdentitySourceOutput {})
        });
        write.await
    }
}
