//! `CreateIdentitySource`: routed and authorized, not carried out in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{CreateIdentitySourceInput, CreateIdentitySourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;

pub(super) struct CreateIdentitySource;

impl Operation for CreateIdentitySource {
    type State = VerifiedPermissions;
    type Input = CreateIdentitySourceInput;
    type Output = CreateIdentitySourceOutput;
    type Error = Error;

    const NAME: &'static str = "CreateIdentitySource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a CreateIdentitySourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:CreateIdentitySource",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        _state: &Arc<VerifiedPermissions>,
        _context: RequestContext,
        _input: CreateIdentitySourceInput,
    ) -> Result<CreateIdentitySourceOutput, Error> {
        Err(Error::NotAvailable(Self::NAME))
    }
}
