//! `GetIdentitySource`: one identity source.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{GetIdentitySourceInput, GetIdentitySourceOutput};

use crate::access;
use crate::error::Error;
use crate::identity_source;
use crate::policy_store::resolve;
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
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: GetIdentitySourceInput,
    ) -> Result<GetIdentitySourceOutput, Error> {
        let read = state.store.read(move |tx| {
            let store = resolve(tx, &context, &input.policy_store_id)?;
            let found = identity_source::by_id(tx, &store.id, &input.identity_source_id)?;
            Ok::<_, Error>(found.into_output(store.id))
        });
        read.await
    }
}
