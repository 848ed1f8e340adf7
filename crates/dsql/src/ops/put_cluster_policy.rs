//! `PutClusterPolicy`: gives a cluster a policy in place of the one that it has.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{PutClusterPolicyInput, PutClusterPolicyOutput};

use crate::cluster_policy::LockoutCheck;
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::state::Dsql;
use crate::{access, cluster, cluster_policy};

pub(super) struct PutClusterPolicy;

impl Operation for PutClusterPolicy {
    type State = Dsql;
    type Input = PutClusterPolicyInput;
    type Output = PutClusterPolicyOutput;
    type Error = Error;

    const NAME: &'static str = "PutClusterPolicy";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a PutClusterPolicyInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        Ok(vec![target.permission("dsql:PutClusterPolicy")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: PutClusterPolicyInput,
    ) -> Result<PutClusterPolicyOutput, Error> {
        let token = input.client_token.take();
        let resource = (ResourceType::ClusterPolicy, input.identifier.as_str());
        let request = Idempotent::about(Self::NAME, resource, token, &input);
        let document = cluster_policy::check(&input.policy)?;
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        let found = match bypass {
            true => None,
            false => state.cluster(&context, &input.identifier).await?,
        };
        let lockout = found.map(|cluster| LockoutCheck::new(&context, &cluster, &document));
        let shared = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let (id, at) = (input.identifier.as_str(), shared.at(context.now));
            request.run(tx, &context, id, |tx| {
                let mut found = cluster::find(&*tx, &context.scope, id, at)?;
                found.check_changeable()?;
                if !bypass {
                    let anew = || LockoutCheck::new(&context, &found, &document);
                    let lockout = lockout.unwrap_or_else(anew);
                    lockout.settle(&context, &found, &document)?;
                }
                cluster_policy::check_version(&found, input.expected_policy_version.as_deref())?;
                cluster_policy::put(tx, &mut found, input.policy)
            })
        });
        let version: u64 = write.await?;
        Ok(PutClusterPolicyOutput {
            policy_version: version.to_string(),
        })
    }
}
