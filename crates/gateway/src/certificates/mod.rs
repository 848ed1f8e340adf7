//! The certificates that clients are shown: made here by an authority of our own, or the
//! operator's.
//!
//! Keys that are made here come from the randomness of the cryptography library (*ring*), not from
//! [`base::Entropy`].

mod authority;
mod own;
mod pair;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Clock, Region};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::ResolvesServerCert;
use rustls::version::{TLS12, TLS13};

use crate::endpoints::Endpoints;
use own::Own;
use pair::Pair;

/// The protocol within TLS, as clients that begin with TLS at once ask for it (ALPN).
const ALPN: &[u8] = b"postgresql";

/// What the server shows of itself in TLS.
pub struct Certificates {
    config: Arc<ServerConfig>,
    authority: Option<PathBuf>,
}

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("cannot {what} {path}: {cause}")]
    File {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
    /// A file that is needed beside another is not there.
    #[error("{missing} is missing, though there is {present}: restore it, or remove both")]
    Missing {
        /// The file that is not there.
        missing: PathBuf,
        /// The file that is.
        present: PathBuf,
    },
    /// A file has something else in it than it should.
    #[error("{path} is not usable: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cryptography library has refused.
    #[error("cannot make a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    /// The TLS library has refused.
    #[error("cannot use a certificate: {0}")]
    Tls(#[from] rustls::Error),
}

impl CertificateError {
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::File {
            what,
            path: path.to_owned(),
            cause,
        }
    }

    fn malformed(path: &Path, reason: &dyn ToString) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl Certificates {
    /// Certificates for all names that end with `endpoint_suffix`, by an authority whose
    /// certificate is `<directory>/ca.pem`, for clients to trust, and whose key is
    /// `<directory>/ca.key`. Both are made if they are missing. A client that names no cluster is
    /// shown the certificate of `region`.
    ///
    /// # Errors
    /// The directory cannot be used, or its files do not fit together.
    pub fn own(
        directory: &Path,
        endpoint_suffix: &str,
        region: &Region,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CertificateError> {
        let issuer = authority::load_or_create(directory, clock.now())?;
        let own = Own::new(
            issuer,
            Endpoints::new(endpoint_suffix),
            region.clone(),
            clock,
        )?;
        Self::new(Arc::new(own), Some(authority::certificate(directory)))
    }

    /// The operator's certificate, with its chain, and key, in PEM. They are read again when the
    /// files have changed; a pair that does not fit leaves the one before in use.
    ///
    /// # Errors
    /// A file cannot be read, or the key is not that of the certificate.
    pub fn files(
        certificate: PathBuf,
        key: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CertificateError> {
        Self::new(Arc::new(Pair::read(certificate, key, clock)?), None)
    }

    /// The certificate of the authority that clients have to trust; `None` for the operator's own.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// How connections are secured: TLS 1.2 and 1.3.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    fn new(
        resolver: Arc<dyn ResolvesServerCert>,
        authority: Option<PathBuf>,
    ) -> Result<Self, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        // Who asks for nothing is served as well, as some drivers do even without `SSLRequest`.
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            config: Arc::new(config),
            authority,
        })
    }
}

#[cfg(test)]
mod tests;
