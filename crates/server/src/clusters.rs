//! Introduces the data plane to the control plane: which cluster a client means, that its database
//! is in use, and that the database goes when the cluster does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{AccountId, Clock, Region, Timestamp};
use dsql::{Dsql, Endpoint};
use engine::Engine;
use gateway::catalog::{Catalog, Cluster};
use iam::session::LiveDirectory;
use tokio::time::{MissedTickBehavior, interval};

use crate::system::SystemClock;

/// How often databases whose clusters are gone are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// The clusters of the control plane, as the gateway sees them.
#[derive(Clone)]
pub(crate) struct Clusters {
    dsql: Arc<Dsql>,
    live: Arc<LiveDirectory>,
    /// How often it is recorded that a cluster is in use.
    period: Duration,
    /// The endpoints through which databases have been connected to, by database.
    used: Arc<Mutex<HashMap<String, Vec<Used>>>>,
}

/// An endpoint, and when its use was recorded.
#[derive(Clone)]
struct Used {
    endpoint: Endpoint,
    at: Timestamp,
}

impl Clusters {
    pub(crate) fn new(
        dsql: Arc<Dsql>,
        live: Arc<LiveDirectory>,
        idle_after: Option<Duration>,
    ) -> Self {
        let shortest = Duration::from_millis(250);
        Self {
            dsql,
            live,
            period: idle_after.map_or(SWEEP, |idle| (idle / 4).clamp(shortest, SWEEP * 60)),
            used: Arc::default(),
        }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<String, Vec<Used>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accounts(&self) -> Vec<AccountId> {
        let directory = self.live.load();
        let accounts = directory.accounts().accounts().iter();
        accounts.map(|account| account.id().clone()).collect()
    }

    /// Keeps clusters ACTIVE while somebody is connected, and removes the databases of those that
    /// are gone. Never ends.
    pub(crate) async fn keep_house(self, engine: Arc<Engine>) {
        let mut sweep = interval(SWEEP);
        let mut touch = interval(self.period);
        for timer in [&mut sweep, &mut touch] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                _ = sweep.tick() => self.sweep(&engine).await,
                _ = touch.tick() => self.touch_all(&engine).await,
            }
        }
    }

    async fn touch_all(&self, engine: &Arc<Engine>) {
        let now = SystemClock.now();
        for database in engine.in_use() {
            let used = self.used().get(&database).cloned();
            for used in used.unwrap_or_default() {
                self.touch_one(&used.endpoint, now).await;
            }
        }
    }

    async fn touch_one(&self, endpoint: &Endpoint, now: Timestamp) {
        let id = &endpoint.id;
        if let Err(error) = self.dsql.touch(&endpoint.scope, id, now).await {
            tracing::debug!(
                ?error,
                cluster = id,
                "cannot record that the cluster is in use"
            );
        }
    }

    async fn sweep(&self, engine: &Arc<Engine>) {
        let databases = match engine.databases().await {
            Ok(databases) if databases.is_empty() => return,
            Ok(databases) => databases,
            Err(error) => {
                tracing::warn!(%error, "cannot list the databases");
                return;
            }
        };
        let gone = self.dsql.gone_databases(databases, SystemClock.now()).await;
        for database in gone.unwrap_or_default() {
            if let Err(error) = engine.remove(&database).await {
                tracing::warn!(%error, database, "cannot remove the database of a deleted cluster");
                continue;
            }
            self.used().remove(&database);
            tracing::info!(database, "removed the database of a deleted cluster");
            if let Err(error) = self.dsql.forget_database(database).await {
                tracing::warn!(?error, "cannot forget a database");
            }
        }
    }
}

impl Catalog for Clusters {
    async fn find(
        &self,
        region: &Region,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Cluster>, String> {
        let found = self.dsql.endpoint(region, id, self.accounts(), now).await;
        let Some(endpoint) = found.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        Ok(Some(Cluster {
            id: id.to_owned(),
            arn: endpoint.arn.clone(),
            account: endpoint.scope.account.clone(),
            region: region.clone(),
            available: endpoint.available,
            status: endpoint.status,
            policy: endpoint.policy.clone(),
            tags: endpoint.tags.clone(),
            database: endpoint.database.clone(),
        }))
    }

    async fn touch(&self, cluster: &Cluster, now: Timestamp) -> Result<(), String> {
        let recently =
            |used: &Used| used.endpoint.arn == cluster.arn && now < used.at.plus(self.period);
        let used = self.used().get(&cluster.database).cloned();
        if used.unwrap_or_default().iter().any(recently) {
            return Ok(());
        }
        let accounts = vec![cluster.account.clone()];
        let found = self
            .dsql
            .endpoint(&cluster.region, &cluster.id, accounts, now);
        let endpoint = found.await.map_err(|error| error.to_string())?;
        let endpoint = endpoint.ok_or("the cluster is gone")?;
        // INVARIANT: a database that has files has a record, so that both can be removed.
        let recorded = self.dsql.use_database(&endpoint, now).await;
        recorded.map_err(|error| format!("{error:?}"))?;
        self.touch_one(&endpoint, now).await;
        let mut all = self.used();
        let used = all.entry(endpoint.database.clone()).or_default();
        used.retain(|known| known.endpoint.arn != endpoint.arn);
        used.push(Used { endpoint, at: now });
        Ok(())
    }
}
