//! The keys of a source, remembered, and when they are fetched again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base::Timestamp;
use tokio::sync::watch;

use crate::documents::{FetchedKeys, Standing};
use crate::error::{Document, FetchError, Reason, TokenError};
use crate::keys::KeySet;
use crate::options::KeySource;
use crate::token::Token;

/// How long keys are used beyond their lifetime while their provider cannot be asked.
const GRACE: Duration = Duration::from_secs(24 * 3_600);

/// How long a provider is left alone after a failed fetch: at first, and at most.
const WAIT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Between fetches because of unknown keys.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);

/// The outcome of a fetch whose task ended without one.
pub(crate) const ABANDONED: FetchError = Reason::Abandoned.of(Document::Keys);

/// The keys of a source at some time.
pub(crate) struct Present {
    pub(crate) set: Arc<KeySet>,
    /// Changes when the content of the set does.
    pub(crate) version: u64,
    /// From here on the keys are fetched again ahead of need.
    refresh: Timestamp,
    /// From here on they are not used without asking, unless asking fails.
    stale: Timestamp,
    /// From here on they are not used at all.
    gone: Timestamp,
}

impl Present {
    /// Verifies the signature of `token`.
    pub(crate) fn verify(&self, token: &Token<'_>) -> Result<(), TokenError> {
        let key = self.set.find(token.key_id.as_deref(), token.algorithm)?;
        key.verify(token.algorithm, token.message, &token.signature)
    }
}

/// Gives the outcome of a fetch to all that wait for it.
pub(crate) type Flight = watch::Receiver<Option<Result<(), FetchError>>>;

/// A source, its keys if there are any, and the fetch under way if there is one.
pub(crate) struct Source {
    pub(crate) place: KeySource,
    used: AtomicI64,
    present: ArcSwapOption<Present>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    flight: Option<Flight>,
    failure: Option<Failure>,
    /// When keys were last fetched because one was unknown.
    asked: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Failure {
    error: FetchError,
    wait: Duration,
    /// When the provider may be asked again.
    again: Timestamp,
}

/// What to do about the keys of a source.
pub(crate) enum Plan {
    /// Use these.
    Use(Arc<Present>),
    /// Wait for them. If they do not come, the old ones are still good, if there are any.
    Wait(Flight, Option<Arc<Present>>),
    /// There are none, and the last attempt to fetch them has just failed.
    Fail(FetchError),
}

/// Why a fetch is not begun.
pub(crate) enum Refused {
    /// One has just failed.
    Failed(FetchError),
    /// One has just been made for the same reason.
    TooSoon,
}

impl Source {
    pub(crate) fn new(place: KeySource, now: Timestamp) -> Self {
        Self {
            place,
            used: AtomicI64::new(now.unix_micros()),
            present: ArcSwapOption::empty(),
            state: Mutex::default(),
        }
    }

    /// When the source was last used, in microseconds since the epoch.
    pub(crate) fn used(&self) -> i64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn touch(&self, now: Timestamp) {
        self.used.store(now.unix_micros(), Ordering::Relaxed);
    }

    pub(crate) fn present(&self) -> Option<Arc<Present>> {
        self.present.load_full()
    }

    /// Whether it has given keys, or failed to.
    pub(crate) fn standing(&self) -> Standing {
        if self.present().is_some() {
            Standing::Known
        } else if self.state().failure.is_some() {
            Standing::Ill
        } else {
            Standing::New
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on the keys, and fetches them by `start` if they are needed or soon will be.
    pub(crate) fn plan(&self, now: Timestamp, start: impl FnOnce(Landing)) -> Plan {
        let fresh = |present: &Arc<Present>| now < present.refresh;
        if let Some(present) = self.present().filter(fresh) {
            return Plan::Use(present);
        }
        let mut state = self.state();
        // Looked at again: a fetch may have landed in between.
        let present = self.present().filter(|present| now < present.gone);
        match present {
            Some(present) if fresh(&present) => Plan::Use(present),
            Some(present) if now < present.stale || state.is_down(now) => {
                if state.waiting(now).is_none() {
                    state.fly(start);
                }
                Plan::Use(present)
            }
            Some(present) => Plan::Wait(state.fly(start), Some(present)),
            None => match state.waiting(now) {
                Some(error) => Plan::Fail(error),
                None => Plan::Wait(state.fly(start), None),
            },
        }
    }

    /// Fetches keys by `start` because one is unknown or does not verify, but not too often.
    pub(crate) fn fly_for_another_key(
        &self,
        now: Timestamp,
        start: impl FnOnce(Landing),
    ) -> Result<Flight, Refused> {
        let mut state = self.state();
        if let Some(flight) = state.under_way() {
            return Ok(flight);
        }
        if let Some(error) = state.waiting(now) {
            return Err(Refused::Failed(error));
        }
        let soon = |asked: Timestamp| now < asked.plus(UNKNOWN_KEY_INTERVAL);
        if state.asked.is_some_and(soon) {
            return Err(Refused::TooSoon);
        }
        state.asked = Some(now);
        Ok(state.fly(start))
    }

    /// Takes in what a fetch brought, and tells those who wait.
    pub(crate) fn land(
        &self,
        landing: &Landing,
        fetched: Result<FetchedKeys, FetchError>,
        now: Timestamp,
        next_version: impl FnOnce() -> u64,
    ) {
        let mut state = self.state();
        // A set without a key that can be used verifies nothing: those that are there stay.
        let is_loss = |fetched: &FetchedKeys| {
            fetched.keys.is_empty() && self.present().is_some_and(|old| !old.set.is_empty())
        };
        let fetched = match fetched {
            Ok(fetched) if is_loss(&fetched) => Err(Reason::Form.of(Document::Keys)),
            other => other,
        };
        let outcome = match fetched {
            Ok(fetched) => {
                let present = self.renewed(fetched, now, next_version);
                self.present.store(Some(Arc::new(present)));
                if state.failure.take().is_some() {
                    tracing::info!(keys = ?self.place, "an identity provider is there again");
                }
                Ok(())
            }
            // That says nothing about this source.
            Err(error) if error.reason == Reason::Busy => Err(error),
            Err(error) => {
                tracing::warn!(keys = ?self.place, %error, "no keys of an identity provider");
                let (least, most) = WAIT;
                let wait = state.failure.map_or(least, |last| most.min(last.wait * 2));
                state.failure = Some(Failure {
                    error,
                    wait,
                    again: now.plus(wait),
                });
                Err(error)
            }
        };
        state.flight = None;
        drop(state);
        landing.0.send_replace(Some(outcome));
    }

    fn renewed(
        &self,
        fetched: FetchedKeys,
        now: Timestamp,
        next_version: impl FnOnce() -> u64,
    ) -> Present {
        let old = self.present().filter(|old| *old.set == fetched.keys);
        let (set, version) = match old {
            Some(old) => (Arc::clone(&old.set), old.version),
            None => (Arc::new(fetched.keys), next_version()),
        };
        let stale = now.plus(fetched.lifetime);
        Present {
            set,
            version,
            refresh: now.plus(fetched.lifetime * 4 / 5),
            stale,
            gone: stale.plus(GRACE),
        }
    }
}

impl State {
    /// The last failure, while the provider is left alone because of it.
    fn waiting(&self, now: Timestamp) -> Option<FetchError> {
        let failure = self.failure?;
        (now < failure.again).then_some(failure.error)
    }

    /// Whether the provider could not be asked of late, so that nobody should wait for it.
    fn is_down(&self, now: Timestamp) -> bool {
        let (_, of_late) = WAIT;
        self.failure
            .is_some_and(|failure| now < failure.again.plus(of_late))
    }

    /// The fetch under way, or else one that `start` gets going.
    fn fly(&mut self, start: impl FnOnce(Landing)) -> Flight {
        self.under_way().unwrap_or_else(|| {
            let (landing, flight) = watch::channel(None);
            self.flight = Some(flight.clone());
            start(Landing(landing));
            flight
        })
    }

    fn under_way(&self) -> Option<Flight> {
        let flight = self.flight.as_ref()?;
        // The other end is gone if its task ended without landing.
        flight.has_changed().is_ok().then(|| flight.clone())
    }
}

/// What ends a fetch.
pub(crate) struct Landing(watch::Sender<Option<Result<(), FetchError>>>);

/// Waits for a fetch.
pub(crate) async fn landed(mut flight: Flight) -> Result<(), FetchError> {
    let outcome = flight.wait_for(Option::is_some).await;
    let outcome = outcome.ok().and_then(|outcome| *outcome);
    outcome.unwrap_or(Err(ABANDONED))
}
