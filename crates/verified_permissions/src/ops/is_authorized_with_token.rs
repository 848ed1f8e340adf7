//! `IsAuthorizedWithToken`: one decision, about the principal of a token.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{IsAuthorizedWithTokenInput, IsAuthorizedWithTokenOutput};

use crate::access;
use crate::authorization::{Question, Session};
use crate::error::Error;
use crate::quota::TRANSITIVE_PARENTS;
use crate::state::VerifiedPermissions;
use crate::token::Tokens;

pub(super) struct IsAuthorizedWithToken;

impl Operation for IsAuthorizedWithToken {
    type State = VerifiedPermissions;
    type Input = IsAuthorizedWithTokenInput;
    type Output = IsAuthorizedWithTokenOutput;
    type Error = Error;

    const NAME: &'static str = "IsAuthorizedWithToken";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a IsAuthorizedWithTokenInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:IsAuthorizedWithToken",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: IsAuthorizedWithTokenInput,
    ) -> Result<IsAuthorizedWithTokenOutput, Error> {
        let tokens = Tokens {
            identity: input.identity_token.as_deref(),
            access: input.access_token.as_deref(),
        };
        let (store, entities) = (&input.policy_store_id, input.entities.as_ref());
        let tokens = (tokens, TRANSITIVE_PARENTS);
        let open = Session::open_with_token(state, &context, store, tokens, entities);
        let mut session = open.await?;
        let principal = session.principal();
        let question = Question {
            principal: principal.as_ref(),
            action: input.action.as_ref(),
            resource: input.resource.as_ref(),
            context: input.context.as_ref(),
        };
        let decided = session.decide(question, &String::new)?;
        Ok(IsAuthorizedWithTokenOutput {
            decision: decided.decision,
            determining_policies: decided.determining_policies,
            errors: decided.errors,
            principal,
        })
    }
}
