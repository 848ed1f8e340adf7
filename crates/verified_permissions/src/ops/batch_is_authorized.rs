//! `BatchIsAuthorized`: up to 30 decisions that share their entities, and either the principal
//! or the resource.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    BatchIsAuthorizedInput, BatchIsAuthorizedInputItem, BatchIsAuthorizedOutput,
    BatchIsAuthorizedOutputItem,
};

use crate::access;
use crate::authorization::{Question, Session};
use crate::error::Error;
use crate::quota::BATCH_REQUESTS;
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
        let session =
            Session::open(state, &context, &input.policy_store_id, input.entities).await?;
        let mut results = Vec::with_capacity(input.requests.len());
        for (at, request) in input.requests.into_iter().enumerate() {
            let question = Question {
                principal: request.principal.clone(),
                action: request.action.clone(),
                resource: request.resource.clone(),
                context: request.context.clone(),
            };
            let decided = session
                .decide(question, &|| format!("/requests/{at}"))
                .await?;
            results.push(BatchIsAuthorizedOutputItem {
                request,
                decision: decided.decision,
                determining_policies: decided.determining_policies,
                errors: decided.errors,
            });
        }
        Ok(BatchIsAuthorizedOutput { results })
    }
}

fn check(requests: &[BatchIsAuthorizedInputItem]) -> Result<(), Error> {
    if requests.len() > BATCH_REQUESTS {
        let text = format!("A batch can have at most {BATCH_REQUESTS} requests.");
        return Err(Error::field("/requests", text));
    }
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
