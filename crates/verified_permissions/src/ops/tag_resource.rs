//! `TagResource`: adds tags to a policy store, or changes them.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{TagResourceInput, TagResourceOutput};
use store::WriteRecords;

use crate::access;
use crate::error::Error;
use crate::policy_store;
use crate::quota::TAGS;
use crate::state::VerifiedPermissions;
use crate::tags;

pub(super) struct TagResource;

impl Operation for TagResource {
    type State = VerifiedPermissions;
    type Input = TagResourceInput;
    type Output = TagResourceOutput;
    type Error = Error;

    const NAME: &'static str = "TagResource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a TagResourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let permission = access::tagged(
            state,
            asked,
            "verifiedpermissions:TagResource",
            &input.resource_arn,
        );
        Ok(vec![permission.setting(Some(&input.tags))])
    }

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
            tx.put_record(
                &policy_store::world(&context.scope),
                &store.id,
                &store.record,
            )?;
            Ok(TagResourceOutput {})
        });
        write.await
    }
}
