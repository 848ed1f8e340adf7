//! An OpenID provider in process, on a loopback address, that behaves as badly as a test wants.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

mod keys;

use keys::Keys;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const COGNITO_KEYS: &str = "/.well-known/jwks.json";
const KEYS: &str = "/keys";

/// What is asked of an [`IdentityProvider`]: the end of a path.
///
/// What stands before it is part of the issuer: at `http://127.0.0.1:1/pool` there is another
/// issuer with the same keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Page {
    /// `/.well-known/openid-configuration`
    Discovery,
    /// `/.well-known/jwks.json`, as Amazon Cognito has it.
    CognitoKeys,
    /// `/keys`, which is the `jwks_uri` of the discovery document.
    Keys,
}

/// How an [`IdentityProvider`] answers.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// As it should.
    Good,
    /// As it should, with further headers.
    With(Vec<(&'static str, String)>),
    /// As it should, after a while.
    After(Duration),
    /// With this status, these headers and this body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// With these bytes, which need not be HTTP.
    Raw(Vec<u8>),
    /// With a redirect to there.
    Redirect(String),
    /// With a document that goes on for so many bytes, announced or not.
    Huge {
        /// Bytes of the body.
        bytes: usize,
        /// Whether there is a `Content-Length`.
        announced: bool,
    },
    /// With a byte every so often, without an end.
    Drip(Duration),
    /// Never.
    Hang,
    /// By closing the connection.
    Down,
}

/// An OpenID provider on `127.0.0.1` with keys of its own. It is gone when it is dropped.
pub struct IdentityProvider {
    shared: Arc<Shared>,
    origin: String,
    listener: AbortHandle,
}

struct Shared {
    origin: String,
    state: Mutex<State>,
}

struct State {
    keys: Keys,
    behaviours: HashMap<Page, Behaviour>,
    fetches: HashMap<Page, usize>,
}

impl IdentityProvider {
    /// A provider over plain HTTP.
    pub async fn start() -> Self {
        Self::listen("http", None).await
    }

    /// A provider over TLS.
    pub async fn start_tls(config: Arc<ServerConfig>) -> Self {
        Self::listen("https", Some(TlsAcceptor::from(config))).await
    }

    async fn listen(scheme: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let origin = format!("{scheme}://{address}");
        let shared = Arc::new(Shared {
            origin: origin.clone(),
            state: Mutex::new(State {
                keys: Keys::new(),
                behaviours: HashMap::new(),
                fetches: HashMap::new(),
            }),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&serving), tls.clone());
                // A client that leaves is none of the provider's business.
                tokio::spawn(async move {
                    match tls {
                        None => shared.serve(stream).await,
                        Some(tls) => shared.serve(tls.accept(stream).await?).await,
                    }
                });
            }
        });
        Self {
            shared,
            origin,
            listener: task.abort_handle(),
        }
    }

    /// The issuer: its URL, without a slash at the end.
    pub fn issuer(&self) -> String {
        self.origin.clone()
    }

    /// A token with these claims, signed with the newest key for `algorithm` (as in `alg`).
    ///
    /// # Panics
    /// There is no such algorithm.
    pub fn sign(&self, algorithm: &str, claims: &Value) -> String {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": self.key_id(algorithm)});
        self.sign_raw(algorithm, &header.to_string(), &claims.to_string())
    }

    /// A token of these parts, signed with the newest key for `algorithm`.
    ///
    /// # Panics
    /// There is no such algorithm.
    pub fn sign_raw(&self, algorithm: &str, header: &str, payload: &str) -> String {
        self.state().keys.sign(algorithm, header, payload)
    }

    /// The name of the newest key for `algorithm`.
    ///
    /// # Panics
    /// There is no such algorithm.
    pub fn key_id(&self, algorithm: &str) -> String {
        self.state().keys.id(algorithm)
    }

    /// The key set that it serves.
    pub fn key_set(&self) -> Value {
        self.state().keys.document()
    }

    /// New keys, which sign from now on. The old ones are still served.
    pub fn rotate(&self) {
        self.state().keys.rotate();
    }

    /// Serves the newest keys only.
    pub fn withdraw(&self) {
        self.state().keys.withdraw();
    }

    /// Answers so from now on when asked for `page`.
    pub fn behave(&self, page: Page, behaviour: Behaviour) {
        self.state().behaviours.insert(page, behaviour);
    }

    /// How often `page` has been asked for.
    pub fn fetches(&self, page: Page) -> usize {
        self.state().fetches.get(&page).copied().unwrap_or(0)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request.
    async fn serve<S>(&self, mut stream: S) -> std::io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await?);
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let pages = [
            (DISCOVERY, Page::Discovery),
            (COGNITO_KEYS, Page::CognitoKeys),
            (KEYS, Page::Keys),
        ];
        let found = pages
            .iter()
            .find_map(|(end, page)| Some((*page, path.strip_suffix(end)?)));
        let Some((page, prefix)) = found else {
            return respond(&mut stream, 404, &[], "{}").await;
        };
        let behaviour = {
            let mut state = self.state();
            *state.fetches.entry(page).or_default() += 1;
            let behaviour = state.behaviours.get(&page).cloned();
            behaviour.unwrap_or(Behaviour::Good)
        };
        self.answer(&mut stream, page, prefix, behaviour).await?;
        stream.shutdown().await
    }

    fn document(&self, page: Page, prefix: &str) -> String {
        let issuer = format!("{}{prefix}", self.origin);
        match page {
            Page::Discovery => json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}{KEYS}"),
                "authorization_endpoint": format!("{issuer}/authorize"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
            Page::CognitoKeys | Page::Keys => self.state().keys.document(),
        }
        .to_string()
    }

    async fn answer<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        page: Page,
        prefix: &str,
        behaviour: Behaviour,
    ) -> std::io::Result<()> {
        match behaviour {
            Behaviour::Good => respond(stream, 200, &[], &self.document(page, prefix)).await,
            Behaviour::With(headers) => {
                respond(stream, 200, &headers, &self.document(page, prefix)).await
            }
            Behaviour::After(time) => {
                tokio::time::sleep(time).await;
                respond(stream, 200, &[], &self.document(page, prefix)).await
            }
            Behaviour::Answer(status, headers, body) => {
                respond(stream, status, &headers, &body).await
            }
            Behaviour::Raw(bytes) => stream.write_all(&bytes).await,
            Behaviour::Redirect(to) => respond(stream, 302, &[("Location", to)], "").await,
            Behaviour::Huge { bytes, announced } => huge(stream, bytes, announced).await,
            Behaviour::Drip(every) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(b" ").await?;
                    stream.flush().await?;
                    tokio::time::sleep(every).await;
                }
            }
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Down => Ok(()),
        }
    }
}

async fn respond<S: AsyncWrite + Unpin>(
    stream: &mut S,
    status: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> std::io::Result<()> {
    let mut response = format!("HTTP/1.1 {status} Test\r\nContent-Type: application/json\r\n");
    for (name, value) in headers {
        response.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = body.len();
    response.push_str(&format!(
        "Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ));
    stream.write_all(response.as_bytes()).await
}

async fn huge<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: usize,
    announced: bool,
) -> std::io::Result<()> {
    let length = match announced {
        true => format!("Content-Length: {bytes}\r\n"),
        false => String::new(),
    };
    let head = format!("HTTP/1.1 200 Test\r\n{length}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let start = br#"{"keys":[], "more":""#;
    stream.write_all(start).await?;
    let mut left = bytes.saturating_sub(start.len() + 2);
    let chunk = [b'x'; 8_192];
    while left > 0 {
        let (now, _) = chunk.split_at(left.min(chunk.len()));
        stream.write_all(now).await?;
        left -= now.len();
    }
    stream.write_all(b"\"}").await
}
