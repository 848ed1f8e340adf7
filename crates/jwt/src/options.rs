//! What may be contacted, and within which bounds.

use std::time::Duration;

use ipnet::IpNet;
use rustls_pki_types::CertificateDer;

/// Where the keys of an issuer are.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum KeySource {
    /// `jwks_uri` of the discovery document at `<url>/.well-known/openid-configuration`; a slash
    /// at the end of the URL is not repeated.
    Discovery(String),
    /// `<url>/.well-known/jwks.json`, as Amazon Cognito has it; where that answers 404, the
    /// discovery document beside it says.
    WellKnownJwks(String),
}

/// What [`Providers`](crate::Providers) may do.
#[derive(Clone, Default, Debug)]
pub struct Options {
    /// Networks that may be contacted although their addresses are not public. Plain `http` is for
    /// loopback addresses in one of these.
    pub networks: Vec<IpNet>,
    /// Certificate authorities that are trusted besides the system's.
    pub certificates: Vec<CertificateDer<'static>>,
    /// How long, how many, how large.
    pub limits: Limits,
}

/// How long, how many, how large.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For a connection to an address, TLS included.
    pub connect: Duration,
    /// For a fetch: names, connections, redirects and bodies of everything that it needs.
    pub fetch: Duration,
    /// Fetches at once: half of them of sources that have given keys before, a quarter of new ones,
    /// an eighth of those that failed last, and an eighth for
    /// [`Providers::discover`](crate::Providers::discover).
    pub fetches: usize,
    /// Redirects that are followed from one URL.
    pub redirects: usize,
    /// Bytes of a discovery document.
    pub discovery_bytes: usize,
    /// Bytes of a key set.
    pub keys_bytes: usize,
    /// Sources whose keys are remembered.
    pub sources: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            fetch: Duration::from_secs(5),
            fetches: 64,
            redirects: 3,
            discovery_bytes: 64 * 1024,
            keys_bytes: 512 * 1024,
            sources: 1_000,
        }
    }
}

/// One of [`Options::certificates`] is no certificate of an authority.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("certificate {index} is not one of an authority: {why}")]
pub struct InvalidCertificate {
    /// Its place in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub why: String,
}
