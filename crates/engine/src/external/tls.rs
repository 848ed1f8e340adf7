//! Encryption towards the external server: `sslmode` and `sslrootcert` of its connection string.

use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_postgres::config::SslMode;
use tokio_rustls::TlsConnector;

use crate::Error;

/// How a connection is encrypted.
#[derive(Debug)]
pub(crate) struct Encryption {
    mode: SslMode,
    /// The mode `verify-full`.
    verified: bool,
    /// The file with the certificates of the CAs, PEM.
    roots: Option<String>,
}

/// Takes out of a connection string what its parser does not know.
pub(crate) fn take_options(connection: &str) -> (String, Encryption) {
    let mut encryption = Encryption {
        mode: SslMode::Prefer,
        verified: false,
        roots: None,
    };
    let mut keep = |option: &str| match option.split_once('=') {
        Some(("sslrootcert", path)) => {
            encryption.roots = Some(path.to_owned());
            false
        }
        Some(("sslmode", "verify-full")) => {
            encryption.verified = true;
            false
        }
        _ => true,
    };
    let rest = if let Some((place, query)) = connection
        .split_once('?')
        .filter(|_| connection.contains("://"))
    {
        let options = query.split('&').filter(|option| keep(option));
        format!("{place}?{}", options.collect::<Vec<_>>().join("&"))
    } else if connection.contains("sslrootcert") || connection.contains("verify-full") {
        let options = connection.split(' ').filter(|option| keep(option));
        options.collect::<Vec<_>>().join(" ")
    } else {
        connection.to_owned()
    };
    (rest, encryption)
}

impl Encryption {
    /// With the mode that the rest of the connection string says.
    ///
    /// # Errors
    /// [`Error::Instance`]: certificates without `verify-full`, or the other way round.
    pub(crate) fn with_mode(self, mode: SslMode) -> Result<Self, Error> {
        match (self.verified, &self.roots) {
            (true, Some(_)) => Ok(Self {
                mode: SslMode::Require,
                ..self
            }),
            (false, None) => Ok(Self { mode, ..self }),
            (true, None) | (false, Some(_)) => Err(super::failure(
                "sslmode=verify-full and sslrootcert=FILE need each other",
            )),
        }
    }

    /// Whether a server that does not encrypt will do.
    pub(crate) fn is_optional(&self) -> bool {
        self.mode == SslMode::Prefer
    }

    /// What encrypts; `None` for `disable`.
    ///
    /// # Errors
    /// [`Error::Instance`]: the certificates cannot be used.
    pub(crate) fn connector(&self) -> Result<Option<TlsConnector>, Error> {
        if self.mode == SslMode::Disable {
            return Ok(None);
        }
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| super::failure(error.to_string()))?;
        let config = match &self.roots {
            Some(path) => builder.with_root_certificates(roots(path)?),
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyServer(provider))),
        };
        Ok(Some(TlsConnector::from(Arc::new(
            config.with_no_client_auth(),
        ))))
    }
}

fn roots(path: &str) -> Result<RootCertStore, Error> {
    let failed = || super::failure(format!("sslrootcert: {path} has no certificates"));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|_| failed())?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>();
    roots.add_parsable_certificates(certificates.map_err(|_| failed())?);
    if roots.is_empty() {
        return Err(failed());
    }
    Ok(roots)
}

/// The name that a certificate has to have.
///
/// # Errors
/// It is no name of a host.
pub(crate) fn server_name(host: &str) -> std::io::Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| IoError::new(ErrorKind::InvalidInput, "the host has no valid name"))
}

/// `sslmode=require` and `prefer` encrypt without a look at who the server is, as in libpq.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_encryption_are_taken_out() {
        for (connection, rest, verified, roots) in [
            ("postgres://u:p@h/d", "postgres://u:p@h/d", false, None),
            (
                "postgres://u@h/d?sslmode=require&a=b",
                "postgres://u@h/d?sslmode=require&a=b",
                false,
                None,
            ),
            (
                "postgres://u@h?sslrootcert=/r.pem&connect_timeout=3&sslmode=verify-full",
                "postgres://u@h?connect_timeout=3",
                true,
                Some("/r.pem"),
            ),
            (
                "host=h user=u password='a  b'",
                "host=h user=u password='a  b'",
                false,
                None,
            ),
            (
                "host=h sslmode=verify-full user=u sslrootcert=/r.pem",
                "host=h user=u",
                true,
                Some("/r.pem"),
            ),
        ] {
            let (found, encryption) = take_options(connection);
            assert_eq!(found, rest);
            assert_eq!(encryption.verified, verified, "{connection}");
            assert_eq!(encryption.roots.as_deref(), roots, "{connection}");
        }
    }

    #[test]
    fn certificates_and_their_mode_need_each_other() {
        for (connection, good) in [
            ("host=h sslmode=verify-full", false),
            ("host=h sslrootcert=/r.pem", false),
            ("host=h sslmode=verify-full sslrootcert=/r.pem", true),
        ] {
            let (_, encryption) = take_options(connection);
            assert_eq!(encryption.with_mode(SslMode::Prefer).is_ok(), good);
        }
    }
}
