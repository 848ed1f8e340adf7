//! `BatchIsAuthorizedWithToken`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{BatchIsAuthorizedWithTokenInput, BatchIsAuthorizedWithTokenOutput};

use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct BatchIsAuthorizedWithToken;

impl Operation for BatchIsAuthorizedWithToken {
    type State = VerifiedPermissions;
    type Input = BatchIsAuthorizedWithTokenInput;
    type Output = BatchIsAuthorizedWithTokenOutput;
    type Error = Error;

    const NAME: &'static str = "BatchIsAuthorizedWithToken";
    const ACTION: &'static str = "IsAuthorizedWithToken";

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: BatchIsAuthorizedWithTokenInput,
    ) -> Result<BatchIsAuthorizedWithTokenOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
