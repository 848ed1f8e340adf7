//! `IsAuthorized`: one decision.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{IsAuthorizedInput, IsAuthorizedOutput};

use crate::access;
use crate::authorization::{Question, Session};
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct IsAuthorized;

impl Operation for IsAuthorized {
    type State = VerifiedPermissions;
    type Input = IsAuthorizedInput;
    type Output = IsAuthorizedOutput;
    type Error = Error;

    const NAME: &'static str = "IsAuthorized";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a IsAuthorizedInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:IsAuthorized",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: IsAuthorizedInput,
    ) -> Result<IsAuthorizedOutput, Error> {
        let session =
            Session::open(state, &context, &input.policy_store_id, input.entities).await?;
        let question = Question {
            principal: input.principal,
            action: input.action,
            resource: input.resource,
            context: input.context,
        };
        let decided = session.decide(question, &String::new).await?;
        Ok(IsAuthorizedOutput {
            decision: decided.decision,
            determining_policies: decided.determining_policies,
            errors: decided.errors,
        })
    }
}
