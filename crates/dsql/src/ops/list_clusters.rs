//! `ListClusters`: the caller's clusters in the Region, oldest first.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{ClusterSummary, ListClustersInput, ListClustersOutput};
use resources::page::PageSize;
use store::Stored;
use wire::page::PageScope;

use crate::arn::ResourceArn;
use crate::cluster::{self, ClusterRecord};
use crate::error::Error;
use crate::page::{MAX_RESULTS, PageRequest};
use crate::state::Dsql;

/// Clusters of a page when the client does not say.
const DEFAULT: usize = 100;

pub(super) struct ListClusters;

impl Operation for ListClusters {
    type State = Dsql;
    type Input = ListClustersInput;
    type Output = ListClustersOutput;
    type Error = Error;

    const NAME: &'static str = "ListClusters";

    async fn permissions<'a>(
        _: &'a Arc<Dsql>,
        _: &'a Asked,
        _: &'a ListClustersInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        Ok(vec![Permission::new("dsql:ListClusters", "*")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: ListClustersInput,
    ) -> Result<ListClustersOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let (scope, at) = (&context.scope, shared.at(context.now));
            let size = PageSize {
                asked: input.max_results,
                default: DEFAULT,
                max: MAX_RESULTS,
            };
            let token_scope = PageScope {
                account: &scope.account,
                operation: Self::NAME,
                resource: scope.region.as_str(),
                filter: "",
            };
            let request = PageRequest::new(size, input.next_token.as_deref(), token_scope)?;
            let world = cluster::world(scope);
            let page = request.collect(tx, &world, |stored: Stored<ClusterRecord>| {
                let exists = at.status(&stored.record).is_some();
                Ok(exists.then(|| ClusterSummary {
                    arn: ResourceArn::cluster(scope, &stored.id).to_string(),
                    identifier: stored.id,
                }))
            })?;
            Ok::<_, Error>(ListClustersOutput {
                clusters: page.items,
                next_token: page.next_token,
            })
        });
        read.await
    }
}
