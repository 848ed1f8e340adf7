//! `DeleteStream`: begins the deletion of a stream. One that is being deleted answers again.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{DeleteStreamInput, DeleteStreamOutput, StreamStatus};

use crate::access;
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::state::Dsql;
use crate::stream::{self, Answer};

pub(super) struct DeleteStream;

impl Operation for DeleteStream {
    type State = Dsql;
    type Input = DeleteStreamInput;
    type Output = DeleteStreamOutput;
    type Error = Error;

    const NAME: &'static str = "DeleteStream";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a DeleteStreamInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let (cluster, id) = (&input.cluster_identifier, &input.stream_identifier);
        let target = access::stream(state, asked, cluster, id).await?;
        Ok(vec![target.permission("dsql:DeleteStream")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: DeleteStreamInput,
    ) -> Result<DeleteStreamOutput, Error> {
        let (token, cluster_id) = (input.client_token.take(), input.cluster_identifier.clone());
        let resource = (ResourceType::Stream, input.stream_identifier.as_str());
        let request = Idempotent::about(Self::NAME, resource, token, &input);
        let shared = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let (cluster, id) = (&input.cluster_identifier, &input.stream_identifier);
            let at = shared.at(context.now);
            request.run(tx, &context, id, |tx| {
                let mut found = stream::find(&*tx, &context.scope, cluster, id, at)?;
                if found.status != StreamStatus::Deleting {
                    found.record.deleted = Some(at.now);
                    found.put(tx)?;
                }
                Ok(Answer::new(&found))
            })
        });
        let answer = write.await?;
        Ok(DeleteStreamOutput {
            cluster_identifier: cluster_id,
            stream_identifier: answer.id,
            arn: answer.arn,
            status: StreamStatus::Deleting,
            creation_time: answer.created,
        })
    }
}
