//! Streams: what is to be sent where. Delivery is not there yet, so they stay CREATING.

use std::collections::BTreeMap;

use base::{Arn, Timestamp};
use frontdoor::Scope;
use model::dsql::types::{KinesisTargetDefinition, StreamStatus};
use resources::micros;
use resources::page::for_each;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, StoreError, Stored, WriteRecords, WriteTx};

use crate::arn::ResourceArn;
use crate::cluster::{self, Cluster};
use crate::error::{Error, ResourceType};
use crate::lifecycle::Lifecycle;

/// A stream: parent = its cluster, id = the stream's id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    #[serde(with = "micros")]
    pub(crate) created: Timestamp,
    /// The Kinesis data stream that it goes to.
    pub(crate) kinesis_stream_arn: String,
    /// The role that may write there.
    pub(crate) role_arn: String,
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(with = "micros::option")]
    pub(crate) deleted: Option<Timestamp>,
}

impl Record for StreamRecord {
    const KIND: &'static str = "dsql.stream";
    const VERSION: u32 = 1;
}

/// A stream that exists.
pub(crate) struct Stream {
    pub(crate) cluster: Cluster,
    pub(crate) id: String,
    pub(crate) record: StreamRecord,
    pub(crate) status: StreamStatus,
}

impl Stream {
    pub(crate) fn arn(&self) -> ResourceArn {
        ResourceArn::stream(&self.cluster.scope, &self.cluster.id, &self.id)
    }

    /// Writes the record, new or changed.
    pub(crate) fn put(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        tx.put_record(&self.cluster.id, &self.id, &self.record)?;
        Ok(())
    }
}

/// A stream of this cluster, unless it is gone.
pub(crate) fn lookup(
    tx: &dyn ReadTx,
    cluster: Cluster,
    id: &str,
    at: Lifecycle<'_>,
) -> Result<Option<Stream>, StoreError> {
    let Some(found) = tx.get_record::<StreamRecord>(&cluster.id, id)? else {
        return Ok(None);
    };
    let record = found.record;
    Ok(at.stream(&record, &cluster.record).map(|status| Stream {
        cluster,
        id: id.to_owned(),
        record,
        status,
    }))
}

/// The stream with this id.
pub(crate) fn find(
    tx: &dyn ReadTx,
    scope: &Scope,
    cluster_id: &str,
    id: &str,
    at: Lifecycle<'_>,
) -> Result<Stream, Error> {
    let cluster = cluster::find(tx, scope, cluster_id, at)?;
    let missing = || Error::NotFound(ResourceType::Stream, id.to_owned());
    lookup(tx, cluster, id, at)?.ok_or_else(missing)
}

/// How many streams a cluster has. Removes those that are gone.
pub(crate) fn count(
    tx: &mut dyn WriteTx,
    cluster: &Cluster,
    at: Lifecycle<'_>,
) -> Result<usize, Error> {
    let (mut count, mut gone) = (0, Vec::new());
    for_each(&*tx, &cluster.id, |stored: Stored<StreamRecord>| {
        match at.stream(&stored.record, &cluster.record) {
            Some(_) => count += 1,
            None => gone.push(stored.id),
        }
        Ok::<_, Error>(())
    })?;
    for id in gone {
        tx.delete_record::<StreamRecord>(&cluster.id, &id)?;
    }
    Ok(count)
}

/// Refuses targets of another account or Region.
pub(crate) fn check_target(target: &KinesisTargetDefinition, scope: &Scope) -> Result<(), Error> {
    let account = scope.account.as_str();
    let own = |arn: Arn<'_>| arn.account == account && arn.partition == scope.region.partition();
    let in_region = |arn: Arn<'_>| own(arn) && arn.region == scope.region.as_str();
    if !Arn::parse(&target.stream_arn).is_some_and(in_region) {
        let text = "The Kinesis data stream must be in the account and Region of the cluster.";
        return Err(Error::field("targetDefinition.kinesis.streamArn", text));
    }
    if !Arn::parse(&target.role_arn).is_some_and(own) {
        let text = "The role must be in the account of the cluster.";
        return Err(Error::field("targetDefinition.kinesis.roleArn", text));
    }
    Ok(())
}

/// The answer to a request that makes or deletes a stream: what there was then. It is remembered
/// for repeated requests.
#[derive(Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) arn: String,
    #[serde(with = "micros")]
    pub(crate) created: Timestamp,
}

impl Answer {
    pub(crate) fn new(stream: &Stream) -> Self {
        Self {
            id: stream.id.clone(),
            arn: stream.arn().to_string(),
            created: stream.record.created,
        }
    }
}
