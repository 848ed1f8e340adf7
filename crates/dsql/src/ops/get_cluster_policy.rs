//! `GetClusterPolicy`: the policy of a cluster, as it was put.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{GetClusterPolicyInput, GetClusterPolicyOutput};

use crate::error::Error;
use crate::state::Dsql;
use crate::{access, cluster, cluster_policy};

pub(super) struct GetClusterPolicy;

impl Operation for GetClusterPolicy {
    type State = Dsql;
    type Input = GetClusterPolicyInput;
    type Output = GetClusterPolicyOutput;
    type Error = Error;

    const NAME: &'static str = "GetClusterPolicy";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a GetClusterPolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        Ok(vec![target.permission("dsql:GetClusterPolicy")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: GetClusterPolicyInput,
    ) -> Result<GetClusterPolicyOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let at = shared.at(context.now);
            let found = cluster::find(tx, &context.scope, &input.identifier, at)?;
            let policy = cluster_policy::find(tx, &found)?;
            Ok(GetClusterPolicyOutput {
                policy: policy.text,
                policy_version: policy.version.to_string(),
            })
        });
        read.await
    }
}
