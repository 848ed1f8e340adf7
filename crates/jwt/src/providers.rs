//! Verification against the remembered keys of all providers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base::{Clock, Timestamp};
use http::Uri;
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use crate::cache::{ABANDONED, Landing, Plan, Present, Refused, Source, landed};
use crate::claims;
use crate::documents::Documents;
use crate::error::{FetchError, TokenError};
use crate::options::{InvalidCertificate, KeySource, Options};
use crate::token::Token;

/// The keys of all providers. One for a server.
pub struct Providers {
    inner: Arc<Inner>,
}

struct Inner {
    documents: Documents,
    clock: Arc<dyn Clock>,
    sources: RwLock<HashMap<KeySource, Arc<Source>>>,
    most_sources: usize,
    versions: AtomicU64,
}

/// Which content of a key set it was. Two that are equal, of one source, are the same keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeysVersion(u64);

/// What a good token says.
#[derive(Clone, PartialEq, Debug)]
pub struct Verified {
    /// All claims.
    pub claims: Map<String, Value>,
    /// When the token stops being good: `exp`.
    pub expires: Timestamp,
    /// The keys that it was verified with: see [`Providers::is_current`].
    pub keys: KeysVersion,
}

impl Providers {
    /// Knows no keys yet. Fails if one of the certificates is not one of an authority.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self, InvalidCertificate> {
        let most_sources = options.limits.sources;
        let inner = Inner {
            documents: Documents::new(options, Arc::clone(&clock))?,
            clock,
            sources: RwLock::default(),
            most_sources,
            versions: AtomicU64::new(0),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Fetches the discovery document of `issuer` and checks that it is one. Nothing is remembered.
    pub async fn discover(&self, issuer: &str) -> Result<(), FetchError> {
        self.inner.documents.discover(issuer).await
    }

    /// Whether `url` is an `http` URL that may be used: of a loopback address among
    /// [`Options::networks`], or of `localhost` if one is.
    pub fn may_be_plain(&self, url: &str) -> bool {
        let network = self.inner.documents.network();
        url.parse().is_ok_and(|url: Uri| network.may_be_plain(&url))
    }

    /// Verifies a token of one of `issuers`, whose keys are at `source`.
    ///
    /// Nothing is fetched for a token of another issuer, and nothing is said about the other claims
    /// before the signature is known to be good.
    pub async fn verify(
        &self,
        source: &KeySource,
        issuers: &[&str],
        token: &str,
    ) -> Result<Verified, TokenError> {
        let token = Token::parse(token)?;
        claims::check_issuer(&token.claims, issuers)?;
        let source = self.inner.source(source);
        let present = self.inner.verify(&source, &token).await?;
        let expires = claims::check_times(&token.claims, self.inner.clock.now())?;
        Ok(Verified {
            claims: token.claims,
            expires,
            keys: KeysVersion(present.version),
        })
    }

    /// Whether `keys` are still the keys at `source`, without waiting for anything. If not, verify
    /// the token again.
    pub fn is_current(&self, source: &KeySource, keys: KeysVersion) -> bool {
        let Some(source) = self.inner.known(source) else {
            return false;
        };
        let now = self.inner.clock.now();
        source.touch(now);
        let start = |landing| {
            // Without a runtime there is nothing to fetch with: the next `verify` does.
            if let Ok(runtime) = Handle::try_current() {
                self.inner.spawn(&runtime, &source, landing);
            }
        };
        matches!(source.plan(now, start), Plan::Use(present) if present.version == keys.0)
    }
}

impl Inner {
    fn known(&self, place: &KeySource) -> Option<Arc<Source>> {
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        sources.get(place).map(Arc::clone)
    }

    fn source(&self, place: &KeySource) -> Arc<Source> {
        let now = self.clock.now();
        if let Some(source) = self.known(place) {
            source.touch(now);
            return source;
        }
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = sources.get(place) {
            return Arc::clone(source);
        }
        if sources.len() >= self.most_sources {
            // Anybody can name a source; those that have given keys are the last to go.
            let worth = |source: &&Arc<Source>| (source.present().is_some(), source.used());
            let oldest = sources.values().min_by_key(worth);
            if let Some(oldest) = oldest.map(|source| source.place.clone()) {
                sources.remove(&oldest);
            }
        }
        let source = Arc::new(Source::new(place.clone(), now));
        sources.insert(place.clone(), Arc::clone(&source));
        source
    }

    /// The keys that verified the signature of `token`.
    ///
    /// A key that is not known, or not under this name, may be newer than the keys that are
    /// remembered: the provider is asked again, if that was not done lately.
    async fn verify(
        self: &Arc<Self>,
        source: &Arc<Source>,
        token: &Token<'_>,
    ) -> Result<Arc<Present>, TokenError> {
        let (present, just_fetched) = self.fresh(source).await?;
        let fault = match present.verify(token) {
            Ok(()) => return Ok(present),
            Err(fault @ (TokenError::UnknownKey | TokenError::Signature)) if !just_fetched => fault,
            Err(fault) => return Err(fault),
        };
        let start = |landing| self.spawn(&Handle::current(), source, landing);
        let outcome = match source.fly_for_another_key(self.clock.now(), start) {
            Ok(flight) => landed(flight).await,
            Err(Refused::Failed(error)) => Err(error),
            Err(Refused::TooSoon) => Ok(()),
        };
        match (outcome, fault) {
            // Without an answer it is not known whether the provider has the key.
            (Err(error), TokenError::UnknownKey) => return Err(error.into()),
            (Err(_), fault) => return Err(fault),
            (Ok(()), _) => {}
        }
        let newer = source
            .present()
            .filter(|newer| newer.version != present.version);
        let newer = newer.ok_or(fault)?;
        newer.verify(token).map(|()| newer)
    }

    /// Keys that may be used, and whether they have just been fetched.
    async fn fresh(
        self: &Arc<Self>,
        source: &Arc<Source>,
    ) -> Result<(Arc<Present>, bool), FetchError> {
        let start = |landing| self.spawn(&Handle::current(), source, landing);
        let (flight, old) = match source.plan(self.clock.now(), start) {
            Plan::Use(present) => return Ok((present, false)),
            Plan::Wait(flight, old) => (flight, old),
            Plan::Fail(error) => return Err(error),
        };
        match (landed(flight).await, old) {
            (Ok(()), old) => match source.present().or(old) {
                Some(present) => Ok((present, true)),
                None => Err(ABANDONED),
            },
            (Err(_), Some(old)) => Ok((old, false)),
            (Err(error), None) => Err(error),
        }
    }

    /// Fetches the keys of `source`, whether or not anybody still waits for them then.
    fn spawn(self: &Arc<Self>, runtime: &Handle, source: &Arc<Source>, landing: Landing) {
        let (inner, source) = (Arc::clone(self), Arc::clone(source));
        runtime.spawn(async move {
            let standing = source.standing();
            let fetched = inner.documents.keys(&source.place, standing).await;
            let version = || inner.versions.fetch_add(1, Ordering::Relaxed);
            source.land(&landing, fetched, inner.clock.now(), version);
        });
    }
}
