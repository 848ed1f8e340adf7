//! `treeline serve`: from the configuration to a clean end.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dsql::Dsql;
use frontdoor::{FrontDoor, Health, Listener};
use gateway::Faults;
use iam::decision_log::{DecisionLog, NoLog};
use iam::session::{Directory, LiveDirectory};
use store::{Store, StoreError};
use sts::Sts;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use verified_permissions::VerifiedPermissions;

use crate::clusters::Clusters;
use crate::config::Config;
use crate::data_dir::{self, ServerFile};
use crate::data_plane::DataPlane;
use crate::decision_log::FileLog;
use crate::dsql_command::FaultsRoute;
use crate::error::Error;
use crate::import_command::ImportRoute;
use crate::operator::{Route, Socket};
use crate::signals::Signals;
use crate::system::{SystemClock, SystemEntropy};
use crate::{account_file, env, identity_providers, system, telemetry};

/// How long requests that are under way may take after the signal to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until a signal comes. `program` is how the user called this program, for the hint.
pub(crate) fn run(config: &Config, program: &str) -> Result<(), Error> {
    telemetry::start(&config.log, config.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::process("start the runtime"))?;
    let result = runtime.block_on(serve(config, program));
    // A decision that is still being computed has nobody left to answer to.
    runtime.shutdown_background();
    result
}

async fn serve(config: &Config, program: &str) -> Result<(), Error> {
    let signals = Signals::listen()?;
    let entropy = Arc::new(SystemEntropy);
    let identity_providers = identity_providers::prepare(config)?;
    data_dir::create(&config.data_dir)?;
    // The store's lock makes this server the only one of its data directory.
    let store = open_store(config)?;
    let mut listening = Vec::new();
    for listener in listeners(config) {
        listening.push(listen(listener).await?);
    }
    let http = listening
        .first()
        .map_or(config.http, |(_, listener)| listener.address);
    let (accounts, followed) = account_file::read_or_create(config, entropy.as_ref())?;
    let key = Arc::new(data_dir::session_key(&config.data_dir, entropy.as_ref())?);
    let live = Arc::new(LiveDirectory::new(Directory::new(
        accounts,
        Arc::clone(&key),
    )));
    tokio::spawn(followed.follow(Arc::clone(&live), key));
    let dsql = Arc::new(Dsql::new(
        store.clone(),
        entropy.clone(),
        config.dsql.clone(),
    ));
    let decisions: Arc<dyn DecisionLog> = match &config.decision_log {
        Some(path) => Arc::new(FileLog::open(path)?),
        None => Arc::new(NoLog),
    };
    let clusters = Clusters::new(Arc::clone(&dsql), Arc::clone(&live), config.dsql.idle_after);
    let faults = Arc::new(Faults::new(config.postgres.faults.clone(), entropy.clone()));
    let data_plane =
        DataPlane::prepare(config, clusters, &live, decisions.clone(), faults.clone()).await?;
    let server_file = ServerFile {
        http,
        region: config.region.to_string(),
        iam_file: config.iam_file.clone(),
        postgres: data_plane.as_ref().and_then(DataPlane::address),
        tls_authority: data_plane
            .as_ref()
            .and_then(DataPlane::authority)
            .map(Path::to_owned),
    };
    server_file.write(&config.data_dir)?;
    let permissions = Arc::new(VerifiedPermissions::new(
        store.clone(),
        entropy.clone(),
        identity_providers,
        config.options.clone(),
    ));
    let front_door = front_door(
        config,
        &store,
        &live,
        entropy,
        &permissions,
        &dsql,
        decisions,
    );
    let operator = operator(&config.data_dir, permissions, faults);
    announce(config, &server_file, program);
    serve_all(
        listening,
        &Arc::new(front_door),
        data_plane,
        operator,
        signals.first(),
    )
    .await;
    ServerFile::remove(&config.data_dir);
    store.close().await;
    tracing::info!("ended");
    Ok(())
}

/// Opens the database of the data directory, which no other process may have open.
pub(crate) fn open_store(config: &Config) -> Result<Store, Error> {
    Store::sqlite(&data_dir::database(&config.data_dir)).map_err(|error| {
        if matches!(error, StoreError::InUse { .. }) {
            Error::InUse {
                path: config.data_dir.clone(),
            }
        } else {
            Error::Store(error)
        }
    })
}

/// The main listener, and after it the others.
fn listeners(config: &Config) -> Vec<Listener> {
    let mut all = vec![Listener::new(config.http)];
    all.extend(config.listeners.iter().cloned());
    all
}

/// Listens; the address then has the port that the system chose for port 0.
async fn listen(mut listener: Listener) -> Result<(TcpListener, Listener), Error> {
    let http = listener.address;
    let failed = |cause| Error::Listen { http, cause };
    let socket = TcpListener::bind(http).await.map_err(failed)?;
    listener.address = socket.local_addr().map_err(failed)?;
    Ok((socket, listener))
}

/// Serves on all listeners until `end`, and then drains them together.
async fn serve_all(
    listening: Vec<(TcpListener, Listener)>,
    front_door: &Arc<FrontDoor<Arc<LiveDirectory>, StoreHealth>>,
    data_plane: Option<DataPlane>,
    operator: Option<(Socket, Vec<Box<dyn Route>>)>,
    end: impl Future<Output = ()>,
) {
    let (ended, ending) = watch::channel(());
    // Whoever takes all places of one kind leaves those of the other.
    let places = system::most_connections() / 2;
    let connections = Arc::new(Semaphore::new(places));
    let mut servers = JoinSet::new();
    for (socket, listener) in listening {
        let (front_door, mut ending) = (Arc::clone(front_door), ending.clone());
        let connections = Arc::clone(&connections);
        servers.spawn(async move {
            // The channel closes when it is time to end.
            let end = async move { while ending.changed().await.is_ok() {} };
            frontdoor::serve(socket, listener, front_door, connections, end, DRAIN).await;
        });
    }
    if let Some(data_plane) = data_plane {
        let ending = ending.clone();
        servers.spawn(async move {
            let connections = Arc::new(Semaphore::new(places));
            data_plane.serve(&connections, &ending, DRAIN).await;
        });
    }
    if let Some((socket, routes)) = operator {
        let mut ending = ending;
        servers.spawn(async move {
            let end = async move { while ending.changed().await.is_ok() {} };
            socket.serve(routes, end).await;
        });
    }
    end.await;
    drop(ended);
    servers.join_all().await;
}

/// What the operator may ask for without a request of AWS's; a server that cannot listen for it
/// serves all the same.
fn operator(
    data_dir: &Path,
    permissions: Arc<VerifiedPermissions>,
    faults: Arc<Faults>,
) -> Option<(Socket, Vec<Box<dyn Route>>)> {
    let routes: Vec<Box<dyn Route>> = vec![
        Box::new(ImportRoute(permissions)),
        Box::new(FaultsRoute(faults)),
    ];
    match Socket::listen(data_dir) {
        Ok(socket) => Some((socket, routes)),
        Err(error) => {
            tracing::warn!(%error, "no commands for the running server: the operator's socket");
            None
        }
    }
}

/// Introduces the services to the front door.
fn front_door(
    config: &Config,
    store: &Store,
    live: &Arc<LiveDirectory>,
    entropy: Arc<SystemEntropy>,
    permissions: &Arc<VerifiedPermissions>,
    dsql: &Arc<Dsql>,
    decisions: Arc<dyn DecisionLog>,
) -> FrontDoor<Arc<LiveDirectory>, StoreHealth> {
    let sts = Arc::new(Sts::new(Arc::clone(live), entropy.clone()));
    FrontDoor {
        regions: config.regions.clone(),
        clock: Arc::new(SystemClock),
        entropy,
        keys: Arc::clone(live),
        decisions,
        services: vec![
            verified_permissions::service(permissions),
            dsql::service(dsql),
            sts::service(&sts),
        ],
        health: StoreHealth(store.clone()),
    }
}

/// The server can serve when the store can be read.
struct StoreHealth(Store);

impl Health for StoreHealth {
    async fn check(&self) -> Result<(), String> {
        let revision = self.0.read(|tx| tx.revision()).await;
        revision
            .map(drop)
            .map_err(|error: StoreError| error.to_string())
    }
}

/// Says that the server is ready: one line for programs on standard output, and how to go on, for
/// people, on standard error. A server whose output nobody reads serves all the same.
fn announce(config: &Config, server: &ServerFile, program: &str) {
    let (data_dir, region) = (config.data_dir.display(), &config.region);
    let http = server.http;
    let url = env::url(http);
    let mut env_command = format!("{} env", env::shell_word(program));
    if !config.default_data_dir {
        env_command += &format!(" --data-dir {}", env::shell_word(&data_dir.to_string()));
    }
    let _ = writeln!(
        io::stderr(),
        "Treeline serves Amazon Verified Permissions, Amazon Aurora DSQL and AWS STS on {url}{}.\n\
         Point AWS clients at it with:  eval \"$({env_command})\"",
        server.postgres.map_or_else(String::new, |address| format!(
            ", and PostgreSQL clients of DSQL clusters on {address}"
        ))
    );
    let postgres = server
        .postgres
        .map_or_else(String::new, |address| format!(" postgres={address}"));
    let mut out = io::stdout().lock();
    let _ = writeln!(
        out,
        "ready http={http}{postgres} region={region} data_dir={data_dir}"
    );
    let _ = out.flush();
}
