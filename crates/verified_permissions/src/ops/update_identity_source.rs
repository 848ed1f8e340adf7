//! `UpdateIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{UpdateIdentitySourceInput, UpdateIdentitySourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct UpdateIdentitySource;

impl Operation for UpdateIdentitySource {
    type State = VerifiedPermissions;
    type Input = UpdateIdentitySourceInput;
    type Output = UpdateIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "UpdateIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a UpdateIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:UpdateIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: UpdateIdentitySourceInput,
    ) -> Result<UpdateIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
