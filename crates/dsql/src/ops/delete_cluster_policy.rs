//! `DeleteClusterPolicy`: takes a cluster's policy away; identity policies alone decide then.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{DeleteClusterPolicyInput, DeleteClusterPolicyOutput};

use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::state::Dsql;
use crate::{access, cluster, cluster_policy};

pub(super) struct DeleteClusterPolicy;

impl Operation for DeleteClusterPolicy {
    type State = Dsql;
    type Input = DeleteClusterPolicyInput;
    type Output = DeleteClusterPolicyOutput;
    type Error = Error;

    const NAME: &'static str = "DeleteClusterPolicy";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a DeleteClusterPolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        Ok(vec![target.permission("dsql:DeleteClusterPolicy")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: DeleteClusterPolicyInput,
    ) -> Result<DeleteClusterPolicyOutput, Error> {
        let token = input.client_token.take();
        let resource = (ResourceType::ClusterPolicy, input.identifier.as_str());
        let request = Idempotent::about(Self::NAME, resource, token, &input);
        let shared = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let (id, at) = (input.identifier.as_str(), shared.at(context.now));
            request.run(tx, &context, id, |tx| {
                let mut found = cluster::find(&*tx, &context.scope, id, at)?;
                found.check_changeable()?;
                if found.record.policy_version.is_some() {
                    let expected = input.expected_policy_version.as_deref();
                    cluster_policy::check_version(&found, expected)?;
                }
                cluster_policy::delete(tx, &mut found)
            })
        });
        let version: u64 = write.await?;
        Ok(DeleteClusterPolicyOutput {
            policy_version: version.to_string(),
        })
    }
}
