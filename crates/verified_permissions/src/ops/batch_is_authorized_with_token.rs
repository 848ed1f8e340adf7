//! `BatchIsAuthorizedWithToken`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{
    BatchIsAuthorizedWithTokenInput, BatchIsAuthorizedWithTokenOutput,
};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;

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
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: BatchIsAuthorizedWithTokenInput,
    ) -> Result<BatchIsAuthorizedWithTokenOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
