use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base::{Clock, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{HOST, World, system_time};
use crate::stages::{Accepted, Connected};

/// A message of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) tag: char,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// A field of an `ErrorResponse`.
    pub(crate) fn field(&self, field: u8) -> String {
        assert_eq!(self.tag, 'E', "{self:?}");
        let mut fields = self.body.split(|byte| *byte == 0);
        let found = fields.find(|text| text.first() == Some(&field));
        String::from_utf8_lossy(&found.unwrap_or(b"-")[1..]).into_owned()
    }

    /// `SQLSTATE message | hint`
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.field(b'S'), "FATAL");
        let (sqlstate, message) = (self.field(b'C'), self.field(b'M'));
        match self.field(b'H').as_str() {
            "" => format!("{sqlstate} {message}"),
            hint => format!("{sqlstate} {message} | {hint}"),
        }
    }
}

/// A `StartupMessage` of protocol 3.0.
pub(crate) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 0x0003_0000_u32.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    framed(&body)
}

/// A `CancelRequest`.
pub(crate) fn cancel_request(process: i32, secret: i32) -> Vec<u8> {
    let code = 80_877_102_u32.to_be_bytes();
    framed(&[code, process.to_be_bytes(), secret.to_be_bytes()].concat())
}

pub(crate) fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&length.to_be_bytes()[..], body].concat()
}

#[derive(Debug)]
struct At(Timestamp);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let since = system_time(self.0).duration_since(std::time::UNIX_EPOCH);
        Some(UnixTime::since_unix_epoch(since.unwrap()))
    }
}

/// A client that verifies certificate and name (`verify-full`) at this time.
pub(crate) fn tls_client(authority: &Path, now: Timestamp) -> ClientConfig {
    tls_client_of(authority, now, rustls::DEFAULT_VERSIONS)
}

/// [`tls_client`] of these versions.
pub(crate) fn tls_client_of(
    authority: &Path,
    now: Timestamp,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ClientConfig::builder_with_details(provider, Arc::new(At(now)))
        .with_protocol_versions(versions)
        .unwrap()
        .with_webpki_verifier(verifier.build().unwrap())
        .with_no_client_auth()
}

/// A stream of which only so many bytes are read at once.
struct Trickle {
    inner: DuplexStream,
    most: usize,
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = vec![0; self.most.min(buffer.remaining())];
        let mut part = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut self.inner).poll_read(context, &mut part);
        buffer.put_slice(part.filled());
        read
    }
}

impl AsyncWrite for Trickle {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// A client, and how it behaves.
pub(crate) struct Client {
    pub(crate) tls: ClientConfig,
    pub(crate) name: String,
    /// Whether it begins with TLS at once.
    pub(crate) direct: bool,
    pub(crate) startup: Vec<u8>,
    /// `None` to go away when asked.
    pub(crate) password: Option<String>,
    /// Whether the server gets what it sends byte by byte.
    pub(crate) trickle: bool,
}

impl Client {
    pub(crate) fn new(world: &World) -> Self {
        let authority = world.gateway.certificates.authority().unwrap();
        Self {
            tls: tls_client(authority, world.clock.now()),
            name: HOST.to_owned(),
            direct: false,
            startup: startup(&[("user", "admin")]),
            password: None,
            trickle: false,
        }
    }

    /// Connects, and reads to the end, or to `ReadyForQuery`.
    pub(crate) async fn run(self, world: &World) -> Vec<Message> {
        self.session(world).await.0
    }

    /// [`Client::run`] with what has become of it at the server.
    pub(crate) async fn session(self, world: &World) -> (Vec<Message>, Option<Connected>) {
        let (client, server) = tokio::io::duplex(65_536);
        let accepted = Accepted {
            stream: Trickle {
                inner: server,
                most: if self.trickle { 1 } else { 65_536 },
            },
            network: Arc::new(world.network.clone()),
        };
        let begin = accepted.begin(&world.gateway, std::future::pending());
        tokio::join!(self.talk(client), begin)
    }

    /// Connects over a stream.
    pub(crate) async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Vec<Message> {
        let password = self.password.clone();
        let mut stream = self.secure(stream).await;
        read(&mut stream, password.as_deref()).await
    }

    /// Connects over a stream and sends the startup packet.
    pub(crate) async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        mut stream: S,
    ) -> TlsStream<S> {
        if !self.direct {
            stream
                .write_all(&framed(&80_877_103_u32.to_be_bytes()))
                .await
                .unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'S');
        }
        let name = ServerName::try_from(self.name).unwrap();
        let connector = TlsConnector::from(Arc::new(self.tls));
        let mut stream = connector.connect(name, stream).await.unwrap();
        stream.write_all(&self.startup).await.unwrap();
        stream.flush().await.unwrap();
        stream
    }
}

/// Reads messages, and answers the question for a password.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    password: Option<&str>,
) -> Vec<Message> {
    let mut messages = Vec::new();
    // Without `close_notify` the end would be an error.
    while let Some(message) = next(stream).await {
        let asked = message.tag == 'R' && message.body == [0, 0, 0, 3];
        let ready = message.tag == 'Z';
        messages.push(message);
        match password {
            Some(password) if asked => {
                let framed = framed(format!("{password}\0").as_bytes());
                stream.write_all(b"p").await.unwrap();
                stream.write_all(&framed).await.unwrap();
                stream.flush().await.unwrap();
            }
            None if asked => stream.shutdown().await.unwrap(),
            Some(_) | None => {}
        }
        if ready {
            break;
        }
    }
    messages
}

/// The next message; `None` at the end.
pub(crate) async fn next(stream: &mut (impl AsyncRead + Unpin)) -> Option<Message> {
    let mut tag = [0];
    if stream.read(&mut tag).await.unwrap() == 0 {
        return None;
    }
    let length = stream.read_u32().await.unwrap() as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await.unwrap();
    let [tag] = tag;
    Some(Message {
        tag: tag.into(),
        body,
    })
}
