//! `UntagResource`: removes tags from a policy store. Unknown keys are no error.

use std::sync::Arc;

use frontdoor::{Operation, RequestContext};
use model::verified_permissions::types::{UntagResourceInput, UntagResourceOutput};
use store::WriteRecords;

use crate::error::Error;
use crate::policy_store;
use crate::tags;
use crate::state::VerifiedPermissions;

pub(super) struct UntagResource;

impl Operation for UntagResource {
    type State = VerifiedPermissions;
    type Input = UntagResourceInput;
    type Output = UntagResourceOutput;
    type Error = Error;

    const NAME: &'static str = "UntagResource";

    async fn call(
        state: &Arc<VerifiedPermissions>,
        context: RequestContext,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput, Error> {
        let write = state.store.write(move |tx| {
            let mut store = tags::policy_store(tx, &context.scope, &input.resource_arn)?;
            store.record.tags.retain(|key, _| !input.tag_keys.contains(key));
            tx.put_record(&policy_store::world(&context.scope), &store.id, &store.record)?;
            Ok::<_, Error>(UntagResourceOutput {})
        });
        write.await
    }
}
