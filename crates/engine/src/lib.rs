//! Where the SQL of a cluster runs: one PostgreSQL instance per database, started on the first
//! connection and stopped when it is idle; or one database per cluster in a server that somebody
//! else runs.

mod aside;
mod conflicts;
mod external;
mod jobs;
mod login;
mod managed;
mod place;
mod runner;
mod schema;
mod session;
#[cfg(test)]
mod testdb;

pub use conflicts::{Changes, Keys};
pub use session::{Login, Session, Stream};

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Entropy, Secret};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_postgres::types::Type;

use aside::Aside;
use place::Place;
use runner::Runners;

/// The only database of an instance, as in Aurora DSQL.
pub(crate) const DATABASE: &str = "postgres";
/// The superuser of an instance, as whom no client logs in.
pub(crate) const SUPERUSER: &str = "treeline";
/// Options of the engine's own sessions: they wait for locks as long as it takes, and read what is
/// committed.
pub(crate) const OWN_SESSION: &str =
    "-c lock_timeout=0 -c default_transaction_isolation=read\\ committed";
/// How long a login goes on trying when the instance ends under it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// How instances are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the instances are: a directory per database, the template, the sockets.
    pub directory: PathBuf,
    /// The `bin` directory of a PostgreSQL; `None` to look for one.
    pub binaries: Option<PathBuf>,
    /// Where a set-up command puts a PostgreSQL of its own: `<here>/bin/postgres`.
    pub managed: PathBuf,
    /// The system user that instances run as when the server runs as root; `None` for
    /// `treeline`, else `postgres`, else `nobody`.
    pub user: Option<String>,
    /// The most sessions of clients per instance.
    pub max_sessions: u32,
    /// How long an instance without a session or job goes on running.
    pub idle_stop: Duration,
    /// How long a job waits before it runs, as AWS's do.
    pub job_delay: Duration,
    /// How long a statement waits for a lock of another session.
    pub lock_wait: Duration,
    /// `server_version`, without `PostgreSQL `: what `version()` and `current_setting` answer.
    pub server_version: String,
    /// `server_version_num`.
    pub server_version_num: String,
    /// The server that has the databases; `None` for instances of the engine's own.
    pub external: Option<External>,
}

/// A PostgreSQL, version 16 to 18, that somebody else runs.
#[derive(Clone)]
pub struct External {
    /// A connection string, or URL, of libpq's: a superuser's. Of its keys, those of
    /// `tokio-postgres` are known, and `sslmode=verify-full` with `sslrootcert`.
    pub connection: Secret,
    /// Where the secret behind the passwords of roles comes from.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("External")
    }
}

/// What follows the names of a database's roles in an external server.
pub fn role_suffix(database: &str) -> String {
    external::suffix(database)
}

/// Why the engine could not do its work. The text is for the operator, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no PostgreSQL to run.
    #[error("no PostgreSQL 14 to 18 was found: {0}")]
    NoBinaries(String),
    /// Something about files or processes.
    #[error("cannot {what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        cause: std::io::Error,
    },
    /// The instance did not start, or ended.
    #[error("PostgreSQL for {database}: {reason}")]
    Instance {
        /// The database.
        database: String,
        /// What its log says.
        reason: String,
    },
    /// The backend refused the login; the error it sent.
    #[error("the backend refused: {sqlstate} {message}")]
    Refused {
        /// The SQLSTATE.
        sqlstate: String,
        /// The message.
        message: String,
    },
    /// SQL of the engine's own failed.
    #[error("SQL of the engine: {0}")]
    Sql(#[from] tokio_postgres::Error),
}

impl Error {
    /// For `map_err`: what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl Fn(std::io::Error) -> Self {
        let what = what.into();
        move |cause| Self::Io {
            what: what.clone(),
            cause,
        }
    }

    /// Whether an attempt to log in met an instance that ends or begins.
    fn is_passing(&self) -> bool {
        match self {
            Self::Io { cause, .. } => [
                ErrorKind::ConnectionRefused,
                ErrorKind::ConnectionReset,
                ErrorKind::BrokenPipe,
                ErrorKind::NotFound,
                ErrorKind::UnexpectedEof,
            ]
            .contains(&cause.kind()),
            // The limit of connections is kept by `Managed::reach`: to the backend it may seem
            // exceeded, as it takes a moment for those that have ended to be gone.
            Self::Refused { sqlstate, .. } => is_ending(sqlstate) || sqlstate == "53300",
            Self::NoBinaries(_) | Self::Instance { .. } | Self::Sql(_) => false,
        }
    }
}

/// All instances of a server.
#[derive(Debug)]
pub struct Engine {
    options: Options,
    place: Place,
    runners: Runners,
    aside: Aside,
}

impl Engine {
    /// Finds PostgreSQL, ends what an earlier server left running, begins to make the template; or
    /// looks at the external server.
    ///
    /// # Errors
    /// [`Error::NoBinaries`], or [`Error::Io`] when the directory cannot be used; any [`Error`]
    /// when there is an external server that cannot be reached or will not do.
    pub async fn start(options: Options) -> Result<Arc<Self>, Error> {
        let (started, starts) = unbounded_channel();
        let place = Place::start(options.clone(), started).await?;
        let engine = Arc::new(Self {
            options,
            place,
            runners: Runners::default(),
            aside: Aside::default(),
        });
        tokio::spawn(resume(Arc::downgrade(&engine), starts));
        Ok(engine)
    }

    /// Which PostgreSQL runs, for the log: its version and the path of its binaries.
    pub fn describe(&self) -> String {
        self.place.describe()
    }

    /// Logs a client in, as `login.role`, to `database` (26 characters `a-z0-9`), which is created
    /// if it is new and started if it is stopped. The instance runs for as long as the session.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Refused`] with what the backend answered to the login.
    pub async fn connect(
        self: &Arc<Self>,
        database: &str,
        login: &Login,
    ) -> Result<Session, Error> {
        login::check(login)?;
        self.place.connect(database, login).await
    }

    /// Whether `arn` may log in as `role`: `sys.iam_pg_role_mappings`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn is_mapped(
        self: &Arc<Self>,
        database: &str,
        role: &str,
        arn: &str,
    ) -> Result<bool, Error> {
        loop {
            let Some((client, _lease)) = self.place.shared(database).await? else {
                return Ok(false);
            };
            let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(&role, Type::TEXT), (&arn, Type::TEXT)];
            let answer = client
                .query_typed_one("SELECT pg_treeline.is_mapped($1, $2)", &parameters)
                .await;
            match answer {
                Ok(row) => return Ok(row.try_get(0)?),
                // The instance has ended since the session was opened, and is to be started.
                Err(error)
                    if (error.is_closed()
                        || error.code().is_some_and(|it| is_ending(it.code())))
                        && self.place.has_ended(database).await => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Asks the backend of a session to cancel what it runs. Never fails: as in PostgreSQL, the
    /// one who asks is told nothing.
    pub async fn cancel(&self, database: &str, process: i32, secret: i32) {
        let request = self.place.cancel(database, process, secret);
        let _told = timeout(Duration::from_secs(5), request).await;
    }

    /// Says that a transaction that may have started jobs has been committed.
    pub fn jobs_submitted(self: &Arc<Self>, database: &str) {
        runner::submit(self, database);
    }

    /// The databases that there are.
    ///
    /// # Errors
    /// [`Error::Io`]; any [`Error`] of an external server.
    pub async fn databases(&self) -> Result<Vec<String>, Error> {
        self.place.databases().await
    }

    /// The databases that have a session at the moment.
    pub fn in_use(&self) -> Vec<String> {
        self.place.in_use()
    }

    /// Removes the database, whoever is connected.
    ///
    /// # Errors
    /// [`Error::Io`]; any [`Error`] of an external server.
    pub async fn remove(&self, database: &str) -> Result<(), Error> {
        self.aside.forget(database);
        self.place.remove(database).await
    }

    /// Stops all instances: sessions end with `57P01`, everything committed is on disk. Nothing
    /// can be started afterwards.
    pub async fn stop(&self) {
        self.place.stop().await;
    }

    /// A session of the superuser; the instance runs for as long as the lease.
    ///
    /// # Errors
    /// Any [`Error`]; there is none for a database that does not exist.
    pub(crate) async fn superuser(
        &self,
        database: &str,
    ) -> Result<(tokio_postgres::Client, Box<dyn Send>), Error> {
        self.place.superuser(database).await
    }
}

/// Operator intervention: the instance shuts down, starts up, or has lost a backend.
fn is_ending(sqlstate: &str) -> bool {
    sqlstate.starts_with("57P")
}

/// Goes on with the jobs of instances that have started.
async fn resume(engine: Weak<Engine>, mut starts: UnboundedReceiver<String>) {
    while let Some(database) = starts.recv().await {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        engine.jobs_submitted(&database);
    }
}
