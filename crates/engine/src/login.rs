//! The login at a backend, protocol 3.0.

use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_postgres::fallible_iterator::FallibleIterator;

use crate::session::{Login, Session, Stream};
use crate::{Error, SUPERUSER};

/// A backend says a few hundred bytes before it is ready.
const MOST_BYTES: usize = 64 * 1024;
/// Far more than a backend needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a client may not say, as it is the server that says it, or as it means another protocol.
const RESERVED: [&str; 3] = ["user", "database", "replication"];

/// As whom, where, and with what a session begins.
pub(crate) struct Backend<'b> {
    pub(crate) role: &'b str,
    pub(crate) database: &'b str,
    pub(crate) parameters: &'b [(String, String)],
    /// For a backend that asks for one.
    pub(crate) password: Option<&'b str>,
}

/// Logs in at `socket`.
///
/// # Errors
/// As for [`open`].
pub(crate) async fn open_socket(
    socket: &Path,
    backend: &Backend<'_>,
    lease: Box<dyn Send>,
) -> Result<Session, Error> {
    let stream = timeout(PATIENCE, UnixStream::connect(socket)).await;
    let stream = stream.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    let stream = stream.map_err(Error::io("log in at a backend"))?;
    open(Box::new(stream), backend, lease).await
}

/// Logs in.
///
/// # Errors
/// [`Error::Io`] when the backend cannot be reached or ends, [`Error::Refused`].
pub(crate) async fn open(
    stream: Box<dyn Stream>,
    backend: &Backend<'_>,
    lease: Box<dyn Send>,
) -> Result<Session, Error> {
    let failed = Error::io("log in at a backend");
    match timeout(PATIENCE, exchange(stream, backend, lease)).await {
        Ok(Ok(result)) => result,
        Ok(Err(cause)) => Err(failed(cause)),
        Err(_) => Err(failed(std::io::ErrorKind::TimedOut.into())),
    }
}

/// The socket trusts everybody, so that this is where the superuser is kept from clients.
///
/// # Errors
/// [`Error::Refused`].
pub(crate) fn check(login: &Login) -> Result<(), Error> {
    let refused = |sqlstate: &str, message: String| {
        Err(Error::Refused {
            sqlstate: sqlstate.to_owned(),
            message,
        })
    };
    let role = &login.role;
    if role.is_empty() || role == SUPERUSER {
        return refused(
            "28000",
            format!("role \"{role}\" is not permitted to log in"),
        );
    }
    match login
        .parameters
        .iter()
        .find(|(name, _)| RESERVED.contains(&name.as_str()))
    {
        Some((name, _)) => refused("0A000", format!("parameter \"{name}\" is the server's own")),
        None => Ok(()),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the many other messages of the protocol have no place in a login"
)]
async fn exchange(
    mut stream: Box<dyn Stream>,
    backend: &Backend<'_>,
    lease: Box<dyn Send>,
) -> std::io::Result<Result<Session, Error>> {
    let mut buffer = BytesMut::new();
    let own = [("user", backend.role), ("database", backend.database)];
    let asked = backend
        .parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    frontend::startup_message(own.into_iter().chain(asked), &mut buffer)?;
    stream.write_all(&buffer).await?;
    buffer.clear();

    let mut parameters = Vec::new();
    let mut key = None;
    let mut read = 0;
    let mut proof = Proof::new(backend);
    loop {
        while let Some(message) = Message::parse(&mut buffer)? {
            match message {
                Message::AuthenticationOk | Message::NoticeResponse(_) => {}
                Message::ParameterStatus(status) => {
                    parameters.push((status.name()?.to_owned(), status.value()?.to_owned()));
                }
                Message::BackendKeyData(data) => {
                    key = Some((data.process_id(), data.secret_key()));
                }
                Message::ErrorResponse(body) => return Ok(Err(refusal(&body)?)),
                Message::AuthenticationCleartextPassword
                | Message::AuthenticationSasl(_)
                | Message::AuthenticationSaslContinue(_)
                | Message::AuthenticationSaslFinal(_) => {
                    stream.write_all(&proof.answer(&message)?).await?;
                }
                // What follows unasked is that the backend has to end after all.
                Message::ReadyForQuery(_) if !buffer.is_empty() => {
                    return Err(std::io::ErrorKind::ConnectionReset.into());
                }
                Message::ReadyForQuery(_) => {
                    let (process, secret) = key.ok_or_else(unexpected)?;
                    return Ok(Ok(Session {
                        stream,
                        parameters,
                        process,
                        secret,
                        lease,
                    }));
                }
                _ => return Err(unexpected()),
            }
        }
        let count = stream.read_buf(&mut buffer).await?;
        read += count;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if read > MOST_BYTES {
            return Err(unexpected());
        }
    }
}

/// The password, shown to a backend that asks for it.
struct Proof<'b> {
    password: Option<&'b str>,
    scram: Option<ScramSha256>,
}

impl<'b> Proof<'b> {
    fn new(backend: &Backend<'b>) -> Self {
        Self {
            password: backend.password,
            scram: None,
        }
    }

    /// What to send in answer to a message of the authentication.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the caller has no other messages"
    )]
    fn answer(&mut self, message: &Message) -> std::io::Result<BytesMut> {
        let mut output = BytesMut::new();
        let password = self.password.ok_or_else(unexpected)?.as_bytes();
        match message {
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(password, &mut output)?;
            }
            Message::AuthenticationSasl(body) => {
                let mut known = body.mechanisms();
                let mut found = false;
                while let Some(mechanism) = known.next()? {
                    found |= mechanism == SCRAM_SHA_256;
                }
                found.then_some(()).ok_or_else(unexpected)?;
                let scram = ScramSha256::new(password, ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut output)?;
                self.scram = Some(scram);
            }
            Message::AuthenticationSaslContinue(body) => {
                let scram = self.scram.as_mut().ok_or_else(unexpected)?;
                scram.update(body.data())?;
                frontend::sasl_response(scram.message(), &mut output)?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let scram = self.scram.as_mut().ok_or_else(unexpected)?;
                scram.finish(body.data())?;
            }
            _ => return Err(unexpected()),
        }
        Ok(output)
    }
}

fn unexpected() -> std::io::Error {
    std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "an unexpected message in the login",
    )
}

fn refusal(body: &ErrorResponseBody) -> std::io::Result<Error> {
    let (mut sqlstate, mut message) = (String::new(), String::new());
    let mut fields = body.fields();
    while let Some(field) = fields.next()? {
        let text = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => sqlstate = text(),
            b'M' => message = text(),
            _ => {}
        }
    }
    Ok(Error::Refused { sqlstate, message })
}

/// Sends a cancel request, and waits until the backend has taken note of it.
pub(crate) async fn cancel(
    mut stream: Box<dyn Stream>,
    process: i32,
    secret: i32,
) -> std::io::Result<()> {
    let mut buffer = BytesMut::new();
    frontend::cancel_request(process, secret, &mut buffer);
    stream.write_all(&buffer).await?;
    // The answer is the end of the connection.
    let _end = stream.read(&mut [0]).await?;
    Ok(())
}
