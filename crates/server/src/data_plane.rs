//! The wiring of the data plane: databases, gateway, certificates and listeners.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, External};
use frontdoor::Listener;
use gateway::{Certificates, Faults, Gateway, Parts, Quota};
use iam::decision_log::DecisionLog;
use iam::session::LiveDirectory;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::clusters::Clusters;
use crate::config::{Config, Postgres};
use crate::data_dir;
use crate::error::Error;
use crate::settings::ConflictsAt;
use crate::system::{SystemClock, SystemEntropy};

/// Everything that lets clients connect to clusters.
pub(crate) struct DataPlane {
    sockets: Vec<(TcpListener, Listener)>,
    gateway: Arc<Gateway<Clusters>>,
    engine: Arc<Engine>,
    authority: Option<PathBuf>,
}

impl DataPlane {
    /// Prepares it; `None` when the configuration has no listener for it.
    pub(crate) async fn prepare(
        config: &Config,
        clusters: Clusters,
        live: &Arc<LiveDirectory>,
        decisions: Arc<dyn DecisionLog>,
        faults: Arc<Faults>,
    ) -> Result<Option<Self>, Error> {
        let postgres = &config.postgres;
        if postgres.listeners.is_empty() {
            return Ok(None);
        }
        let mut sockets = Vec::new();
        for listener in postgres.listeners.iter().cloned() {
            sockets.push(listen(listener).await?);
        }
        let certificates = certificates(config)?;
        let authority = certificates.authority().map(Path::to_owned);
        let dialect = dialect::Options::default();
        let engine = Engine::start(engine_options(config, &dialect))
            .await
            .map_err(|error| Error::Engine(error.to_string()))?;
        tracing::info!(postgres = engine.describe(), "databases");
        tokio::spawn(clusters.clone().keep_house(Arc::clone(&engine)));
        let parts = Parts {
            backends: Arc::new(Arc::clone(&engine)),
            keys: Arc::new(Arc::clone(live)),
            decisions,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            catalog: clusters,
            certificates,
            faults,
        };
        let options = gateway::Options {
            endpoint_suffix: config.dsql.endpoint_suffix.clone(),
            dialect,
            shared_server: postgres.external.is_some(),
            session_limit: postgres.session_limit,
            transaction_limit: postgres.transaction_limit,
            conflict_patience: (postgres.conflicts == ConflictsAt::Commit)
                .then_some(postgres.lock_wait),
            quota: quota(postgres),
            ..gateway::Options::default()
        };
        Ok(Some(Self {
            sockets,
            gateway: Arc::new(Gateway::new(options, parts)),
            engine,
            authority,
        }))
    }

    /// Where it listens; the port is the chosen one.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.sockets.first().map(|(_, listener)| listener.address)
    }

    /// The certificate that clients have to trust; `None` when it is the operator's own.
    pub(crate) fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// Serves until `ending` changes, then ends the sessions and stops the databases.
    pub(crate) async fn serve(
        self,
        connections: &Arc<Semaphore>,
        ending: &watch::Receiver<()>,
        drain: Duration,
    ) {
        let mut servers = JoinSet::new();
        for (socket, listener) in self.sockets {
            let gateway = Arc::clone(&self.gateway);
            let (connections, mut ending) = (Arc::clone(connections), ending.clone());
            servers.spawn(async move {
                // The channel closes when it is time to end.
                let end = async move { while ending.changed().await.is_ok() {} };
                gateway::serve(socket, listener, gateway, connections, end, drain).await;
            });
        }
        servers.join_all().await;
        self.engine.stop().await;
    }
}

async fn listen(mut listener: Listener) -> Result<(TcpListener, Listener), Error> {
    let address = listener.address;
    gateway::check(&listener).map_err(|reason| Error::PostgresListener { address, reason })?;
    let failed = |cause| Error::ListenPostgres { address, cause };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    listener.address = socket.local_addr().map_err(failed)?;
    Ok((socket, listener))
}

fn certificates(config: &Config) -> Result<Certificates, Error> {
    let clock = Arc::new(SystemClock);
    let made = match config.postgres.certificate.clone() {
        Some((certificate, key)) => Certificates::files(certificate, key, clock),
        None => {
            let directory = data_dir::tls(&config.data_dir);
            let suffix = &config.dsql.endpoint_suffix;
            Certificates::own(&directory, suffix, &config.region, clock)
        }
    };
    made.map_err(|error| Error::Certificates(error.to_string()))
}

fn engine_options(config: &Config, dialect: &dialect::Options) -> engine::Options {
    let postgres = &config.postgres;
    engine::Options {
        directory: config.data_dir.join("clusters"),
        binaries: postgres.binaries.clone(),
        managed: config.data_dir.join("postgresql"),
        user: postgres.user.clone(),
        max_sessions: postgres.connections,
        // A cluster that never shows IDLE keeps its PostgreSQL.
        idle_stop: config.dsql.idle_after.unwrap_or(Duration::MAX),
        job_delay: postgres.job_delay,
        lock_wait: lock_wait(postgres),
        server_version: dialect.server_version.clone(),
        server_version_num: dialect.server_version_num.clone(),
        external: postgres.external.as_ref().map(|server| External {
            connection: server.0.clone(),
            entropy: Arc::new(SystemEntropy),
        }),
    }
}

/// How long the database itself lets a statement wait for a lock. Where conflicts show at COMMIT the
/// gateway knows more to do about it, and has the rest of the time for that.
fn lock_wait(postgres: &Postgres) -> Duration {
    match postgres.conflicts {
        ConflictsAt::Commit => (postgres.lock_wait / 5).max(Duration::from_millis(5)),
        ConflictsAt::Statement => postgres.lock_wait,
    }
}

fn quota(postgres: &Postgres) -> Quota {
    Quota {
        connections: postgres.connections,
        rate: postgres.connection_rate,
        burst: postgres.connection_rate.saturating_mul(10),
    }
}
