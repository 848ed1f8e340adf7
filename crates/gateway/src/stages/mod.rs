//! A connection up to the moment when its session begins: a chain of types, each of which only the
//! one before can become.
//!
//! ```text
//! Accepted -> Opening -> Secured -> Requested -> Routed -> Proven -> Admitted -> Entitled
//!          -> Granted -> Connected
//! ```
//!
//! The steps fail with an [`End`], and [`part`] is the only place where a client is told.

mod admit;
mod connect;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod options;
mod packet;
mod parameters;
mod role;
mod route;
mod startup;
mod token;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use engine::Session;
use iam::condition_keys::Network;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::cancel::CancelGuard;
use crate::catalog::{Catalog, Cluster};
use crate::gateway::Gateway;
use crate::quotas::Place;
use crate::refusal::Refusal;
use connect::Granted;
use packet::Packet;
use parameters::Requested;
use route::Routed;
use startup::{Opening, Rewound, open};

/// How long a client may take to hear that it is refused.
const PARTING: Duration = Duration::from_secs(5);

/// A connection of which nothing has been read.
pub(crate) struct Accepted<S> {
    /// The connection.
    pub(crate) stream: S,
    /// Where it comes from.
    pub(crate) network: Arc<Network>,
}

/// A connection whose session begins.
pub(crate) struct Connected {
    /// The client. It is to be shut down at the end: else TLS clients see an error.
    pub(crate) client: Box<dyn engine::Stream>,
    /// The session at the database.
    pub(crate) backend: Session,
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// The role that the session acts as.
    pub(crate) role: String,
    /// Its cancel key, which is valid until this is dropped.
    pub(crate) cancel: CancelGuard,
    /// Its place among the cluster's connections.
    pub(crate) place: Place,
}

/// Why a connection does not become a session.
#[derive(Debug)]
pub(crate) enum End {
    /// The client is told.
    Refused(Refusal),
    /// The client has gone, or does not speak the protocol of TLS.
    Gone(io::Error),
    /// It wanted something cancelled, and that is done.
    Cancelled,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Accepted<S> {
    /// Goes through all stages; `None` when the connection ends in one of them. `ending` resolves
    /// when the server ends.
    pub(crate) async fn begin<C: Catalog>(
        self,
        gateway: &Gateway<C>,
        ending: impl Future<Output = ()>,
    ) -> Option<Connected> {
        let deadline = Instant::now() + gateway.options.login_timeout;
        let mut ending = std::pin::pin!(ending);
        let secured = tokio::select! {
            secured = timeout_at(deadline, self.secure(gateway)) => secured,
            () = &mut ending => return None,
        };
        match secured {
            Ok(secured) => secured?.finish(gateway, deadline, ending).await,
            Err(_) => {
                tracing::debug!("a connection did not get as far as TLS in time");
                None
            }
        }
    }

    async fn secure<C: Catalog>(mut self, gateway: &Gateway<C>) -> Option<Secured<S>> {
        let first = match open(&mut self.stream).await {
            Ok(Opening::Tls(first)) => first,
            Ok(Opening::Cancel(process, secret)) => {
                gateway.cancel(process, secret).await;
                let _ = self.stream.shutdown().await;
                return None;
            }
            Err(end) => {
                part(&mut self.stream, &self.network, &end).await;
                return None;
            }
        };
        let network = Network {
            secure_transport: true,
            ..Network::clone(&self.network)
        };
        let acceptor = TlsAcceptor::from(gateway.certificates.config());
        match acceptor.accept(Rewound::new(first, self.stream)).await {
            Ok(stream) => Some(Secured { stream, network }),
            Err(error) => {
                tracing::debug!(%error, peer = %network.source_ip, "no TLS with a client");
                None
            }
        }
    }
}

/// A connection in TLS.
struct Secured<S> {
    stream: TlsStream<Rewound<S>>,
    network: Network,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Secured<S> {
    /// From the `StartupMessage` to `ReadyForQuery`.
    async fn finish<C: Catalog>(
        mut self,
        gateway: &Gateway<C>,
        deadline: Instant,
        ending: impl Future<Output = ()>,
    ) -> Option<Connected> {
        let login = tokio::select! {
            login = timeout_at(deadline, self.login(gateway)) => login,
            () = ending => Ok(Err(Refusal::shutting_down().into())),
        };
        match login.unwrap_or_else(|_| Err(Refusal::too_slow().into())) {
            Ok(granted) => Some(Connected {
                client: Box::new(self.stream),
                backend: granted.backend,
                cluster: granted.cluster,
                role: granted.role,
                cancel: granted.cancel,
                place: granted.place,
            }),
            Err(end) => {
                part(&mut self.stream, &self.network, &end).await;
                None
            }
        }
    }

    async fn login<C: Catalog>(&mut self, gateway: &Gateway<C>) -> Result<Granted, End> {
        let stream = &mut self.stream;
        let startup = match wire::startup_packet(stream, None).await? {
            Packet::Startup(startup) => startup,
            Packet::Cancel { process, secret } => {
                gateway.cancel(process, secret).await;
                return Err(End::Cancelled);
            }
            Packet::Ssl | Packet::GssEncryption => {
                let message = "the connection is encrypted already";
                return Err(Refusal::protocol_violation(message).into());
            }
        };
        if let Some(negotiation) = packet::negotiation(&startup) {
            wire::send_all(stream, &negotiation).await?;
        }
        let requested = Requested::read(startup)?;
        let host = stream.get_ref().1.server_name().map(str::to_owned);
        let routed = Routed::new(requested, host.as_deref(), &gateway.endpoints)?;
        let token = wire::ask_password(stream).await?;
        let (keys, now) = (gateway.keys.as_ref(), gateway.clock.now());
        let proven = routed.prove(&token, keys, &gateway.endpoints, now)?;
        drop(token);
        let admitted = proven.admit(&self.network, gateway).await?;
        let entitled = admitted.entitle(gateway).await?;
        let granted = entitled.connect(gateway).await?;
        let welcome = granted.welcome(&gateway.options.dialect.server_version);
        wire::send_all(&mut self.stream, &welcome).await?;
        Ok(granted)
    }
}

/// Ends a connection, telling the client why if there is anything to tell.
async fn part(stream: &mut (impl AsyncWrite + Unpin), network: &Network, end: &End) {
    let peer = network.source_ip;
    let farewell = async {
        match end {
            End::Refused(refusal) => {
                tracing::info!(
                    %peer,
                    sqlstate = &*refusal.sqlstate,
                    reason = refusal.hint.as_deref().unwrap_or(&refusal.message),
                    "a connection was refused"
                );
                stream.write_all(&refusal.message()).await?;
            }
            End::Gone(error) => tracing::debug!(%peer, %error, "a client has gone"),
            End::Cancelled => {}
        }
        // In TLS this says that nothing is missing at the end.
        stream.shutdown().await
    };
    let _ = timeout(PARTING, farewell).await;
}

#[cfg(test)]
mod tests;
