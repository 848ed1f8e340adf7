//! Clusters: their record, finding the one that a request names, and how it is told of.

use std::collections::BTreeMap;

use base::{Entropy, Timestamp};
use frontdoor::Scope;
use model::dsql::types::{ClusterStatus, GetClusterOutput, MultiRegionProperties};
use resources::micros;
use resources::page::for_each;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, StoreError, Stored, WriteRecords, WriteTx};

use crate::arn::ResourceArn;
use crate::error::{Error, ResourceType};
use crate::lifecycle::Lifecycle;
use crate::{encryption, metric_groups};

/// Clusters that are gone and that one write removes.
const SWEEP: usize = 4;

/// A cluster: parent = the world (Region and account), id = the cluster's id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ClusterRecord {
    #[serde(with = "micros")]
    pub(crate) created: Timestamp,
    /// When it was last created, updated or connected to.
    #[serde(with = "micros")]
    pub(crate) activity: Timestamp,
    /// When the last change began that takes its time.
    #[serde(with = "micros::option")]
    pub(crate) changed: Option<Timestamp>,
    pub(crate) deletion: Option<Deletion>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: BTreeMap<String, String>,
    /// The ARN of the customer's key; `None` for the service's own.
    pub(crate) kms_key_arn: Option<String>,
    #[serde(with = "micros::option")]
    pub(crate) key_changed: Option<Timestamp>,
    /// The metric group `STATEMENT_STATISTICS`.
    pub(crate) statement_statistics: bool,
    /// The witness Region of a multi-Region cluster.
    pub(crate) witness: Option<String>,
    /// The ARN of the other cluster that this one names as its peer.
    pub(crate) peer: Option<String>,
    /// INVARIANT: true exactly if the peer exists and names this cluster. Both records change in
    /// one transaction.
    pub(crate) linked: bool,
    /// The version of the policy that it has.
    pub(crate) policy_version: Option<u64>,
    /// How many policies it has had: versions never repeat.
    pub(crate) policies: u64,
}

/// How far the deletion of a cluster is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Deletion {
    /// It begins when the linked peer is deleted, too.
    AwaitingPeer,
    /// Under way, or over.
    Since(#[serde(with = "micros")] Timestamp),
}

impl Record for ClusterRecord {
    const KIND: &'static str = "dsql.cluster";
    const VERSION: u32 = 1;
}

impl ClusterRecord {
    /// A new cluster with the service's defaults.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            created: now,
            activity: now,
            changed: None,
            deletion: None,
            deletion_protection: true,
            tags: BTreeMap::new(),
            kms_key_arn: None,
            key_changed: None,
            statement_statistics: false,
            witness: None,
            peer: None,
            linked: false,
            policy_version: None,
            policies: 0,
        }
    }
}

/// A cluster that exists.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) scope: Scope,
    pub(crate) id: String,
    pub(crate) record: ClusterRecord,
    pub(crate) status: ClusterStatus,
}

/// The parent of everything that an account has in a Region.
pub(crate) fn world(scope: &Scope) -> String {
    format!("{}/{}", scope.region, scope.account)
}

/// A new id of a cluster or stream: 128 random bits in the 26 digits that lower-case base32 needs.
pub(crate) fn new_id(entropy: &dyn Entropy) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let bits = u128::from_be_bytes(bytes);
    let digit = |at: u32| {
        let value = (bits >> (5 * at)) & 31;
        DIGITS.get(value as usize).copied().map_or('a', char::from)
    };
    (0..26).rev().map(digit).collect()
}

/// The cluster with this id, unless it is gone.
pub(crate) fn lookup(
    tx: &dyn ReadTx,
    scope: &Scope,
    id: &str,
    at: Lifecycle<'_>,
) -> Result<Option<Cluster>, StoreError> {
    let Some(found) = tx.get_record::<ClusterRecord>(&world(scope), id)? else {
        return Ok(None);
    };
    Ok(at.status(&found.record).map(|status| Cluster {
        scope: scope.clone(),
        id: id.to_owned(),
        record: found.record,
        status,
    }))
}

/// The cluster with this id.
pub(crate) fn find(
    tx: &dyn ReadTx,
    scope: &Scope,
    id: &str,
    at: Lifecycle<'_>,
) -> Result<Cluster, Error> {
    let missing = || Error::NotFound(ResourceType::Cluster, id.to_owned());
    lookup(tx, scope, id, at)?.ok_or_else(missing)
}

/// How many clusters an account has in a Region, and which of its records are of clusters that are
/// gone.
#[derive(Default)]
pub(crate) struct Census {
    pub(crate) single_region: usize,
    pub(crate) multi_region: usize,
    gone: Vec<String>,
}

impl Census {
    pub(crate) fn take(tx: &dyn ReadTx, scope: &Scope, at: Lifecycle<'_>) -> Result<Self, Error> {
        let mut census = Self::default();
        for_each(tx, &world(scope), |stored: Stored<ClusterRecord>| {
            if at.status(&stored.record).is_none() {
                census.gone.push(stored.id);
            } else if stored.record.witness.is_some() {
                census.multi_region += 1;
            } else {
                census.single_region += 1;
            }
            Ok::<_, Error>(())
        })?;
        Ok(census)
    }

    /// Removes what is left of some clusters that are gone: record, policy and streams.
    pub(crate) fn sweep(self, tx: &mut dyn WriteTx, scope: &Scope) -> Result<(), Error> {
        for id in self.gone.iter().take(SWEEP) {
            tx.delete_children(id)?;
            tx.delete_record::<ClusterRecord>(&world(scope), id)?;
        }
        Ok(())
    }
}

impl Cluster {
    pub(crate) fn arn(&self) -> ResourceArn {
        ResourceArn::cluster(&self.scope, &self.id)
    }

    /// Writes the record, new or changed.
    pub(crate) fn put(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        tx.put_record(&world(&self.scope), &self.id, &self.record)?;
        Ok(())
    }

    /// Whether it is deleted, or will be with its peer.
    pub(crate) fn is_in_deletion(&self) -> bool {
        self.record.deletion.is_some()
    }

    /// Refuses changes of a cluster that is deleted.
    pub(crate) fn check_changeable(&self) -> Result<(), Error> {
        if !self.is_in_deletion() {
            return Ok(());
        }
        let status = self.status.as_str();
        Err(Error::Conflict {
            message: format!("The cluster `{}` is in the state {status}.", self.id),
            resource: (ResourceType::Cluster, self.id.clone()),
        })
    }
}

/// The answer to a request that makes or changes a cluster: what there was then. It is remembered
/// for repeated requests.
#[derive(Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) record: ClusterRecord,
    #[serde(with = "micros")]
    pub(crate) at: Timestamp,
}

impl Answer {
    pub(crate) fn new(cluster: Cluster, at: Lifecycle<'_>) -> Self {
        Self {
            id: cluster.id,
            record: cluster.record,
            at: at.now,
        }
    }

    /// What `GetCluster` would have said.
    pub(crate) fn describe(self, scope: &Scope, at: Lifecycle<'_>) -> GetClusterOutput {
        let at = Lifecycle { now: self.at, ..at };
        // Without a delay a deletion is over as soon as it begins.
        let status = at.status(&self.record).unwrap_or(ClusterStatus::Deleting);
        let cluster = Cluster {
            scope: scope.clone(),
            id: self.id,
            record: self.record,
            status,
        };
        describe(cluster, at)
    }
}

/// All that is told of a cluster.
pub(crate) fn describe(cluster: Cluster, at: Lifecycle<'_>) -> GetClusterOutput {
    let arn = cluster.arn().to_string();
    let Cluster {
        scope,
        id,
        record,
        status,
    } = cluster;
    let multi_region_properties = record.witness.clone().map(|witness| MultiRegionProperties {
        witness_region: Some(witness),
        clusters: Some(
            [arn.clone()]
                .into_iter()
                .chain(record.peer.clone())
                .collect(),
        ),
    });
    GetClusterOutput {
        endpoint: Some(endpoint(&scope, &id, at)),
        status,
        creation_time: record.created,
        deletion_protection_enabled: record.deletion_protection,
        multi_region_properties,
        encryption_details: Some(encryption::details(&record, at)),
        metric_groups: Some(metric_groups::describe(record.statement_statistics)),
        tags: Some(record.tags),
        identifier: id,
        arn,
    }
}

/// The host name for connections: drivers read cluster and Region out of it.
fn endpoint(scope: &Scope, id: &str, at: Lifecycle<'_>) -> String {
    format!("{id}.dsql.{}.{}", scope.region, at.options.endpoint_suffix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster_policy::{self, ClusterPolicyRecord};
    use crate::state::Options;
    use crate::stream::StreamRecord;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn an_id_has_26_digits_of_base32() {
        for byte in 0..=255 {
            let id = new_id(&Fixed(byte));
            assert_eq!(id.len(), 26, "{id}");
            assert!(
                id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')),
                "{id}"
            );
        }
        assert_eq!(new_id(&Fixed(0)), "a".repeat(26));
        assert_eq!(new_id(&Fixed(0xff)), format!("h{}", "7".repeat(25)));
    }

    fn scope() -> Scope {
        Scope {
            region: "us-east-1".parse().unwrap(),
            account: "111122223333".parse().unwrap(),
        }
    }

    /// A cluster with a policy and a stream, that is deleted at this second.
    fn insert(tx: &mut dyn WriteTx, id: &str, deleted: Option<i64>) -> Result<(), Error> {
        let second = |at: i64| Timestamp::from_unix_micros(at * 1_000_000);
        let mut cluster = Cluster {
            scope: scope(),
            id: id.to_owned(),
            record: ClusterRecord::new(second(0)),
            status: ClusterStatus::Active,
        };
        cluster.record.deletion = deleted.map(|at| Deletion::Since(second(at)));
        cluster_policy::put(tx, &mut cluster, "{}".to_owned())?;
        let record = StreamRecord {
            created: second(0),
            kinesis_stream_arn: String::new(),
            role_arn: String::new(),
            tags: BTreeMap::new(),
            deleted: None,
        };
        tx.put_record(id, "stream", &record)?;
        Ok(())
    }

    #[tokio::test]
    async fn what_is_left_of_deleted_clusters_is_swept_a_few_at_a_time() {
        let store = store::Store::memory();
        let write = store.write(|tx| {
            for number in 0..6 {
                insert(tx, &format!("gone{number}"), Some(10))?;
            }
            insert(tx, "deleting", Some(99))?;
            insert(tx, "there", None)?;
            let options = Options::default();
            let at = Lifecycle {
                now: Timestamp::from_unix_micros(100_000_000),
                options: &options,
            };
            let count = |tx: &dyn WriteTx| {
                let clusters = tx.count_records::<ClusterRecord>(&world(&scope()))?;
                let mut children = 0;
                for number in 0..6 {
                    let id = format!("gone{number}");
                    children += tx.count_records::<StreamRecord>(&id)?;
                    children += tx.count_records::<ClusterPolicyRecord>(&id)?;
                }
                Ok::<_, Error>((clusters, children))
            };
            let mut counts = vec![count(tx)?];
            for _ in 0..3 {
                let census = Census::take(&*tx, &scope(), at)?;
                assert_eq!((census.single_region, census.multi_region), (2, 0));
                census.sweep(tx, &scope())?;
                counts.push(count(tx)?);
            }
            assert!(cluster_policy::find(tx, &find(tx, &scope(), "there", at)?).is_ok());
            Ok::<_, Error>(counts)
        });
        assert_eq!(write.await.unwrap(), [(8, 12), (4, 4), (2, 0), (2, 0)]);
    }
}
