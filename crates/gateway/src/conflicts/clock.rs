//! The order of what the sessions of a database do that others look back at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts; the clones of one count together.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    /// Now, for [`Last::is_since`].
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Something happens.
    pub(super) fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// When something happened last, of what takes a while.
#[derive(Default)]
pub(super) struct Last {
    at: u64,
    /// How many are under way, which may be seen or not.
    running: u32,
}

impl Last {
    /// `running` more are under way, or less.
    pub(super) fn change(&mut self, at: u64, running: i32) {
        self.at = at;
        self.running = self.running.saturating_add_signed(running);
    }

    /// Whether it happened after then, or happens now.
    pub(super) fn is_since(&self, then: u64) -> bool {
        self.at > then || self.running > 0
    }

    /// Whether it happens now.
    pub(super) fn is_running(&self) -> bool {
        self.running > 0
    }
}
