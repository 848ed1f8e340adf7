//! `DeleteIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{DeleteIdentitySourceInput, DeleteIdentitySourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct DeleteIdentitySource;

impl Operation for DeleteIdentitySource {
    type State = VerifiedPermissions;
    type Input = DeleteIdentitySourceInput;
    type Output = DeleteIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "DeleteIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a DeleteIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:DeleteIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: DeleteIdentitySourceInput,
    ) -> Result<DeleteIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
