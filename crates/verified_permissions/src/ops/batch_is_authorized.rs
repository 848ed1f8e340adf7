//! `BatchIsAuthorized`: up to 30 decisions that share their entities, and either the principal
//! or the resource.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    BatchIsAuthorizedInput, BatchIsAuthorizedInputItem, BatchIsAuthorizedOutput,
    BatchIsAuthorizedOutputItem,
};

use crate::access;
use crate::authorization::{Question, Session, check_batch};
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct BatchIsAuthorized;

impl Operation for BatchIsAuthorized {
    type State = VerifiedPermissions;
    type Input = BatchIsAuthorizedInput;
    type Output = BatchIsAuthorizedOutput;
    type Error = Error;

    const NAME: &'static str = "BatchIsAuthorized";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a BatchIsAuthorizedInput,
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
        input: BatchIsAuthorizedInput,
    ) -> Result<BatchIsAuthorizedOutput, Error> {
        check(&input.requests)?;
        let (store, entities) = (&input.policy_store_id, input.entities.as_ref());
        let mut session = Session::open(state, &context, store, entities).await?;
        let mut decisions = Vec::with_capacity(input.requests.len());
        for (at, request) in input.requests.iter().enumerate() {
            let question = Question {
                principal: request.principal.as_ref(),
                action: request.action.as_ref(),
                resource: request.resource.as_ref(),
                context: request.context.as_ref(),
            };
            let decided = session.decide(question, &|| format!("/requests/{at}"))?;
            decisions.push(decided);
        }
        let decided = input.requests.into_iter().zip(decisions);
        let results = decided.map(|(request, decided)| BatchIsAuthorizedOutputItem {
            request,
            decision: decided.decision,
            determining_policies: decided.determining_policies,
            errors: decided.errors,
        });
        let results = results.collect();
        Ok(BatchIsAuthorizedOutput { results })
    }
}

fn check(requests: &[BatchIsAuthorizedInputItem]) -> Result<(), Error> {
    check_batch(requests)?;
    let same = |equal: fn(&BatchIsAuthorizedInputItem, &BatchIsAuthorizedInputItem) -> bool| {
        requests
            .iter()
            .zip(requests.iter().skip(1))
            .all(|(one, next)| equal(one, next))
    };
    if same(|a, b| a.principal == b.principal) || same(|a, b| a.resource == b.resource) {
        return Ok(());
    }
    let text = "The requests of a batch must all have the same principal or the same resource.";
    Err(Error::field("/requests", text))
}
