//! `GetVpcEndpointServiceName`: where a VPC would find a cluster.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput};

use crate::error::Error;
use crate::state::Dsql;
use crate::{access, cluster, vpc_endpoint};

pub(super) struct GetVpcEndpointServiceName;

impl Operation for GetVpcEndpointServiceName {
    type State = Dsql;
    type Input = GetVpcEndpointServiceNameInput;
    type Output = GetVpcEndpointServiceNameOutput;
    type Error = Error;

    const NAME: &'static str = "GetVpcEndpointServiceName";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a GetVpcEndpointServiceNameInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        Ok(vec![target.permission("dsql:GetVpcEndpointServiceName")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: GetVpcEndpointServiceNameInput,
    ) -> Result<GetVpcEndpointServiceNameOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let scope = &context.scope;
            let found = cluster::find(tx, scope, &input.identifier, shared.at(context.now))?;
            let suffix = &shared.options.endpoint_suffix;
            Ok(GetVpcEndpointServiceNameOutput {
                service_name: vpc_endpoint::service_name(scope),
                cluster_vpc_endpoint: Some(vpc_endpoint::host_name(scope, &found.id, suffix)),
            })
        });
        read.await
    }
}
