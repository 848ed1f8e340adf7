//! `DeletePolicy`: removes a policy. An unknown one is no error.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{DeletePolicyInput, DeletePolicyOutput};

use crate::access;
use crate::cedar::snapshot::Change;
use crate::error::{Error, ResourceType};
use crate::policy;
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct DeletePolicy;

impl Operation for DeletePolicy {
    type State = VerifiedPermissions;
    type Input = DeletePolicyInput;
    type Output = DeletePolicyOutput;
    type Error = Error;

    const NAME: &'static str = "DeletePolicy";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a DeletePolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:DeletePolicy",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: DeletePolicyInput,
    ) -> Result<DeletePolicyOutput, Error> {
        let service = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let policy = match policy::resolve(tx, &store.id, &input.policy_id) {
                Ok(policy) => policy,
                Err(Error::NotFound(ResourceType::Policy, _)) => return Ok(DeletePolicyOutput {}),
                Err(error) => return Err(error),
            };
            policy::delete(tx, &service.options.quotas, &store.id, &policy)?;
            tx.after_commit(Box::new(move |at| {
                let changes = vec![Change::DeletePolicy(Arc::from(policy.id))];
                service.snapshots.publish(&store.id, at, changes);
            }));
            Ok::<_, Error>(DeletePolicyOutput {})
        });
        write.await
    }
}
