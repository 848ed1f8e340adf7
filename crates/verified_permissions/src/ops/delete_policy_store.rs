//! `DeletePolicyStore`: removes a policy store and all that is in it. An unknown one is no error.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{DeletePolicyStoreInput, DeletePolicyStoreOutput};

use crate::access;
use crate::alias;
use crate::error::Error;
use crate::policy_store;
use crate::state::VerifiedPermissions;

pub(super) struct DeletePolicyStore;

impl Operation for DeletePolicyStore {
    type State = VerifiedPermissions;
    type Input = DeletePolicyStoreInput;
    type Output = DeletePolicyStoreOutput;
    type Error = Error;

    const NAME: &'static str = "DeletePolicyStore";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a DeletePolicyStoreInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:DeletePolicyStore",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: DeletePolicyStoreInput,
    ) -> Result<DeletePolicyStoreOutput, Error> {
        let id = input.policy_store_id;
        if alias::is_alias(&id) {
            return Err(Error::field(
                "/policyStoreId",
                "A policy store cannot be deleted through an alias.",
            ));
        }
        let snapshots = Arc::clone(&state.snapshots);
        let write = state.store.write(move |tx| {
            let record = match policy_store::by_id(tx, &context.scope, &id) {
                Ok(found) => found.record,
                Err(Error::NotFound(..)) => return Ok(DeletePolicyStoreOutput {}),
                Err(error) => return Err(error),
            };
            if record.deletion_protection {
                return Err(Error::InvalidState(PROTECTED));
            }
            policy_store::delete(tx, &context.scope, &id)?;
            tx.after_commit(Box::new(move |_| snapshots.forget(&id)));
            Ok(DeletePolicyStoreOutput {})
        });
        write.await
    }
}

const PROTECTED: &str = "The policy store can't be deleted because deletion protection is enabled. \
    To delete this policy store, disable deletion protection.";
