//! `ListTagsForResource`: the tags of a cluster or stream.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{ListTagsForResourceInput, ListTagsForResourceOutput};

use crate::access;
use crate::error::Error;
use crate::state::Dsql;
use crate::tags::Tagged;

pub(super) struct ListTagsForResource;

impl Operation for ListTagsForResource {
    type State = Dsql;
    type Input = ListTagsForResourceInput;
    type Output = ListTagsForResourceOutput;
    type Error = Error;

    const NAME: &'static str = "ListTagsForResource";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a ListTagsForResourceInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::tagged(state, asked, &input.resource_arn).await?;
        Ok(vec![target.permission("dsql:ListTagsForResource")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let at = shared.at(context.now);
            let mut tagged = Tagged::find(tx, &context.scope, &input.resource_arn, at)?;
            let tags = std::mem::take(tagged.tags());
            Ok(ListTagsForResourceOutput { tags: Some(tags) })
        });
        read.await
    }
}
