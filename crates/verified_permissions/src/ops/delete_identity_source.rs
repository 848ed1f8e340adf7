//! `DeleteIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{DeleteIdentitySourceInput, DeleteIdentitySourceOutput};

use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct DeleteIdentitySource;

impl Operation for DeleteIdentitySource {
    type State = VerifiedPermissions;
    type Input = DeleteIdentitySourceInput;
    type Output = DeleteIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "DeleteIdentitySource";

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: DeleteIdentitySourceInput,
    ) -> Result<DeleteIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
