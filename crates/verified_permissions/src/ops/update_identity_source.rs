//! `UpdateIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{UpdateIdentitySourceInput, UpdateIdentitySourceOutput};

use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct UpdateIdentitySource;

impl Operation for UpdateIdentitySource {
    type State = VerifiedPermissions;
    type Input = UpdateIdentitySourceInput;
    type Output = UpdateIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "UpdateIdentitySource";

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: UpdateIdentitySourceInput,
    ) -> Result<UpdateIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
