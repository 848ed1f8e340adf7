//! `CreateIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{CreateIdentitySourceInput, CreateIdentitySourceOutput};

use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct CreateIdentitySource;

impl Operation for CreateIdentitySource {
    type State = VerifiedPermissions;
    type Input = CreateIdentitySourceInput;
    type Output = CreateIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "CreateIdentitySource";

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: CreateIdentitySourceInput,
    ) -> Result<CreateIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
