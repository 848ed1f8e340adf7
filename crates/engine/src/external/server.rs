//! The external server: where it is, and connections to it.

use std::io::{Error as IoError, ErrorKind};
use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_rustls::TlsConnector;

use super::tls::{self, Encryption};
use crate::session::Stream;
use crate::{Error, OWN_SESSION};

/// What a connection is waited for if the connection string does not say.
const CONNECT: Duration = Duration::from_secs(10);
/// After how much silence the server's machine is asked whether it is still there, and how often
/// then.
const KEEPALIVE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(10)];
/// Names in the engine's own SQL are PostgreSQL's: in a cluster's database clients could make
/// functions that fit better.
const PATH: &str = " -c search_path=pg_catalog,pg_temp";
/// The database for what is about no database, if the connection string does not say.
const MAINTENANCE: &str = "postgres";

/// A server and its superuser.
pub(crate) struct Server {
    config: Config,
    tls: Option<TlsConnector>,
    encryption: Encryption,
}

impl Server {
    /// Reads a connection string.
    ///
    /// # Errors
    /// [`Error::Instance`]; it does not repeat the string, which has a password.
    pub(crate) fn new(connection: &str) -> Result<Self, Error> {
        let (connection, encryption) = tls::take_options(connection);
        let parsed = connection.parse::<Config>();
        // The parser's error may have a piece of the password.
        let mut config =
            parsed.map_err(|_| super::failure("the connection string is not valid"))?;
        let encryption = encryption.with_mode(config.get_ssl_mode())?;
        let tls = encryption.connector()?;
        if config.get_user().is_none() || config.get_hosts().is_empty() {
            return Err(super::failure(
                "the connection string needs a host and a user",
            ));
        }
        // Streams are encrypted before the client gets them.
        config
            .ssl_mode(SslMode::Disable)
            .application_name("treeline")
            .options(format!("{OWN_SESSION}{PATH}"));
        if config.get_dbname().is_none() {
            config.dbname(MAINTENANCE);
        }
        Ok(Self {
            config,
            tls,
            encryption,
        })
    }

    /// Where it is, for the log.
    pub(crate) fn place(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        hosts.collect::<Vec<_>>().join(", ")
    }

    /// A session of the superuser, in `database` or where the connection string says.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Sql`].
    pub(crate) async fn superuser(&self, database: Option<&str>) -> Result<Client, Error> {
        let mut config = self.config.clone();
        if let Some(database) = database {
            config.dbname(database);
        }
        let stream = self.open().await?;
        let connecting = timeout(CONNECT, config.connect_raw(stream, NoTls)).await;
        let connected = connecting
            .map_err(|_| Error::io("log in at the external server")(ErrorKind::TimedOut.into()))?;
        let (client, connection) = connected.map_err(|error| match error.as_db_error() {
            Some(refusal) => super::failure(refusal.message()),
            None => error.into(),
        })?;
        // It ends with the client, or with an error that the client gets as well.
        tokio::spawn(async move {
            let _end = connection.await;
        });
        Ok(client)
    }

    /// A connection on which nothing has been said: to the first host that has one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) async fn open(&self) -> Result<Box<dyn Stream>, Error> {
        let patience = self.config.get_connect_timeout().copied();
        let patience = patience
            .filter(|patience| !patience.is_zero())
            .unwrap_or(CONNECT);
        let mut failure = IoError::from(ErrorKind::NotFound);
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            match timeout(patience, self.open_at(at, host)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = error,
                Err(_) => failure = ErrorKind::TimedOut.into(),
            }
        }
        Err(Error::io("connect to the external server")(failure))
    }

    async fn open_at(&self, at: usize, host: &Host) -> std::io::Result<Box<dyn Stream>> {
        let ports = self.config.get_ports();
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        let name = match host {
            Host::Unix(directory) => return unix(directory, port).await,
            Host::Tcp(name) => name,
        };
        let mut stream = match self.config.get_hostaddrs().get(at) {
            Some(address) => TcpStream::connect((*address, port)).await?,
            None => TcpStream::connect((name.as_str(), port)).await?,
        };
        stream.set_nodelay(true)?;
        let [after, every] = KEEPALIVE;
        let keepalive = TcpKeepalive::new().with_time(after).with_interval(every);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        stream.write_all(&request).await?;
        match stream.read_u8().await? {
            b'S' => {
                let name = tls::server_name(name)?;
                Ok(Box::new(tls.connect(name, stream).await?))
            }
            b'N' if self.encryption.is_optional() => Ok(Box::new(stream)),
            _ => Err(IoError::new(
                ErrorKind::InvalidData,
                "the server does not encrypt the connection",
            )),
        }
    }
}

async fn unix(directory: &Path, port: u16) -> std::io::Result<Box<dyn Stream>> {
    let path = directory.join(format!(".s.PGSQL.{port}"));
    Ok(Box::new(UnixStream::connect(path).await?))
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}
