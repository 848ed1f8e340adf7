//! What the operations ask of IAM: actions, ARNs, tags, and the policy of the cluster.
//!
//! Which actions an operation asks for is told by the API reference, which of them consult the
//! cluster's policy by the Aurora DSQL User Guide (*Resource-based policies*): all but
//! `CreateCluster` and `ListClusters`. A stream is decided on with the policy of its cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Timestamp;
use frontdoor::{Asked, Permission, ResourceTags};
use iam::policy::NamedDocument;
use store::{ReadTx, StoreError};

use crate::arn::{self, ResourceArn};
use crate::cluster::{self, Cluster};
use crate::cluster_policy::PolicyCache;
use crate::lifecycle::Lifecycle;
use crate::state::{Dsql, Options};
use crate::stream;

/// What a request is about, and all that decides on it: read before the decision, at once. Where it
/// does not exist, only the ARN counts; that it does not is told by the operation, to those who may
/// know.
#[derive(Default)]
pub(crate) struct Target {
    /// The ARN.
    pub(crate) arn: String,
    /// The account, if it is not the caller's.
    account: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) policy: Option<NamedDocument>,
    /// The cluster, or that of the stream.
    pub(crate) cluster: Option<Cluster>,
}

impl Target {
    /// Permission for `action` on it.
    pub(crate) fn permission<'a>(&self, action: &'static str) -> Permission<'a> {
        let mut permission = Permission::new(action, self.arn.as_str());
        permission.resource_account = self.account.clone();
        permission.resource_policy = self.policy.clone();
        permission.resource_tags = ResourceTags::Known(self.tags.clone());
        permission
    }

    /// Permissions to name `witness` as the witness Region, in the Region of the request and there.
    pub(crate) fn witness<'a>(&self, witness: &str) -> [Permission<'a>; 2] {
        put_witness_region(|action| self.permission(action), witness)
    }

    pub(crate) fn read(
        policies: &PolicyCache,
        tx: &dyn ReadTx,
        arn: &ResourceArn,
        at: Lifecycle<'_>,
    ) -> Result<Self, StoreError> {
        let mut target = Self {
            arn: arn.to_string(),
            ..Self::default()
        };
        let Some(cluster) = cluster::lookup(tx, &arn.scope, &arn.cluster, at)? else {
            return Ok(target);
        };
        target.policy = policies.of(tx, &cluster)?;
        target.tags = match &arn.stream {
            None => cluster.record.tags.clone(),
            Some(id) => stream::lookup(tx, cluster.clone(), id, at)?
                .map(|stream| stream.record.tags)
                .unwrap_or_default(),
        };
        target.cluster = Some(cluster);
        Ok(target)
    }
}

/// Reads several targets at once, all of the caller's account.
pub(crate) async fn targets(
    state: &Arc<Dsql>,
    asked: &Asked,
    arns: Vec<ResourceArn>,
) -> Result<Vec<Target>, StoreError> {
    let (shared, now) = (Arc::clone(state), asked.now);
    let read = state.store.read(move |tx| {
        let at = shared.at(now);
        let read = |arn| Target::read(&shared.policies, tx, arn, at);
        arns.iter().map(read).collect()
    });
    read.await
}

async fn target(state: &Arc<Dsql>, asked: &Asked, arn: ResourceArn) -> Result<Target, StoreError> {
    let mut targets = targets(state, asked, vec![arn]).await?;
    Ok(targets.pop().unwrap_or_default())
}

/// The cluster with this id.
pub(crate) async fn cluster(
    state: &Arc<Dsql>,
    asked: &Asked,
    id: &str,
) -> Result<Target, StoreError> {
    target(state, asked, ResourceArn::cluster(&asked.scope, id)).await
}

/// The stream with this id.
pub(crate) async fn stream(
    state: &Arc<Dsql>,
    asked: &Asked,
    cluster_id: &str,
    id: &str,
) -> Result<Target, StoreError> {
    let arn = ResourceArn::stream(&asked.scope, cluster_id, id);
    target(state, asked, arn).await
}

/// What the client of a tag operation names by its ARN, which may be another account's or nobody's.
pub(crate) async fn tagged(
    state: &Arc<Dsql>,
    asked: &Asked,
    arn: &str,
) -> Result<Target, StoreError> {
    match ResourceArn::parse(arn) {
        Some(parsed) if parsed.scope.account == asked.scope.account => {
            target(state, asked, parsed).await
        }
        parsed => Ok(Target {
            arn: arn.to_owned(),
            account: parsed.map(|parsed| parsed.scope.account.to_string()),
            ..Target::default()
        }),
    }
}

/// The policy that decides about a cluster or stream, and its tags, for whoever asks outside of a
/// request. `None` when `arn` names none that exists at `now`.
///
/// # Errors
/// The store's.
pub fn policy_and_tags(
    tx: &dyn ReadTx,
    arn: &str,
    now: Timestamp,
    options: &Options,
) -> Result<Option<PolicyAndTags>, StoreError> {
    let Some(arn) = ResourceArn::parse(arn) else {
        return Ok(None);
    };
    let at = Lifecycle { now, options };
    let target = Target::read(&PolicyCache::default(), tx, &arn, at)?;
    Ok(target.cluster.map(|_| (target.policy, target.tags)))
}

/// See [`policy_and_tags`].
pub type PolicyAndTags = (Option<NamedDocument>, BTreeMap<String, String>);

/// Permission for `action` on a cluster that is to be made.
pub(crate) fn new_cluster<'a>(asked: &Asked, action: &'static str) -> Permission<'a> {
    Permission::new(action, arn::new_cluster(&asked.scope))
}

/// Permissions to name `witness` as the witness Region of a new cluster.
pub(crate) fn new_witness<'a>(asked: &Asked, witness: &str) -> [Permission<'a>; 2] {
    put_witness_region(|action| new_cluster(asked, action), witness)
}

fn put_witness_region<'a>(
    permission: impl Fn(&'static str) -> Permission<'a>,
    witness: &str,
) -> [Permission<'a>; 2] {
    [None, Some(witness)].map(|region| {
        let mut permission = permission("dsql:PutWitnessRegion");
        permission.keys = witness_key(Some(witness));
        permission.region = region.map(str::to_owned);
        permission
    })
}

/// The condition key `dsql:WitnessRegion` of a request that may name one.
pub(crate) fn witness_key(witness: Option<&str>) -> Vec<(&'static str, String)> {
    let key = |name: &str| ("dsql:witnessregion", name.to_owned());
    witness.map(key).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use frontdoor::Scope;
    use model::dsql::types::ClusterStatus;
    use store::{Store, WriteRecords};

    use super::*;
    use crate::cluster::{ClusterRecord, Deletion};
    use crate::cluster_policy;
    use crate::error::Error;
    use crate::stream::StreamRecord;

    fn second(at: i64) -> Timestamp {
        Timestamp::from_unix_micros(at * 1_000_000)
    }

    #[tokio::test]
    async fn the_policy_of_a_cluster_counts_for_its_streams_which_have_their_own_tags() {
        let tags = |value: &str| BTreeMap::from([("of".to_owned(), value.to_owned())]);
        let text = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}"#;
        let arn = |rest: &str| format!("arn:aws:dsql:us-east-1:111122223333:cluster/{rest}");
        let (id, unknown) = ("abcdefghijklmnopqrstuvwxyz", "zzzzzzzzzzzzzzzzzzzzzzzzzz");
        let write = Store::memory();
        let write = write.write(move |tx| {
            let mut cluster = Cluster {
                scope: Scope {
                    region: "us-east-1".parse().unwrap(),
                    account: "111122223333".parse().unwrap(),
                },
                id: id.to_owned(),
                record: ClusterRecord::new(second(0)),
                status: ClusterStatus::Active,
            };
            cluster.record.tags = tags("cluster");
            cluster_policy::put(tx, &mut cluster, text.to_owned())?;
            let stream = StreamRecord {
                created: second(0),
                kinesis_stream_arn: String::new(),
                role_arn: String::new(),
                tags: tags("stream"),
                deleted: None,
            };
            tx.put_record(id, id, &stream)?;
            let found = |tx: &dyn ReadTx, arn: &str| {
                let found = policy_and_tags(tx, arn, second(100), &Options::default())?;
                Ok::<_, Error>(found.map(|(policy, tags)| (policy.is_some(), tags)))
            };
            for (arn, expected) in [
                (arn(id), Some((true, tags("cluster")))),
                (
                    arn(&format!("{id}/stream/{id}")),
                    Some((true, tags("stream"))),
                ),
                (
                    arn(&format!("{id}/stream/{unknown}")),
                    Some((true, BTreeMap::new())),
                ),
                (arn(unknown), None),
                (arn("*"), None),
                (arn(id).replace("us-east-1", "us-east-2"), None),
                ("*".to_owned(), None),
            ] {
                assert_eq!(found(tx, &arn)?, expected, "{arn}");
            }
            cluster.record.deletion = Some(Deletion::Since(second(90)));
            cluster.put(tx)?;
            found(tx, &arn(id))
        });
        assert_eq!(write.await.unwrap(), None);
    }
}
