//! `GetPolicy`: a policy with its text, byte for byte as it was given.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{GetPolicyInput, GetPolicyOutput};

use crate::access;
use crate::error::Error;
use crate::policy::{self, Summaries};
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct GetPolicy;

impl Operation for GetPolicy {
    type State = VerifiedPermissions;
    type Input = GetPolicyInput;
    type Output = GetPolicyOutput;
    type Error = Error;

    const NAME: &'static str = "GetPolicy";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a GetPolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:GetPolicy",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: GetPolicyInput,
    ) -> Result<GetPolicyOutput, Error> {
        let read = state.store.read(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let policy = policy::resolve(tx, &store.id, &input.policy_id)?;
            let record = policy.record;
            let summary = Summaries::default().of(tx, &store.id, &record)?;
            Ok::<_, Error>(GetPolicyOutput {
                policy_store_id: store.id,
                policy_id: policy.id,
                policy_type: record.policy_type(),
                principal: summary.principal,
                resource: summary.resource,
                actions: summary.actions,
                definition: record.to_detail(),
                created_date: record.created,
                last_updated_date: record.updated,
                effect: Some(summary.effect),
                name: record.name,
            })
        });
        read.await
    }
}
