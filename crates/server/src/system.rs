//! The machine's clock and randomness: the only place that asks for them.

use std::time::{SystemTime, UNIX_EPOCH};

use base::{Clock, Entropy, Timestamp};

/// The clock of the operating system.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes"
    )]
    fn now(&self) -> Timestamp {
        // A clock that stands before 1970 refuses every signature either way.
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_micros(0).plus(since)
    }
}

/// The random number generator of the operating system.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source that everything else takes"
    )]
    #[expect(
        clippy::expect_used,
        reason = "an id or a key that is not random must never be given out"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// How many connections may be open at once: as many as there are file descriptors for, after
/// asking for as many as the operator allows, and without those that files and the database need.
pub(crate) fn most_connections() -> usize {
    const MOST: u64 = 10_000;
    const OTHERS: u64 = 64;
    let descriptors = rlimit::increase_nofile_limit(MOST + OTHERS).unwrap_or(256);
    usize::try_from(descriptors.saturating_sub(OTHERS).clamp(8, MOST)).unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_past_the_year_2025() {
        assert!(SystemClock.now() > Timestamp::parse_iso8601("2025-01-01T00:00:00Z").unwrap());
    }

    #[test]
    fn random_bytes_differ() {
        let bytes = || {
            let mut bytes = [0; 32];
            SystemEntropy.fill(&mut bytes);
            bytes
        };
        assert_ne!(bytes(), bytes());
    }
}
