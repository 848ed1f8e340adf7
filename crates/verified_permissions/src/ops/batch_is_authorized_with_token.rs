//! `BatchIsAuthorizedWithToken`: up to 30 decisions about the principal of a token.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    BatchIsAuthorizedWithTokenInput, BatchIsAuthorizedWithTokenOutput,
    BatchIsAuthorizedWithTokenOutputItem,
};

use crate::access;
use crate::authorization::{Question, Session, check_batch};
use crate::error::Error;
use crate::quota::BATCH_GROUPS;
use crate::state::VerifiedPermissions;
use crate::token::Tokens;

pub(super) struct BatchIsAuthorizedWithToken;

impl Operation for BatchIsAuthorizedWithToken {
    type State = VerifiedPermissions;
    type Input = BatchIsAuthorizedWithTokenInput;
    type Output = BatchIsAuthorizedWithTokenOutput;
    type Error = Error;

    const NAME: &'static str = "BatchIsAuthorizedWithToken";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a BatchIsAuthorizedWithTokenInput,
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
        input: BatchIsAuthorizedWithTokenInput,
    ) -> Result<BatchIsAuthorizedWithTokenOutput, Error> {
        check_batch(&input.requests)?;
        let tokens = Tokens {
            identity: input.identity_token.as_deref(),
            access: input.access_token.as_deref(),
        };
        let (store, entities) = (&input.policy_store_id, input.entities.as_ref());
        let tokens = (tokens, BATCH_GROUPS);
        let open = Session::open_with_token(state, &context, store, tokens, entities);
        let mut session = open.await?;
        let principal = session.principal();
        let mut decisions = Vec::with_capacity(input.requests.len());
        for (at, request) in input.requests.iter().enumerate() {
            let question = Question {
                principal: principal.as_ref(),
                action: request.action.as_ref(),
                resource: request.resource.as_ref(),
                context: request.context.as_ref(),
            };
            let decided = session.decide(question, &|| format!("/requests/{at}"))?;
            decisions.push(decided);
        }
        let decided = input.requests.into_iter().zip(decisions);
        let results = decided.map(|(request, decided)| BatchIsAuthorizedWithTokenOutputItem {
            request,
            decision: decided.decision,
            determining_policies: decided.determining_policies,
            errors: decided.errors,
        });
        let results = results.collect();
        Ok(BatchIsAuthorizedWithTokenOutput { principal, results })
    }
}
