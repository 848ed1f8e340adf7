//! `ListIdentitySources`: an empty list, since none can be created in this release.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{ListIdentitySourcesInput, ListIdentitySourcesOutput};

use crate::access;
use crate::error::Error;
use crate::policy_store::resolve;
use crate::state::VerifiedPermissions;

pub(super) struct ListIdentitySources;

impl Operation for ListIdentitySources {
    type State = VerifiedPermissions;
    type Input = ListIdentitySourcesInput;
    type Output = ListIdentitySourcesOutput;
    type Error = Error;

    const NAME: &'static str = "ListIdentitySources";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a ListIdentitySourcesInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        access::policy_store(
            state,
            asked,
            "verifiedpermissions:ListIdentitySources",
            &input.policy_store_id,
        )
        .await
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListIdentitySourcesInput,
    ) -> Result<ListIdentitySourcesOutput, Error> {
        if input.next_token.is_some() {
            return Err(Error::field("/nextToken", "Invalid token."));
        }
        let read = state
            .store
            .read(move |tx| resolve(tx, &context, &input.policy_store_id).map(drop));
        read.await?;
        Ok(ListIdentitySourcesOutput {
            identity_sources: Vec::new(),
            next_token: None,
        })
    }
}
