//! `treeline serve`: from the configuration to a clean end.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use frontdoor::{FrontDoor, Health, OwnAccount};
use iam::account::Accounts;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use verified_permissions::VerifiedPermissions;

use crate::config::Config;
use crate::data_dir::{self, ServerFile};
use crate::error::Error;
use crate::signals::Signals;
use crate::system::{SystemClock, SystemEntropy};
use crate::{account_file, env, telemetry};

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
    data_dir::create(&config.data_dir)?;
    // The store's lock makes this server the only one of its data directory.
    let store = open_store(config)?;
    let (listener, http) = listen(config.http).await?;
    let accounts = account_file::read_or_create(config, entropy.as_ref())?;
    let server_file = ServerFile {
        http,
        region: config.region.to_string(),
        iam_file: config.iam_file.clone(),
    };
    server_file.write(&config.data_dir)?;
    let front_door = Arc::new(front_door(config, &store, accounts, entropy));
    announce(config, http, program);
    frontdoor::serve(listener, front_door, signals.first(), DRAIN).await;
    ServerFile::remove(&config.data_dir);
    store.close().await;
    tracing::info!("ended");
    Ok(())
}

fn open_store(config: &Config) -> Result<Store, Error> {
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

/// Listens on `http`; also returns the address with the port that the system chose for port 0.
async fn listen(http: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |cause| Error::Listen { http, cause };
    let listener = TcpListener::bind(http).await.map_err(failed)?;
    let chosen = listener.local_addr().map_err(failed)?;
    Ok((listener, chosen))
}

/// Introduces the services to the front door.
fn front_door(
    config: &Config,
    store: &Store,
    accounts: Accounts,
    entropy: Arc<SystemEntropy>,
) -> FrontDoor<Accounts, StoreHealth> {
    let options = config.options.clone();
    let verified_permissions = Arc::new(VerifiedPermissions::new(
        store.clone(),
        entropy.clone(),
        options,
    ));
    FrontDoor {
        region: config.region.clone(),
        clock: Arc::new(SystemClock),
        entropy,
        keys: accounts,
        authority: Arc::new(OwnAccount),
        services: vec![verified_permissions::service(&verified_permissions)],
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
fn announce(config: &Config, http: SocketAddr, program: &str) {
    let (data_dir, region) = (config.data_dir.display(), &config.region);
    let url = env::url(http);
    let mut env_command = format!("{} env", env::shell_word(program));
    if !config.default_data_dir {
        env_command += &format!(" --data-dir {}", env::shell_word(&data_dir.to_string()));
    }
    let _ = writeln!(
        io::stderr(),
        "Treeline serves Amazon Verified Permissions on {url}, Region {region}.\n\
         Point AWS clients at it with:  eval \"$({env_command})\""
    );
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "ready http={http} region={region} data_dir={data_dir}");
    let _ = out.flush();
}
