//! Queues for transactions that were overtaken at their first statement. All of those that wait for
//! one row would be woken by each commit, one by one, and fail again but for one.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many queues there are: statements share them by their texts.
const COUNT: usize = 64;
/// How long one waits in a queue: whoever is ahead may never go on.
const PATIENCE: Duration = Duration::from_millis(20);

/// The queues.
pub(crate) struct Lanes(Vec<Arc<Mutex<()>>>);

/// The head of a queue, for as long as it is held.
pub(crate) struct Lane(
    #[expect(dead_code, reason = "it is held to keep others waiting")] OwnedMutexGuard<()>,
);

impl Default for Lanes {
    fn default() -> Self {
        Self((0..COUNT).map(|_| Arc::default()).collect())
    }
}

impl Lanes {
    /// Waits for its turn to run a statement with this text. `always`: also if nobody is ahead.
    pub(crate) async fn enter(&self, text: &str, always: bool) -> Option<Lane> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
        let lane = self.0.get((hash % COUNT as u64) as usize)?;
        if !always && lane.try_lock().is_ok() {
            return None;
        }
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(lane).lock_owned());
        turn.await.ok().map(Lane)
    }
}
