//! Where the SQL of a cluster runs: one PostgreSQL instance per database, started on the first
//! connection and stopped when it is idle.

mod session;

pub use session::{Login, Session, Stream};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
    /// `postgres`, else `nobody`.
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

/// All instances of a server.
#[derive(Debug)]
pub struct Engine {
    options: Options,
}

impl Engine {
    /// Finds PostgreSQL, ends what an earlier server left running, prepares the template.
    ///
    /// # Errors
    /// [`Error::NoBinaries`], or [`Error::Io`] when the directory cannot be used.
    pub async fn start(options: Options) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self { options }))
    }

    /// Which PostgreSQL runs, for the log: its version and the path of its binaries.
    pub fn describe(&self) -> String {
        self.options.managed.display().to_string()
    }

    /// Logs a client in, as `login.role`, to `database` (26 characters `a-z0-9`), which is created
    /// if it is new and started if it is stopped. The instance runs for as long as the session.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Refused`] with what the backend answered to the login.
    pub async fn connect(self: &Arc<Self>, database: &str, login: &Login) -> Result<Session, Error> {
        let _ = (database, login);
        Err(Error::NoBinaries(String::new()))
    }

    /// Whether `arn` may log in as `role`: `sys.iam_pg_role_mappings`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn is_mapped(self: &Arc<Self>, database: &str, role: &str, arn: &str) -> Result<bool, Error> {
        let _ = (database, role, arn);
        Ok(false)
    }

    /// Asks the backend of a session to cancel what it runs. Never fails: as in PostgreSQL, the
    /// one who asks is told nothing.
    pub async fn cancel(&self, database: &str, process: i32, secret: i32) {
        let _ = (database, process, secret);
    }

    /// Says that a transaction that may have started jobs has been committed.
    pub fn jobs_submitted(self: &Arc<Self>, database: &str) {
        let _ = database;
    }

    /// The databases that have files.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn databases(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// The databases that have a session at the moment.
    pub fn in_use(&self) -> Vec<String> {
        Vec::new()
    }

    /// Stops the instance, whoever is connected, and removes its files.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn remove(&self, database: &str) -> Result<(), Error> {
        let _ = database;
        Ok(())
    }

    /// Stops all instances: sessions end with `57P01`, everything committed is on disk.
    pub async fn stop(&self) {}
}
