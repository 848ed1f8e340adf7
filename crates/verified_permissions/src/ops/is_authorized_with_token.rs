//! `IsAuthorizedWithToken`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{IsAuthorizedWithTokenInput, IsAuthorizedWithTokenOutput};

use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct IsAuthorizedWithToken;

impl Operation for IsAuthorizedWithToken {
    type State = VerifiedPermissions;
    type Input = IsAuthorizedWithTokenInput;
    type Output = IsAuthorizedWithTokenOutput;
    type Error = Error;

    const NAME: &'static str = "IsAuthorizedWithToken";

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: IsAuthorizedWithTokenInput,
    ) -> Result<IsAuthorizedWithTokenOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
