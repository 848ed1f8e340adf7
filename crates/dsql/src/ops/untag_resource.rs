//! `UntagResource`: removes tags. Keys that are not there are no error.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{UntagResourceInput, UntagResourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::Dsql;
use crate::tags::Tagged;

pub(super) struct UntagResource;

impl Operation for UntagResource {
    type State = Dsql;
    type Input = UntagResourceInput;
    type Output = UntagResourceOutput;
    type Error = Error;

    const NAME: &'static str = "UntagResource";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a UntagResourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::tagged(state, asked, &input.resource_arn).await?;
        let mut permission = target.permission("dsql:UntagResource");
        permission.tag_keys = Some(&input.tag_keys);
        Ok(vec![permission])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput, Error> {
        let shared = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let at = shared.at(context.now);
            let mut tagged = Tagged::find(&*tx, &context.scope, &input.resource_arn, at)?;
            tagged.tags().retain(|key, _| !input.tag_keys.contains(key));
            tagged.put(tx)?;
            Ok(UntagResourceOutput {})
        });
        write.await
    }
}
