//! `TagResource`: adds tags to a policy store, or changes them.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{TagResourceInput, TagResourceOutput};
use store::WriteRecords;

use crate::error::Error;
use crate::policy_store;
use crate::quota::TAGS;
use crate::tags;
use crate::state::VerifiedPermissions;

pub(super) struct TagResource;

impl Operation for TagResource {
    type State = VerifiedPermissions;
    type Input = TagResourceInput;
    type Output = TagResourceOutput;
    type Error = Error;

    const NAME: &'static str = "TagResource";

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput, Error> {
        tags::check_new(&input.tags)?;
        let write = state.store.write(move |tx| {
            let mut store = tags::policy_store(tx, &context.scope, &input.resource_arn)?;
            store.record.tags.extend(input.tags);
            if store.record.tags.len() > TAGS {
                return Err(Error::TooManyTags(input.resource_arn));
            }
            tx.put_record(&policy_store::world(&context.scope), &store.id, &store.record)?;
            Ok(TagResourceOutput {})
        });
        write.await
    }
}
