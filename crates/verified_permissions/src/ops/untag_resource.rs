//! `UntagResource`: removes tags from a policy store. Unknown keys are no error.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::verified_permissions::types::{UntagResourceInput, UntagResourceOutput};
use store::WriteRecords;

use crate::access;
use crate::error::Error;
use crate::policy_store;
use crate::state::VerifiedPermissions;
use crate::tags;

pub(super) struct UntagResource;

impl Operation for UntagResource {
    type State = VerifiedPermissions;
    type Input = UntagResourceInput;
    type Output = UntagResourceOutput;
    type Error = Error;

    const NAME: &'static str = "UntagResource";

    async fn permissions<'a>(
        state: &'a Arc<VerifiedPermissions>,
        asked: &'a Asked,
        input: &'a UntagResourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let mut permission = access::tagged(
            state,
            asked,
            "verifiedpermissions:UntagResource",
            &input.resource_arn,
        );
        permission.tag_keys = Some(&input.tag_keys);
        Ok(vec![permission])
    }

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput, Error> {
        let write = state.store.write(move |tx| {
            let mut store = tags::policy_store(tx, &context.scope, &input.resource_arn)?;
            store
                .record
                .tags
                .retain(|key, _| !input.tag_keys.contains(key));
            tx.put_record(
                &policy_store::world(&context.scope),
                &store.id,
                &store.record,
            )?;
            Ok::<_, Error>(UntagResourceOutput {})
        });
        write.await
    }
}
