//! `CreateIdentitySource`: names the provider of a policy store's tokens.

use std::sync::Arc;

use base::{Timestamp, resource_id};
use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{CreateIdentitySourceInput, CreateIdentitySourceOutput};
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, WriteRecords};

use crate::access;
use crate::cedar::snapshot::Change;
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::identity_source::{Given, IdentitySourceRecord};
use crate::policy_store::resolve;
use crate::quota::IDENTITY_SOURCES;
use crate::state::VerifiedPermissions;
use crate::token::source::TokenSource;

pub(super) struct CreateIdentitySource;

impl Operation for CreateIdentitySource {
    type State = VerifiedPermissions;
    type Input = CreateIdentitySourceInput;
    type Output = CreateIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "CreateIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a CreateIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:CreateIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        mut input: CreateIdentitySourceInput,
    ) -> Result<CreateIdentitySourceOutput, Error> {
        let token = input.client_token.take();
        let request = Idempotent::new(Self::NAME, ResourceType::IdentitySource, token, &input);
        let given = Given {
            provider: input.configuration.into(),
            principal_entity_type: input.principal_entity_type,
            path: "/configuration",
        };
        let principal_entity_type = given.check(None)?;
        let create = Create {
            request,
            reference: input.policy_store_id,
            context,
        };
        // What can be told without it is told without asking the provider.
        let first = create.clone();
        let earlier = state
            .store
            .read(move |tx| first.look(tx).map(|(_, earlier)| earlier));
        if let Some(output) = earlier.await? {
            return Ok(output);
        }
        state.providers.check(&given.provider, given.path).await?;
        let id = resource_id(state.entropy.as_ref());
        let snapshots = Arc::clone(&state.snapshots);
        let write = state.store.write(move |tx| {
            let (store, earlier) = create.look(tx)?;
            if let Some(output) = earlier {
                return Ok(output);
            }
            let at = create.context.now;
            let record = IdentitySourceRecord {
                created: at,
                updated: at,
                principal_entity_type,
                provider: given.provider,
            };
            tx.insert_record(&store, &id, &record)?;
            let created = Created { id: id.clone(), at };
            create.request.remember(tx, &store, at, &id, &created)?;
            let published = store.clone();
            let changes = vec![Change::PutIdentitySource(Some(TokenSource::new(record)?))];
            tx.after_commit(Box::new(move |at| {
                snapshots.publish(&published, at, changes);
            }));
            Ok::<_, Error>(created.output(store))
        });
        write.await
    }
}

/// A request to create, as it is looked at before and after the provider was asked.
#[derive(Clone)]
struct Create {
    request: Idempotent,
    reference: String,
    context: RequestContext,
}

impl Create {
    /// The policy store, and the answer if the request came before.
    fn look(&self, tx: &dyn ReadTx) -> Result<(String, Option<CreateIdentitySourceOutput>), Error> {
        let store = resolve(tx, &self.context, &self.reference)?.id;
        let earlier: Option<Created> = self.request.earlier(tx, &store, self.context.now)?;
        if let Some(created) = earlier {
            return Ok((store.clone(), Some(created.output(store))));
        }
        if tx.count_records::<IdentitySourceRecord>(&store)? >= IDENTITY_SOURCES {
            let text = "Identity Source Limit Exceeded.";
            return Err(Error::quota(text, ResourceType::IdentitySource, store));
        }
        Ok((store, None))
    }
}

/// What is remembered of the creation, for a repeated request.
#[derive(Serialize, Deserialize)]
struct Created {
    id: String,
    #[serde(with = "resources::micros")]
    at: Timestamp,
}

impl Created {
    fn output(self, policy_store_id: String) -> CreateIdentitySourceOutput {
        CreateIdentitySourceOutput {
            policy_store_id,
            identity_source_id: self.id,
            created_date: self.at,
            last_updated_date: self.at,
        }
    }
}
