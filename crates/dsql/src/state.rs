//! What the operations share.

use std::sync::Arc;
use std::time::Duration;

use base::{Entropy, Timestamp};
use frontdoor::{RequestContext, Scope};
use store::{Store, StoreError};

use crate::cluster::{self, Cluster};
use crate::cluster_policy::PolicyCache;
use crate::error::Error;
use crate::lifecycle::Lifecycle;
use crate::quota::Quotas;

/// Where the service departs from its defaults, at the operator's wish.
#[derive(Clone, Debug)]
pub struct Options {
    /// The adjustable quotas.
    pub quotas: Quotas,
    /// What follows the Region in the names of endpoints: `on.aws` in
    /// `<id>.dsql.us-east-1.on.aws`.
    pub endpoint_suffix: String,
    /// How long a cluster is CREATING. SDKs stop waiting after two minutes.
    pub creation_delay: Duration,
    /// How long a cluster is UPDATING after a change of its key or the linking of its peer.
    pub update_delay: Duration,
    /// How long a cluster or stream is DELETING, after which it is gone.
    pub deletion_delay: Duration,
    /// How long after its last activity a cluster is IDLE; `None` for never.
    pub idle_after: Option<Duration>,
    /// How long after its last activity a cluster is INACTIVE; `None` for never.
    pub inactive_after: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quotas: Quotas::default(),
            endpoint_suffix: "on.aws".to_owned(),
            creation_delay: Duration::from_secs(2),
            update_delay: Duration::from_secs(1),
            deletion_delay: Duration::from_secs(2),
            idle_after: None,
            inactive_after: None,
        }
    }
}

/// The state of the service: one per server, for every Region.
pub struct Dsql {
    pub(crate) store: Store,
    pub(crate) policies: PolicyCache,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) options: Options,
}

impl Dsql {
    /// The service over `store`; ids come from `entropy`.
    pub fn new(store: Store, entropy: Arc<dyn Entropy>, options: Options) -> Self {
        Self {
            store,
            policies: PolicyCache::default(),
            entropy,
            options,
        }
    }

    /// Records that a cluster is in use at `now`, for instance that somebody connects: one that is
    /// IDLE or INACTIVE is ACTIVE again. Writes only where clusters become idle.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a cluster that does not exist, and [`Error::Store`].
    pub async fn touch(
        self: &Arc<Self>,
        scope: &Scope,
        cluster_id: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Options {
            idle_after,
            inactive_after,
            ..
        } = self.options;
        if idle_after.or(inactive_after).is_none() {
            return Ok(());
        }
        let (shared, scope, id) = (Arc::clone(self), scope.clone(), cluster_id.to_owned());
        let write = self.store.write(move |tx| {
            let mut found = cluster::find(tx, &scope, &id, shared.at(now))?;
            if found.record.activity < now {
                found.record.activity = now;
                found.put(tx)?;
            }
            Ok(())
        });
        write.await
    }

    /// The cluster with this id in the caller's world, if there is one.
    pub(crate) async fn cluster(
        self: &Arc<Self>,
        context: &RequestContext,
        id: &str,
    ) -> Result<Option<Cluster>, StoreError> {
        let (shared, scope) = (Arc::clone(self), context.scope.clone());
        let (id, now) = (id.to_owned(), context.now);
        let read = self
            .store
            .read(move |tx| cluster::lookup(tx, &scope, &id, shared.at(now)));
        read.await
    }

    /// What the delays make of records at `now`.
    pub(crate) fn at(&self, now: Timestamp) -> Lifecycle<'_> {
        Lifecycle {
            now,
            options: &self.options,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use model::dsql::types::ClusterStatus;

    use super::*;
    use crate::cluster::{Cluster, ClusterRecord};

    pub(crate) struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    pub(crate) fn second(at: i64) -> Timestamp {
        Timestamp::from_unix_micros(at * 1_000_000)
    }

    async fn with_cluster(options: Options) -> (Arc<Dsql>, Scope) {
        let state = Arc::new(Dsql::new(Store::memory(), Arc::new(Zeros), options));
        let scope = Scope {
            region: "us-east-1".parse().unwrap(),
            account: "111122223333".parse().unwrap(),
        };
        let cluster = Cluster {
            scope: scope.clone(),
            id: "c".to_owned(),
            record: ClusterRecord::new(second(0)),
            status: ClusterStatus::Creating,
        };
        state.store.write(move |tx| cluster.put(tx)).await.unwrap();
        (state, scope)
    }

    async fn status(state: &Arc<Dsql>, scope: &Scope, at: i64) -> ClusterStatus {
        let (shared, scope) = (Arc::clone(state), scope.clone());
        let read = state.store.read(move |tx| {
            let found = cluster::find(tx, &scope, "c", shared.at(second(at)))?;
            Ok::<_, Error>(found.status)
        });
        read.await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_wakes_a_cluster() {
        let options = Options {
            idle_after: Some(Duration::from_secs(60)),
            ..Options::default()
        };
        let (state, scope) = with_cluster(options).await;
        assert_eq!(status(&state, &scope, 100).await, ClusterStatus::Idle);
        state.touch(&scope, "c", second(100)).await.unwrap();
        assert_eq!(status(&state, &scope, 159).await, ClusterStatus::Active);
        // One that is told late does not turn the clock back.
        state.touch(&scope, "c", second(90)).await.unwrap();
        assert_eq!(status(&state, &scope, 159).await, ClusterStatus::Active);
        assert_eq!(status(&state, &scope, 160).await, ClusterStatus::Idle);
        let unknown = state.touch(&scope, "x", second(100)).await;
        assert!(matches!(unknown, Err(Error::NotFound(..))));
    }

    #[tokio::test]
    async fn where_no_cluster_gets_idle_a_connection_writes_nothing() {
        let (state, scope) = with_cluster(Options::default()).await;
        let revision = || state.store.read(|tx| tx.revision());
        let before = revision().await.unwrap();
        state.touch(&scope, "c", second(100)).await.unwrap();
        assert_eq!(revision().await.unwrap(), before);
    }
}
