//! `GetStream`: all about a stream.

use std::sync::Arc;

use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{
    GetStreamInput, GetStreamOutput, KinesisTargetDefinition, StreamFormat, StreamOrdering,
    TargetDefinition,
};

use crate::access;
use crate::error::Error;
use crate::state::Dsql;
use crate::stream;

pub(super) struct GetStream;

impl Operation for GetStream {
    type State = Dsql;
    type Input = GetStreamInput;
    type Output = GetStreamOutput;
    type Error = Error;

    const NAME: &'static str = "GetStream";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a GetStreamInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let (cluster, id) = (&input.cluster_identifier, &input.stream_identifier);
        let target = access::stream(state, asked, cluster, id).await?;
        Ok(vec![target.permission("dsql:GetStream")])
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        input: GetStreamInput,
    ) -> Result<GetStreamOutput, Error> {
        let shared = Arc::clone(state);
        let read = state.store.read(move |tx| {
            let (cluster, id) = (&input.cluster_identifier, &input.stream_identifier);
            let at = shared.at(context.now);
            let found = stream::find(tx, &context.scope, cluster, id, at)?;
            let target = KinesisTargetDefinition {
                stream_arn: found.record.kinesis_stream_arn.clone(),
                role_arn: found.record.role_arn.clone(),
            };
            Ok(GetStreamOutput {
                arn: found.arn().to_string(),
                cluster_identifier: found.cluster.id,
                stream_identifier: found.id,
                status: found.status,
                creation_time: found.record.created,
                ordering: StreamOrdering::Unordered,
                format: StreamFormat::Json,
                target_definition: Some(TargetDefinition::Kinesis(target)),
                status_reason: None,
                tags: Some(found.record.tags),
            })
        });
        read.await
    }
}
