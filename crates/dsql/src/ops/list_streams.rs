//! `ListStreams`: the streams of a cluster, oldest first.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{ListStreamsInput, ListStreamsOutput, StreamSummary};
use resources::page::PageSize;
use store::Stored;
use wire::page::PageScope;

use crate::arn::ResourceArn;
use crate::error::Error;
use crate::page::{MAX_RESULTS, PageRequest};
use crate::state::Dsql;
use crate::stream::StreamRecord;
use crate::{access, cluster};

/// Streams of a page when the client does not say.
const DEFAULT: usize = 10;

pub(super) struct ListStreams;

impl Operation for ListStreams {
    type State = Dsql;
    type Input = ListStreamsInput;
    type Output = ListStreamsOutput;
    type Error = Error;

    const NAME: &'static str = "ListStreams";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a ListStreamsInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.cluster_identifier).await?;
        Ok(vec![target.permission("dsql:ListStreams")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: ListStreamsInput,
    ) -> Result<ListStreamsOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let (scope, at) = (&context.scope, shared.at(context.now));
            let cluster = cluster::find(tx, scope, &input.cluster_identifier, at)?;
            let size = PageSize {
                asked: input.max_results,
                default: DEFAULT,
                max: MAX_RESULTS,
            };
            let token_scope = PageScope {
                account: &scope.account,
                operation: Self::NAME,
                resource: &cluster.arn().to_string(),
                filter: "",
            };
            let request = PageRequest::new(size, input.next_token.as_deref(), token_scope)?;
            let page = request.collect(tx, &cluster.id, |stored: Stored<StreamRecord>| {
                let status = at.stream(&stored.record, &cluster.record);
                Ok(status.map(|status| StreamSummary {
                    cluster_identifier: cluster.id.clone(),
                    arn: ResourceArn::stream(scope, &cluster.id, &stored.id).to_string(),
                    stream_identifier: stored.id,
                    creation_time: stored.record.created,
                    status,
                }))
            })?;
            Ok::<_, Error>(ListStreamsOutput {
                streams: page.items,
                next_token: page.next_token,
            })
        });
        read.await
    }
}
