//! `CreateStream`: has the changes of an active cluster sent to a Kinesis data stream.

use std::sync::Arc;

use base::Arn;
use frontdoor::{Asked, Operation, Permission, RequestContext};
use model::dsql::types::{
    ClusterStatus, CreateStreamInput, CreateStreamOutput, StreamStatus, TargetDefinition,
};
use store::WriteTx;

use crate::access;
use crate::cluster::{self, Cluster};
use crate::error::{Error, ResourceType};
use crate::idempotency::Idempotent;
use crate::lifecycle::Lifecycle;
use crate::quota::code;
use crate::state::Dsql;
use crate::stream::{self, Answer, Stream, StreamRecord};
use crate::tags;

pub(super) struct CreateStream;

impl Operation for CreateStream {
    type State = Dsql;
    type Input = CreateStreamInput;
    type Output = CreateStreamOutput;
    type Error = Error;

    const NAME: &'static str = "CreateStream";

    async fn permissions<'a>(
        state: &'a Arc<Dsql>,
        asked: &'a Asked,
        input: &'a CreateStreamInput,
    ) -> Result<Vec<Permission<'a>>, Error> {
        let target = access::cluster(state, asked, &input.cluster_identifier).await?;
        let create = target
            .permission("dsql:CreateStream")
            .setting(input.tags.as_ref());
        let mut permissions = vec![create];
        let TargetDefinition::Kinesis(kinesis) = &input.target_definition;
        // A role of another account is refused in any case.
        if account_of(&kinesis.role_arn).as_deref() == Some(asked.scope.account.as_str()) {
            let mut pass_role = Permission::new("iam:PassRole", kinesis.role_arn.as_str());
            pass_role.keys = vec![("iam:passedtoservice", "dsql.amazonaws.com".to_owned())];
            permissions.push(pass_role);
        }
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            permissions.push(
                target
                    .permission("dsql:TagResource")
                    .setting(input.tags.as_ref()),
            );
        }
        let key = target
            .cluster
            .and_then(|cluster| cluster.record.kms_key_arn);
        if let Some(key) = key {
            let mut decrypt = Permission::new("kms:Decrypt", key.as_str());
            decrypt.resource_account = account_of(&key);
            // The key is used through the service, for data of the cluster.
            let id = &input.cluster_identifier;
            decrypt.keys = vec![
                (
                    "kms:viaservice",
                    format!("dsql.{}.amazonaws.com", asked.scope.region),
                ),
                ("kms:encryptioncontextkeys", "aws:dsql:ClusterId".to_owned()),
                ("kms:encryptioncontext:aws:dsql:clusterid", id.clone()),
            ];
            permissions.push(decrypt);
        }
        Ok(permissions)
    }

    async fn call(
        state: &Arc<Dsql>,
        context: RequestContext,
        mut input: CreateStreamInput,
    ) -> Result<CreateStreamOutput, Error> {
        let token = input.client_token.take();
        let cluster_id = input.cluster_identifier.clone();
        let (ordering, format) = (input.ordering, input.format);
        let operation = format!("{}/{cluster_id}", Self::NAME);
        let request = Idempotent::new(&operation, ResourceType::Stream, token, &input);
        let TargetDefinition::Kinesis(kinesis) = input.target_definition;
        stream::check_target(&kinesis, &context.scope)?;
        let tags = input.tags.unwrap_or_default();
        tags::check_all(&tags)?;
        let record = StreamRecord {
            created: context.now,
            kinesis_stream_arn: kinesis.stream_arn,
            role_arn: kinesis.role_arn,
            tags,
            deleted: None,
        };
        let id = cluster::new_id(state.entropy.as_ref());
        let shared = Arc::clone(state);
        let write = state.store.write(move |tx| {
            let at = shared.at(context.now);
            request.run(tx, &context, &id, |tx| {
                let cluster = cluster::find(&*tx, &context.scope, &input.cluster_identifier, at)?;
                create(tx, cluster, id.clone(), record, at)
            })
        });
        let answer = write.await?;
        Ok(CreateStreamOutput {
            cluster_identifier: cluster_id,
            stream_identifier: answer.id,
            arn: answer.arn,
            status: StreamStatus::Creating,
            creation_time: answer.created,
            ordering,
            format,
        })
    }
}

/// The account in an ARN.
fn account_of(arn: &str) -> Option<String> {
    Arn::parse(arn).map(|arn| arn.account.to_owned())
}

fn create(
    tx: &mut dyn WriteTx,
    cluster: Cluster,
    id: String,
    record: StreamRecord,
    at: Lifecycle<'_>,
) -> Result<Answer, Error> {
    if cluster.status != ClusterStatus::Active {
        let status = cluster.status.as_str();
        return Err(Error::invalid(format!(
            "The cluster is in the state {status}, and must be ACTIVE. Connect to an idle cluster \
             first."
        )));
    }
    if stream::count(tx, &cluster, at)? >= at.options.quotas.streams_per_cluster {
        return Err(Error::QuotaExceeded {
            message: "You have reached the stream limit of the cluster.".to_owned(),
            resource: (ResourceType::Stream, cluster.id),
            quota_code: code::STREAMS_PER_CLUSTER,
        });
    }
    let stream = Stream {
        cluster,
        id,
        record,
        status: StreamStatus::Creating,
    };
    stream.put(tx)?;
    Ok(Answer::new(&stream))
}
