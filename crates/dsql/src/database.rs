//! The databases behind clusters, for the data plane: which cluster a client means, that it is in
//! use, and which databases nobody can reach any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{AccountId, Region, Timestamp};
use frontdoor::Scope;
use iam::policy::NamedDocument;
use model::dsql::types::ClusterStatus;
use resources::micros;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, Record, StoreError, WriteRecords};

use crate::access::Target;
use crate::arn::ResourceArn;
use crate::cluster::{self, Cluster};
use crate::error::Error;
use crate::state::Dsql;

/// A cluster that a client wants to connect to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its Region and account.
    pub scope: Scope,
    /// Its ARN.
    pub arn: String,
    /// Its status, for instance `ACTIVE`.
    pub status: &'static str,
    /// Whether clients are let in: not while it is made, set up or deleted. One that is idle wakes.
    pub available: bool,
    /// Its policy.
    pub policy: Option<NamedDocument>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The database behind it: its own id, or of linked clusters the first of theirs.
    pub database: String,
    /// Where the cluster is that the database is named after.
    database_scope: Scope,
}

/// A database that has been used. Parent = the kind, id = the database's id.
#[derive(Serialize, Deserialize)]
struct DatabaseRecord {
    /// The world of the cluster that it is named after.
    region: String,
    account: String,
    #[serde(with = "micros")]
    created: Timestamp,
}

impl Record for DatabaseRecord {
    const KIND: &'static str = "dsql.database";
    const VERSION: u32 = 1;
}

impl Dsql {
    /// The cluster with this id in `region`, in whichever of `accounts` it is; `None` when there
    /// is none at `now`.
    ///
    /// # Errors
    /// The store's.
    pub async fn endpoint(
        self: &Arc<Self>,
        region: &Region,
        id: &str,
        accounts: Vec<AccountId>,
        now: Timestamp,
    ) -> Result<Option<Endpoint>, StoreError> {
        let (shared, region, id) = (Arc::clone(self), region.clone(), id.to_owned());
        let read = self.store.read(move |tx| {
            for account in accounts {
                let scope = Scope {
                    region: region.clone(),
                    account,
                };
                let arn = ResourceArn::cluster(&scope, &id);
                let target = Target::read(&shared.policies, tx, &arn, shared.at(now))?;
                if let Some(endpoint) = endpoint(target) {
                    return Ok(Some(endpoint));
                }
            }
            Ok(None)
        });
        read.await
    }

    /// Records that the database of a cluster exists, before it does: what has files has a record.
    /// Writes only once.
    ///
    /// # Errors
    /// The store's.
    pub async fn use_database(
        self: &Arc<Self>,
        endpoint: &Endpoint,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = endpoint.database.clone();
        let known = self.store.read(move |tx| {
            let found = tx.get_record::<DatabaseRecord>(DatabaseRecord::KIND, &id)?;
            Ok::<_, StoreError>(found.is_some())
        });
        if known.await? {
            return Ok(());
        }
        let (id, scope) = (endpoint.database.clone(), endpoint.database_scope.clone());
        let write = self.store.write(move |tx| {
            let record = DatabaseRecord {
                region: scope.region.to_string(),
                account: scope.account.to_string(),
                created: now,
            };
            tx.put_record(DatabaseRecord::KIND, &id, &record)?;
            Ok(())
        });
        write.await
    }

    /// Which of `databases` belong to clusters that are gone. One that has no record is not among
    /// them: it may be anything.
    ///
    /// # Errors
    /// The store's.
    pub async fn gone_databases(
        self: &Arc<Self>,
        databases: Vec<String>,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let shared = Arc::clone(self);
        let read = self.store.read(move |tx| {
            let mut gone = Vec::new();
            for id in databases {
                let found = tx.get_record::<DatabaseRecord>(DatabaseRecord::KIND, &id)?;
                let Some(scope) = found.and_then(|found| found.record.scope()) else {
                    continue;
                };
                if cluster::lookup(tx, &scope, &id, shared.at(now))?.is_none() {
                    gone.push(id);
                }
            }
            Ok(gone)
        });
        read.await
    }

    /// Removes the record of a database whose files are removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_database(self: &Arc<Self>, id: String) -> Result<(), Error> {
        let write = self.store.write(move |tx| {
            tx.delete_record::<DatabaseRecord>(DatabaseRecord::KIND, &id)?;
            Ok(())
        });
        write.await
    }
}

impl DatabaseRecord {
    fn scope(&self) -> Option<Scope> {
        Some(Scope {
            region: self.region.parse().ok()?,
            account: self.account.parse().ok()?,
        })
    }
}

fn endpoint(target: Target) -> Option<Endpoint> {
    let (arn, policy, tags) = (target.arn, target.policy, target.tags);
    let cluster = target.cluster?;
    let database = database(&cluster);
    Some(Endpoint {
        id: cluster.id,
        database: database.cluster,
        database_scope: database.scope,
        scope: cluster.scope,
        arn,
        status: cluster.status.as_str(),
        available: match cluster.status {
            ClusterStatus::Active
            | ClusterStatus::Idle
            | ClusterStatus::Inactive
            | ClusterStatus::Updating => true,
            ClusterStatus::Creating
            | ClusterStatus::Deleting
            | ClusterStatus::Deleted
            | ClusterStatus::Failed
            | ClusterStatus::PendingSetup
            | ClusterStatus::PendingDelete => false,
        },
        policy,
        tags,
    })
}

/// The cluster that the database is named after: both of two linked ones have to name the same.
fn database(cluster: &Cluster) -> ResourceArn {
    let peer = cluster.record.peer.as_deref();
    let linked = peer.filter(|_| cluster.record.linked);
    match linked.and_then(ResourceArn::parse) {
        Some(peer) if peer.cluster < cluster.id => peer,
        Some(_) | None => cluster.arn(),
    }
}

#[cfg(test)]
mod tests {
    use store::Store;

    use super::*;
    use crate::cluster::{ClusterRecord, Deletion};
    use crate::state::Options;
    use crate::state::tests::{Zeros, second};

    const FIRST: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    const SECOND: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbb";
    const ACCOUNT: &str = "111122223333";

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    fn cluster(id: &str, in_region: &str) -> Cluster {
        Cluster {
            scope: Scope {
                region: region(in_region),
                account: ACCOUNT.parse().unwrap(),
            },
            id: id.to_owned(),
            record: ClusterRecord::new(second(0)),
            status: ClusterStatus::Creating,
        }
    }

    async fn put(state: &Arc<Dsql>, cluster: Cluster) {
        let write = state.store.write(move |tx| cluster.put(tx));
        write.await.unwrap();
    }

    fn state() -> Arc<Dsql> {
        let (store, entropy) = (Store::memory(), Arc::new(Zeros));
        Arc::new(Dsql::new(store, entropy, Options::default()))
    }

    async fn found(state: &Arc<Dsql>, name: &str, id: &str, at: i64) -> Option<Endpoint> {
        let accounts = ["999999999999", ACCOUNT].map(|id| id.parse().unwrap());
        let region = region(name);
        let found = state.endpoint(&region, id, accounts.to_vec(), second(at));
        found.await.unwrap()
    }

    #[tokio::test]
    async fn a_cluster_is_found_in_its_region_once_it_is_made() {
        let state = state();
        put(&state, cluster(FIRST, "us-east-1")).await;
        for (name, id, at, expected) in [
            ("us-east-1", FIRST, 0, Some(("CREATING", false))),
            ("us-east-1", FIRST, 5, Some(("ACTIVE", true))),
            ("us-east-2", FIRST, 5, None),
            ("us-east-1", SECOND, 5, None),
        ] {
            let found = found(&state, name, id, at).await;
            let found = found.map(|found| (found.status, found.available));
            assert_eq!(found, expected, "{name} {id} {at}");
        }
        let found = found(&state, "us-east-1", FIRST, 5).await.unwrap();
        assert_eq!(found.database, FIRST);
        assert!(found.arn.ends_with(&format!(":{ACCOUNT}:cluster/{FIRST}")));
    }

    #[tokio::test]
    async fn linked_clusters_share_a_database() {
        let state = state();
        let mut pair = [cluster(SECOND, "us-east-1"), cluster(FIRST, "us-east-2")];
        let arns = [1, 0].map(|at| pair.get(at).map(|peer| peer.arn().to_string()));
        for (cluster, peer) in pair.iter_mut().zip(arns) {
            cluster.record.witness = Some("us-west-2".to_owned());
            cluster.record.peer = peer;
            cluster.record.linked = true;
        }
        for cluster in pair {
            put(&state, cluster).await;
        }
        for (name, id) in [("us-east-1", SECOND), ("us-east-2", FIRST)] {
            let found = found(&state, name, id, 5).await.unwrap();
            assert_eq!(found.database, FIRST);
            state.use_database(&found, second(5)).await.unwrap();
        }
        let gone = state.gone_databases(vec![FIRST.to_owned()], second(5));
        assert_eq!(gone.await.unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_database_goes_with_its_cluster() {
        let state = state();
        let mut cluster = cluster(FIRST, "us-east-1");
        put(&state, cluster.clone()).await;
        let endpoint = found(&state, "us-east-1", FIRST, 5).await.unwrap();
        state.use_database(&endpoint, second(5)).await.unwrap();
        cluster.record.deletion = Some(Deletion::Since(second(10)));
        put(&state, cluster).await;
        let gone = |at| {
            let databases = [FIRST, SECOND].map(str::to_owned).to_vec();
            state.gone_databases(databases, second(at))
        };
        assert_eq!(gone(11).await.unwrap(), Vec::<String>::new());
        assert_eq!(gone(13).await.unwrap(), [FIRST]);
        state.forget_database(FIRST.to_owned()).await.unwrap();
        assert_eq!(gone(13).await.unwrap(), Vec::<String>::new());
    }
}
