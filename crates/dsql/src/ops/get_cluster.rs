//! `GetCluster`: all about a cluster.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{GetClusterInput, GetClusterOutput};

use crate::access;
use crate::cluster;
use crate::error::Error;
use crate::state::Dsql;

pub(super) struct GetCluster;

impl Operation for GetCluster {
    type State = Dsql;
    type Input = GetClusterInput;
    type Output = GetClusterOutput;
    type Error = Error;

    const NAME: &'static str = "GetCluster";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a GetClusterInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        Ok(vec![target.permission("dsql:GetCluster")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: GetClusterInput,
    ) -> Result<GetClusterOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let at = shared.at(context.now);
            let found = cluster::find(tx, &context.scope, &input.identifier, at)?;
            Ok(cluster::describe(found, at))
        });
        read.await
    }
}
