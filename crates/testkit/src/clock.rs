use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use base::{Clock, Timestamp};

/// A clock that stands still until a test moves it. The SDK signs with it as well.
///
/// Copies are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.unix_micros())))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("tests do not last for ages");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst))
    }
}

impl TimeSource for ManualClock {
    fn now(&self) -> SystemTime {
        let micros = u64::try_from(self.0.load(Ordering::SeqCst)).expect("a time after 1970");
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }
}
