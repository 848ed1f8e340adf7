//! The operator's certificate and key.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base::{Clock, Timestamp};
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::CertificateError;

/// How often the files are looked at, while clients connect.
const LOOK: Duration = Duration::from_secs(1);

/// A pair of files that is read again when it has changed.
pub(super) struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    looked: Timestamp,
    /// Of the files as they were read or found to be broken.
    seen: [Stamp; 2],
    current: Arc<CertifiedKey>,
}

/// What tells one state of a file from the next without reading it.
#[derive(Clone, PartialEq, Eq)]
struct Stamp(Option<(SystemTime, u64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let stamp = |file: fs::Metadata| Some((file.modified().ok()?, file.len()));
        Self(fs::metadata(path).ok().and_then(stamp))
    }
}

impl Pair {
    pub(super) fn read(
        certificate: PathBuf,
        key: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CertificateError> {
        // Before the files are read, so that no change is missed.
        let seen = [Stamp::of(&certificate), Stamp::of(&key)];
        let state = State {
            looked: clock.now(),
            seen,
            current: load(&certificate, &key)?,
        };
        Ok(Self {
            certificate,
            key,
            clock,
            state: Mutex::new(state),
        })
    }

    /// The last pair that was whole. Reads small files, at most once a second.
    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if (state.looked..state.looked.plus(LOOK)).contains(&now) {
            return Arc::clone(&state.current);
        }
        state.looked = now;
        let seen = [Stamp::of(&self.certificate), Stamp::of(&self.key)];
        if seen != state.seen {
            state.seen = seen;
            match load(&self.certificate, &self.key) {
                Ok(pair) => {
                    state.current = pair;
                    tracing::info!(path = %self.certificate.display(), "read the changed certificate");
                }
                Err(error) => tracing::error!(
                    %error,
                    "the changed certificate cannot be used: the last good one stays in use"
                ),
            }
        }
        Arc::clone(&state.current)
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, CertificateError> {
    let read = |path: &Path| fs::read(path).map_err(CertificateError::file("read", path));
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CertificateError::malformed(certificate, &error))?;
    if chain.is_empty() {
        return Err(CertificateError::malformed(
            certificate,
            &"there is no certificate in it",
        ));
    }
    let der = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| CertificateError::malformed(key, &error))?;
    let pair = CertifiedKey::from_der(chain, der, &ring::default_provider())
        .map_err(|error| CertificateError::malformed(key, &error))?;
    Ok(Arc::new(pair))
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair")
    }
}
