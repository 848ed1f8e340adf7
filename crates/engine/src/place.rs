//! Where databases are: in instances of the engine's own, or in a server of somebody else's.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::external::External;
use crate::login::{self, Backend};
use crate::managed::{Managed, Need};
use crate::session::{Login, Session};
use crate::{DATABASE, Error, Options, PATIENCE};

/// All databases of an engine: see the functions of [`crate::Engine`] with the same names.
#[derive(Debug)]
pub(crate) enum Place {
    Managed(Box<Managed>),
    External(Box<External>),
}

use Place::{External as Elsewhere, Managed as Here};

/// Keeps a database from being stopped as idle until it is dropped.
type Lease = Box<dyn Send>;

impl Place {
    /// `started` hears of databases whose jobs may be unfinished.
    pub(crate) async fn start(
        options: Options,
        started: UnboundedSender<String>,
    ) -> Result<Self, Error> {
        Ok(match options.external.clone() {
            Some(server) => Elsewhere(Box::new(External::start(options, &server, started).await?)),
            None => Here(Box::new(Managed::start(options, started).await?)),
        })
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Here(managed) => managed.describe(),
            Elsewhere(external) => external.describe(),
        }
    }

    pub(crate) async fn connect(&self, database: &str, login: &Login) -> Result<Session, Error> {
        match self {
            Here(managed) => connect(managed, database, login).await,
            Elsewhere(external) => external.connect(database, login).await,
        }
    }

    /// A session of the superuser that is shared by those who ask short questions; `None` when
    /// there is no such database.
    pub(crate) async fn shared(
        &self,
        database: &str,
    ) -> Result<Option<(Arc<Client>, Lease)>, Error> {
        match self {
            Here(managed) if !managed.exists(database) => Ok(None),
            Here(managed) => {
                let (client, lease) = managed.shared(database).await?;
                Ok(Some((client, Box::new(lease))))
            }
            Elsewhere(external) => {
                let shared = external.shared(database).await?;
                Ok(shared.map(|(client, lease)| (client, Box::new(lease) as Lease)))
            }
        }
    }

    pub(crate) async fn superuser(&self, database: &str) -> Result<(Client, Lease), Error> {
        match self {
            Here(managed) => {
                let (client, lease) = managed.superuser(database).await?;
                Ok((client, Box::new(lease)))
            }
            Elsewhere(external) => external.superuser(database).await,
        }
    }

    /// Whether the one who lost a session may try again: what it was on has ended, or may be back.
    pub(crate) async fn has_ended(&self, database: &str) -> bool {
        match self {
            Here(managed) => managed.has_ended(database).await,
            Elsewhere(external) => {
                // The next session is a new one: if the server is not back, it cannot be opened.
                external.lose(database).await;
                true
            }
        }
    }

    pub(crate) async fn cancel(&self, database: &str, process: i32, secret: i32) {
        match self {
            Here(managed) => {
                if let Some(socket) = managed.socket(database)
                    && let Ok(stream) = UnixStream::connect(socket).await
                {
                    let _told = login::cancel(Box::new(stream), process, secret).await;
                }
            }
            Elsewhere(external) => external.cancel(process, secret).await,
        }
    }

    /// Keeps the database running if it runs.
    pub(crate) fn hold(&self, database: &str) -> Option<Lease> {
        match self {
            Here(managed) => Some(Box::new(managed.hold(database)?)),
            Elsewhere(_) => None,
        }
    }

    pub(crate) fn is_running(&self, database: &str) -> bool {
        match self {
            Here(managed) => managed.is_running(database),
            Elsewhere(external) => external.is_open(),
        }
    }

    pub(crate) async fn databases(&self) -> Result<Vec<String>, Error> {
        match self {
            Here(managed) => managed.databases(),
            Elsewhere(external) => external.databases().await,
        }
    }

    pub(crate) fn in_use(&self) -> Vec<String> {
        match self {
            Here(managed) => managed.in_use(),
            Elsewhere(external) => external.in_use(),
        }
    }

    pub(crate) async fn remove(&self, database: &str) -> Result<(), Error> {
        match self {
            Here(managed) => managed.remove(database).await,
            Elsewhere(external) => external.remove(database).await,
        }
    }

    pub(crate) async fn stop(&self) {
        match self {
            Here(managed) => managed.stop().await,
            Elsewhere(external) => external.stop().await,
        }
    }
}

/// Logs in to an instance, also if it ends just now.
async fn connect(managed: &Managed, database: &str, login: &Login) -> Result<Session, Error> {
    let backend = Backend {
        role: &login.role,
        database: DATABASE,
        parameters: &login.parameters,
        password: None,
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (socket, lease) = managed.reach(database, Need::Session).await?;
        match login::open_socket(&socket, &backend, Box::new(lease)).await {
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                let refused = matches!(error, Error::Refused { .. });
                if !refused && !managed.has_ended(database).await {
                    return Err(error);
                }
                sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}
