//! Verification against a provider in process.
#![cfg(test)]

mod bad_signatures;
mod bad_tokens;
mod bounds;
mod caching;
mod good_tokens;
mod odd_keys;
mod providers;
mod sharing;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use base::Timestamp;
use jwt::{KeySource, Limits, Options, Providers, TokenError, Verified};
use serde_json::{Value, json};
use testkit::{IdentityProvider, ManualClock, Page};

/// 2026-01-01T00:00:00Z
const NOW: i64 = 1_767_225_600;

const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

/// A provider, and what knows its keys.
struct World {
    provider: IdentityProvider,
    providers: Arc<Providers>,
    clock: ManualClock,
    issuer: String,
    source: KeySource,
}

/// Loopback is allowed, and what is slow fails soon.
fn options() -> Options {
    Options {
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        limits: Limits {
            connect: Duration::from_secs(1),
            fetch: Duration::from_secs(2),
            ..Limits::default()
        },
        ..Options::default()
    }
}

fn impatient() -> Options {
    let mut options = options();
    options.limits.fetch = Duration::from_millis(300);
    options
}

impl World {
    async fn new() -> Self {
        Self::with(options()).await
    }

    async fn with(options: Options) -> Self {
        Self::of(IdentityProvider::start().await, options)
    }

    fn of(provider: IdentityProvider, options: Options) -> Self {
        let clock = ManualClock::new(Timestamp::from_unix_micros(NOW * 1_000_000));
        let providers = Providers::new(options, Arc::new(clock.clone())).unwrap();
        let issuer = provider.issuer();
        Self {
            providers: Arc::new(providers),
            clock,
            source: KeySource::Discovery(issuer.clone()),
            issuer,
            provider,
        }
    }

    /// Claims that are good for a month.
    fn claims(&self) -> Value {
        json!({"iss": self.issuer, "sub": "alice", "exp": NOW + 30 * 24 * 3_600})
    }

    fn token(&self) -> String {
        self.provider.sign("ES256", &self.claims())
    }

    async fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        self.providers
            .verify(&self.source, &[&self.issuer], token)
            .await
    }

    /// Verifies in another task.
    fn verify_aside(&self, token: String) -> tokio::task::JoinHandle<Result<Verified, TokenError>> {
        let (providers, source, issuer) = (
            Arc::clone(&self.providers),
            self.source.clone(),
            self.issuer.clone(),
        );
        tokio::spawn(async move { providers.verify(&source, &[&issuer], &token).await })
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// How often the keys have been fetched.
    fn fetches(&self) -> usize {
        self.provider.fetches(Page::Keys)
    }

    /// Waits for a fetch in the background.
    async fn until_fetched(&self, times: usize) {
        while self.fetches() < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // It has been asked for; now it is taken in.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
