//! `IsAuthorizedWithToken`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{IsAuthorizedWithTokenInput, IsAuthorizedWithTokenOutput};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;

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
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: IsAuthorizedWithTokenInput,
    ) -> Result<IsAuthorizedWithTokenOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
