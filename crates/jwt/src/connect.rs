//! Connections to addresses that may be contacted.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::Reason;
use crate::network::{Network, host};
use crate::options::InvalidCertificate;

/// Addresses of a name that are tried.
const ADDRESSES: usize = 4;

/// A connection, with or without TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) struct Connector {
    network: Network,
    certificates: Vec<CertificateDer<'static>>,
    /// Made at the first use: reading the system's certificates takes a while.
    tls: OnceLock<Option<Arc<ClientConfig>>>,
    /// For one address.
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(
        network: Network,
        certificates: Vec<CertificateDer<'static>>,
        timeout: Duration,
    ) -> Result<Self, InvalidCertificate> {
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            roots
                .add(certificate.clone())
                .map_err(|error| InvalidCertificate {
                    index,
                    why: error.to_string(),
                })?;
        }
        Ok(Self {
            network,
            certificates,
            tls: OnceLock::new(),
            timeout,
        })
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Connects to the host of `url`, which has been checked.
    pub(crate) async fn connect(&self, url: &Uri) -> Result<Box<dyn Stream>, Reason> {
        let plain = url.scheme() == Some(&Scheme::HTTP);
        let port = url.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let addresses = self.addresses(host(url), port, plain).await?;
        let mut failure = Reason::NotAllowed;
        for address in addresses {
            let attempt = async {
                let stream = TcpStream::connect(address)
                    .await
                    .map_err(|_| Reason::Connection)?;
                match plain {
                    true => Ok(Box::new(stream) as Box<dyn Stream>),
                    false => self.secure(host(url), stream).await,
                }
            };
            match tokio::time::timeout(self.timeout, attempt).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(reason)) => failure = reason,
                Err(_) => failure = Reason::Timeout,
            }
        }
        Err(failure)
    }

    /// The addresses behind a host that may be contacted. They are what is connected to, so that a
    /// name that resolves to something else the next time makes no difference.
    async fn addresses(
        &self,
        host: &str,
        port: u16,
        plain: bool,
    ) -> Result<Vec<SocketAddr>, Reason> {
        let found = tokio::net::lookup_host((host, port))
            .await
            .map_err(|_| Reason::Name)?;
        let allowed: Vec<_> = found
            .filter(|address| match plain {
                true => self.network.may_be_plain_to(address.ip()),
                false => self.network.may_contact(address.ip()),
            })
            .take(ADDRESSES)
            .collect();
        match allowed.is_empty() {
            true => Err(Reason::NotAllowed),
            false => Ok(allowed),
        }
    }

    async fn secure(&self, host: &str, stream: TcpStream) -> Result<Box<dyn Stream>, Reason> {
        let config = self.tls.get_or_init(|| config(&self.certificates));
        let config = config.clone().ok_or(Reason::Tls)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Reason::Url)?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| tls_failure(&error))?;
        Ok(Box::new(stream))
    }
}

/// TLS 1.2 and 1.3 with the system's authorities and `certificates`.
fn config(certificates: &[CertificateDer<'static>]) -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    // A broken certificate in the system's collection is no reason to do without the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(certificates.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Arc::new(config))
}

fn tls_failure(error: &std::io::Error) -> Reason {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    match error {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            Reason::UnknownAuthority
        }
        Some(rustls::Error::InvalidCertificate(_)) => Reason::Certificate,
        _ => Reason::Tls,
    }
}
