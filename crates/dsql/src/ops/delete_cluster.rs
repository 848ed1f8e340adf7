//! `DeleteCluster`: begins the deletion of a cluster that is not protected.
//!
//! A cluster that is being deleted already answers with its state again.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{DeleteClusterInput, DeleteClusterOutput};
use store::WriteTx;

use crate::access;
use crate::cluster::{self, Answer, Census};
use crate::error::{Error, Reason, ResourceType};
use crate::idempotency::Idempotent;
use crate::lifecycle::Lifecycle;
use crate::multi_region;
use crate::state::Dsql;

pub(super) struct DeleteCluster;

impl Operation for DeleteCluster {
    type State = Dsql;
    type Input = DeleteClusterInput;
    type Output = DeleteClusterOutput;
    type Error = Error;

    const NAME: &'static str = "DeleteCluster";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a DeleteClusterInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.identifier).await?;
        Ok(vec![target.permission("dsql:DeleteCluster")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: DeleteClusterInput,
    ) -> Result<DeleteClusterOutput, Error> {
        let token = input.client_token.take();
        let resource = (ResourceType::Cluster, input.identifier.as_str());
        let request = Idempotent::about(Self::NAME, resource, token, &input);
        let (shared, scope) = (Arc::clone(state), context.scope.clone());
        let write = state.store.write(move |tx| {
            let (id, at) = (input.identifier.as_str(), shared.at(context.now));
            request.run(tx, &context, id, |tx| delete(tx, &context, id, at))
        });
        let answer = write.await?;
        let at = answer.at;
        let described = answer.describe(&scope, state.at(at));
        Ok(DeleteClusterOutput {
            identifier: described.identifier,
            arn: described.arn,
            status: described.status,
            creation_time: described.creation_time,
        })
    }
}

fn delete(
    tx: &mut dyn WriteTx,
    context: &RequestContext,
    id: &str,
    at: Lifecycle<'_>,
) -> Result<Answer, Error> {
    let scope = &context.scope;
    let mut found = cluster::find(&*tx, scope, id, at)?;
    if found.is_in_deletion() {
        return Ok(Answer::new(found, at));
    }
    if found.record.deletion_protection {
        return Err(Error::Validation {
            reason: Reason::DeletionProtectionEnabled,
            message: format!(
                "The cluster `{id}` cannot be deleted because deletion protection is enabled. \
                 Disable it with UpdateCluster first."
            ),
            field: None,
        });
    }
    multi_region::delete(tx, &mut found, at)?;
    Census::take(&*tx, scope, at)?.sweep(tx, scope)?;
    Ok(Answer::new(found, at))
}
