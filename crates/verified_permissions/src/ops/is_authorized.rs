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
        let (store, entities) = (&input.policy_store_id, input.entities.as_ref());
        let mut session = Session::open(state, &context, store, entities).await?;
        let question = Question {
            principal: input.principal.as_ref(),
            action: input.action.as_ref(),
            resource: input.resource.as_ref(),
            context: input.context.as_ref(),
        };
        let decided = session.decide(question, &String::new)?;
        Ok(IsAuthorizedOutput {
            decision: decided.decision,
            determining_policies: decided.determining_policies,
            errors: decided.errors,
        })
    }
}
