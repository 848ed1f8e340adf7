//! Certificates that the authority of our own issues when a client asks for one: one for all
//! clusters of a Region, since the names of clusters are many.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::{Clock, Region, Timestamp};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::CertificateError;
use super::authority::{BACKDATED, at};
use crate::endpoints::Endpoints;

/// How long a certificate is valid.
const LIFE: Duration = Duration::from_secs(90 * 86_400);
/// How old one gets before another takes its place.
const RENEWED: Duration = Duration::from_secs(60 * 86_400);
/// How many are kept: whoever connects chooses the name, and with it the certificate.
const MOST: usize = 256;

/// Issues and keeps certificates.
pub(super) struct Own {
    issuer: Issuer<'static, KeyPair>,
    endpoints: Endpoints,
    /// The Region of clients that name none.
    region: Region,
    clock: Arc<dyn Clock>,
    /// The key of all certificates. It lives no longer than the process.
    key: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    issued: Mutex<HashMap<String, Issued>>,
}

struct Issued {
    at: Timestamp,
    certificate: Arc<CertifiedKey>,
}

impl Own {
    pub(super) fn new(
        issuer: Issuer<'static, KeyPair>,
        endpoints: Endpoints,
        region: Region,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CertificateError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let own = Self {
            signing_key: any_ecdsa_type(&der)?,
            issuer,
            endpoints,
            region,
            clock,
            key,
            issued: Mutex::default(),
        };
        // What cannot be issued at all is found out now.
        own.for_name(None)?;
        Ok(own)
    }

    /// The certificate for a client that connects to `name`.
    pub(super) fn for_name(
        &self,
        name: Option<&str>,
    ) -> Result<Arc<CertifiedKey>, CertificateError> {
        let pattern = match name.and_then(|name| self.endpoints.parse(name)) {
            Some(endpoint) => self.endpoints.pattern(&endpoint.service, &endpoint.region),
            None => self.endpoints.pattern("dsql", &self.region),
        };
        let now = self.clock.now();
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = issued.get(&pattern)
            // The clock may be set back, too.
            && (known.at..known.at.plus(RENEWED)).contains(&now)
        {
            return Ok(Arc::clone(&known.certificate));
        }
        let certificate = self.issue(&pattern, now)?;
        if issued.len() >= MOST {
            issued.clear();
        }
        let kept = Issued {
            at: now,
            certificate: Arc::clone(&certificate),
        };
        issued.insert(pattern, kept);
        Ok(certificate)
    }

    /// How many certificates are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.issued.lock().unwrap().len()
    }

    fn issue(&self, pattern: &str, now: Timestamp) -> Result<Arc<CertifiedKey>, CertificateError> {
        let mut params = CertificateParams::new(vec![pattern.to_owned()])?;
        params.not_before = at(now, -i64::try_from(BACKDATED.as_secs()).unwrap_or_default());
        params.not_after = at(now, i64::try_from(LIFE.as_secs()).unwrap_or_default());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let name = &mut params.distinguished_name;
        // A common name has at most 64 characters (RFC 5280, appendix A.1); pattern may be longer.
        name.push(DnType::CommonName, "Treeline");
        let certificate = params.signed_by(&self.key, &self.issuer)?;
        let chain = vec![certificate.der().clone()];
        Ok(Arc::new(CertifiedKey::new(
            chain,
            Arc::clone(&self.signing_key),
        )))
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.for_name(hello.server_name())
            .inspect_err(|error| tracing::error!(%error, "no certificate could be issued"))
            .ok()
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}
