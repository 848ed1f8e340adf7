//! `GetIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{GetIdentitySourceInput, GetIdentitySourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct GetIdentitySource;

impl Operation for GetIdentitySource {
    type State = VerifiedPermissions;
    type Input = GetIdentitySourceInput;
    type Output = GetIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "GetIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a GetIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:GetIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: GetIdentitySourceInput,
    ) -> Result<GetIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
