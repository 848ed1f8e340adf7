//! `UpdatePolicyStore`: changes settings; what is left out stays, an empty description goes.
//!
//! Switching from OFF to STRICT does not look at the policies that are there.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    DeletionProtection, UpdatePolicyStoreInput, UpdatePolicyStoreOutput, ValidationMode,
};
use store::WriteRecords;

use crate::access;
use crate::error::Error;
use crate::policy_store::{self, PolicyStore, resolve};
use crate::state::VerifiedPermissions;

pub(super) struct UpdatePolicyStore;

impl Operation for UpdatePolicyStore {
    type State = VerifiedPermissions;
    type Input = UpdatePolicyStoreInput;
    type Output = UpdatePolicyStoreOutput;
    type Error = Error;

    const NAME: &'static str = "UpdatePolicyStore";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a UpdatePolicyStoreInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:UpdatePolicyStore",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: UpdatePolicyStoreInput,
    ) -> Result<UpdatePolicyStoreOutput, Error> {
        let write = state.store.write(move |tx| {
            let scope = &context.scope;
            let PolicyStore { id, mut record } = resolve(tx, &context, &input.policy_store_id)?;
            record.strict = input.validation_settings.mode == ValidationMode::Strict;
            if let Some(protection) = input.deletion_protection {
                record.deletion_protection = protection == DeletionProtection::Enabled;
            }
            if let Some(description) = input.description {
                record.description = Some(description).filter(|text| !text.is_empty());
            }
            record.updated = context.now;
            tx.put_record(&policy_store::world(scope), &id, &record)?;
            Ok::<_, Error>(UpdatePolicyStoreOutput {
                arn: policy_store::arn(scope, &id),
                policy_store_id: id,
                created_date: record.created,
                last_updated_date: record.updated,
            })
        });
        write.await
    }
}
