//! The documents of a provider: where its keys are, and the keys.

use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::Connector;
use crate::error::{Document, FetchError, Reason};
use crate::fetch::{Fetched, fetch};
use crate::json;
use crate::keys::KeySet;
use crate::network::Network;
use crate::options::{InvalidCertificate, KeySource, Limits, Options};

const DISCOVERY: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/.well-known/jwks.json";

/// Fetches documents, so many at once.
pub(crate) struct Documents {
    connector: Connector,
    clock: Arc<dyn Clock>,
    limits: Limits,
    /// For key sets, and whatever leads to them, by the standing of the source: those that never
    /// answer cannot take the place of those that did.
    for_known: Semaphore,
    for_new: Semaphore,
    for_ill: Semaphore,
    /// For [`Documents::discover`], so that those who create identity sources cannot take the place
    /// of those who verify tokens.
    for_checks: Semaphore,
}

/// What is known of a source before its keys are fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It has given keys.
    Known,
    /// It was not asked before.
    New,
    /// The last attempt failed, and there are no keys.
    Ill,
}

/// Keys, and for how long they may be used.
pub(crate) struct FetchedKeys {
    pub(crate) keys: KeySet,
    pub(crate) lifetime: Duration,
}

/// The right to fetch, for so long.
struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    until: Instant,
}

/// OpenID Connect Discovery 1.0, section 3: what of it matters here.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

impl Documents {
    pub(crate) fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self, InvalidCertificate> {
        let network = Network::new(options.networks);
        let timeout = options.limits.connect;
        let share = |part: usize| Semaphore::new((options.limits.fetches / part).max(1));
        let (for_known, for_new) = (share(2), share(4));
        let (for_ill, for_checks) = (share(8), share(8));
        Ok(Self {
            connector: Connector::new(network, options.certificates, timeout)?,
            clock,
            for_known,
            for_new,
            for_ill,
            for_checks,
            limits: options.limits,
        })
    }

    pub(crate) fn network(&self) -> &Network {
        self.connector.network()
    }

    /// Checks that an issuer has a discovery document.
    pub(crate) async fn discover(&self, issuer: &str) -> Result<(), FetchError> {
        let turn = self.turn(&self.for_checks, Document::Discovery).await?;
        self.configuration(&turn, issuer, Some(issuer))
            .await
            .map(|_| ())
    }

    /// Fetches the keys that are at `source`.
    pub(crate) async fn keys(
        &self,
        source: &KeySource,
        standing: Standing,
    ) -> Result<FetchedKeys, FetchError> {
        let permits = match standing {
            Standing::Known => &self.for_known,
            Standing::New => &self.for_new,
            Standing::Ill => &self.for_ill,
        };
        match source {
            KeySource::Discovery(url) => {
                let turn = self.turn(permits, Document::Discovery).await?;
                self.discovered(&turn, url, Some(url)).await
            }
            KeySource::WellKnownJwks(url) => {
                let turn = self.turn(permits, Document::Keys).await?;
                match self.key_set(&turn, &format!("{url}{KEYS}")).await {
                    Err(error) if error.reason == Reason::Status(404) => {
                        self.discovered(&turn, url, None).await
                    }
                    other => other,
                }
            }
        }
    }

    /// Waits until a fetch may begin, for as long as one may take.
    async fn turn<'a>(
        &self,
        permits: &'a Semaphore,
        document: Document,
    ) -> Result<Turn<'a>, FetchError> {
        match timeout(self.limits.fetch, permits.acquire()).await {
            Ok(Ok(permit)) => Ok(Turn {
                _permit: permit,
                until: Instant::now() + self.limits.fetch,
            }),
            _ => Err(Reason::Busy.of(document)),
        }
    }

    async fn discovered(
        &self,
        turn: &Turn<'_>,
        url: &str,
        issuer: Option<&str>,
    ) -> Result<FetchedKeys, FetchError> {
        let configuration = self.configuration(turn, url, issuer).await?;
        self.key_set(turn, &configuration.jwks_uri).await
    }

    /// The discovery document below `url`, which must be that of `issuer` if that is given.
    async fn configuration(
        &self,
        turn: &Turn<'_>,
        url: &str,
        issuer: Option<&str>,
    ) -> Result<Configuration, FetchError> {
        let url = discovery_url(url);
        let fetched = self.fetch(turn, &url, self.limits.discovery_bytes);
        let read = |fetched: Fetched| {
            let configuration: Configuration =
                json::document(&fetched.body).map_err(|_| Reason::Form)?;
            self.network().url(&configuration.jwks_uri)?;
            match issuer.is_none_or(|issuer| issuer == configuration.issuer) {
                true => Ok(configuration),
                false => Err(Reason::Issuer),
            }
        };
        fetched
            .await
            .and_then(read)
            .map_err(|reason| reason.of(Document::Discovery))
    }

    async fn key_set(&self, turn: &Turn<'_>, url: &str) -> Result<FetchedKeys, FetchError> {
        let fetched = self.fetch(turn, url, self.limits.keys_bytes).await;
        let read = |fetched: Fetched| {
            Ok(FetchedKeys {
                keys: KeySet::parse(&fetched.body)?,
                lifetime: fetched.lifetime,
            })
        };
        fetched
            .and_then(read)
            .map_err(|reason| reason.of(Document::Keys))
    }

    async fn fetch(&self, turn: &Turn<'_>, url: &str, most: usize) -> Result<Fetched, Reason> {
        let url = self.network().url(url)?;
        let redirects = self.limits.redirects;
        let work = fetch(&self.connector, url, redirects, most, self.clock.now());
        timeout_at(turn.until, work)
            .await
            .unwrap_or(Err(Reason::Timeout))
    }
}

/// OpenID Connect Discovery 1.0, section 4.1: a slash at the end of an issuer is not repeated. The
/// issuers of some providers have one, which is part of their name.
fn discovery_url(issuer: &str) -> String {
    // That of `https://` is not one at the end.
    let bare = issuer.strip_suffix('/').filter(|bare| !bare.ends_with('/'));
    format!("{}{DISCOVERY}", bare.unwrap_or(issuer))
}

#[cfg(test)]
mod tests {
    use super::discovery_url;

    #[test]
    fn discovery_documents_are_below_their_issuers() {
        for (issuer, url) in [
            ("https://a", "https://a/.well-known/openid-configuration"),
            ("https://a/", "https://a/.well-known/openid-configuration"),
            (
                "https://a/b",
                "https://a/b/.well-known/openid-configuration",
            ),
            (
                "https://a/b/",
                "https://a/b/.well-known/openid-configuration",
            ),
            (
                "https://a//",
                "https://a///.well-known/openid-configuration",
            ),
            (
                "https://a?b",
                "https://a?b/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(discovery_url(issuer), url);
        }
    }
}
