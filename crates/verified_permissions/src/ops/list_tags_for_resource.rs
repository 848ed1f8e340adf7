//! `ListTagsForResource`: a policy store's tags.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{ListTagsForResourceInput, ListTagsForResourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::VerifiedPermissions;
use crate::tags;

pub(super) struct ListTagsForResource;

impl Operation for ListTagsForResource {
    type State = VerifiedPermissions;
    type Input = ListTagsForResourceInput;
    type Output = ListTagsForResourceOutput;
    type Error = Error;

    const NAME: &'static str = "ListTagsForResource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a ListTagsForResourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![access::tagged(
            state,
            asked,
            "verifiedpermissions:ListTagsForResource",
            &input.resource_arn,
        )])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, Error> {
        let read = state.store.read(move |tx| {
            let store = tags::policy_store(tx, &context.scope, &input.resource_arn)?;
            Ok::<_, Error>(ListTagsForResourceOutput {
                tags: Some(store.record.tags),
            })
        });
        read.await
    }
}
