//! `GetPolicyStore`: a policy store's settings; tags only when asked for.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    CedarVersion, DeletionProtection, EncryptionState, GetPolicyStoreInput, GetPolicyStoreOutput,
    Unit, ValidationMode, ValidationSettings,
};

use crate::access;
use crate::error::Error;
use crate::policy_store::{self, PolicyStore, resolve};
use crate::state::VerifiedPermissions;

pub(super) struct GetPolicyStore;

impl Operation for GetPolicyStore {
    type State = VerifiedPermissions;
    type Input = GetPolicyStoreInput;
    type Output = GetPolicyStoreOutput;
    type Error = Error;

    const NAME: &'static str = "GetPolicyStore";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a GetPolicyStoreInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:GetPolicyStore",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: GetPolicyStoreInput,
    ) -> Result<GetPolicyStoreOutput, Error> {
        let read = state.store.read(move |tx| {
            let found = resolve(tx, &context, &input.policy_store_id)?;
            Ok::<_, Error>((found, context, input))
        });
        let (PolicyStore { id, record }, context, input) = read.await?;
        let arn = policy_store::arn(&context.scope, &id);
        let tags = (input.tags == Some(true) && !record.tags.is_empty()).then_some(record.tags);
        let mode = if record.strict {
            ValidationMode::Strict
        } else {
            ValidationMode::Off
        };
        let protection = if record.deletion_protection {
            DeletionProtection::Enabled
        } else {
            DeletionProtection::Disabled
        };
        Ok(GetPolicyStoreOutput {
            validation_settings: ValidationSettings { mode },
            created_date: record.created,
            last_updated_date: record.updated,
            description: record.description,
            deletion_protection: Some(protection),
            encryption_state: Some(match record.kms {
                None => EncryptionState::Default(Unit {}),
                Some(kms) => EncryptionState::KmsEncryptionState(kms.into_state(&arn)),
            }),
            cedar_version: Some(CedarVersion::Cedar4),
            tags,
            policy_store_id: id,
            arn,
        })
    }
}
