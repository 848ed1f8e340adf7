//! `TagResource`: adds tags to a cluster or stream, or changes them.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{TagResourceInput, TagResourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::Dsql;
use crate::tags::Tagged;

pub(super) struct TagResource;

impl Operation for TagResource {
    type State = Dsql;
    type Input = TagResourceInput;
    type Output = TagResourceOutput;
    type Error = Error;

    const NAME: &'static str = "TagResource";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a TagResourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::tagged(state, asked, &input.resource_arn).await?;
        let permission = target.permission("dsql:TagResource");
        Ok(vec![permission.setting(Some(&input.tags))])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput, Error> {
        let shared = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let at = shared.at(context.now);
            let mut tagged = Tagged::find(&*tx, &context.scope, &input.resource_arn, at)?;
            tagged.extend(input.tags)?;
            tagged.put(tx)?;
            Ok(TagResourceOutput {})
        });
        write.await
    }
}
