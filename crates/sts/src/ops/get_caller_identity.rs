//! `GetCallerIdentity`: whose credentials signed the request. It needs no permission, and not even
//! an explicit deny refuses it (AWS STS API Reference).

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::sts::types::{GetCallerIdentityRequest, GetCallerIdentityResponse};

use crate::error::Error;
use crate::state::Sts;

pub(super) struct GetCallerIdentity;

impl Operation for GetCallerIdentity {
    type State = Sts;
    type Input = GetCallerIdentityRequest;
    type Output = GetCallerIdentityResponse;
    type Error = Error;

    const NAME: &'static str = "GetCallerIdentity";

    async fn permissions<'a>(
        _: &'a Arc<Sts>,
        _: &'a Asked,
        _: &'a GetCallerIdentityRequest,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(Vec::new())
    }

    async fn call(
        _: &Arc<Sts>,
        context: RequestContext,
        _: GetCallerIdentityRequest,
    ) -> Result<GetCallerIdentityResponse, Error> {
        let principal = &context.caller.principal;
        Ok(GetCallerIdentityResponse {
            user_id: Some(principal.user_id.clone()),
            account: Some(principal.account.to_string()),
            arn: Some(principal.arn.clone()),
        })
    }
}
