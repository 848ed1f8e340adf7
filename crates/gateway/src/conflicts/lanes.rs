//! Queues for transactions that contend. All of those that wait for one row would be woken by each
//! commit, one by one, and fail again but for one.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout};

/// How long one waits in a queue in which nobody goes on.
const PATIENCE: Duration = Duration::from_millis(20);
/// For how long a session queues after it has lost, or has found others ahead.
const MEMORY: Duration = Duration::from_secs(1);

/// The queues, by what is contended for.
#[derive(Clone, Default)]
pub(crate) struct Lanes(Arc<Mutex<HashMap<u64, Arc<Queue>>>>);

#[derive(Default)]
struct Queue {
    head: Arc<tokio::sync::Mutex<()>>,
    /// How many have left it.
    left: AtomicU64,
    /// Whether the one ahead has had others wait for nothing.
    stale: AtomicBool,
}

/// The head of a queue, for as long as it is held.
pub(crate) struct Lane {
    lanes: Lanes,
    key: u64,
    queue: Arc<Queue>,
    #[expect(dead_code, reason = "it is held to keep others waiting")]
    head: OwnedMutexGuard<()>,
    /// Whether others were ahead.
    pub(crate) waited: bool,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.queue.stale.store(false, Ordering::Relaxed);
        self.queue.left.fetch_add(1, Ordering::Relaxed);
        let mut all = self.lanes.all();
        // This one and the one in the map: nobody waits.
        if Arc::strong_count(&self.queue) <= 2 {
            all.remove(&self.key);
        }
    }
}

impl Lanes {
    /// Waits for its turn to run a statement with this key, for `limit` at most. `always`: also if
    /// nobody is ahead.
    pub(crate) async fn enter(&self, key: u64, always: bool, limit: Duration) -> Option<Lane> {
        let queue = {
            let mut all = self.all();
            if always {
                Arc::clone(all.entry(key).or_default())
            } else {
                Arc::clone(all.get(&key)?)
            }
        };
        let lane = |head, waited| Lane {
            lanes: self.clone(),
            key,
            queue: Arc::clone(&queue),
            head,
            waited,
        };
        if let Ok(head) = Arc::clone(&queue.head).try_lock_owned() {
            return Some(lane(head, false)).filter(|_| always);
        }
        let began = Instant::now();
        let mut turn = pin!(Arc::clone(&queue.head).lock_owned());
        while !queue.stale.load(Ordering::Relaxed) {
            let left = queue.left.load(Ordering::Relaxed);
            let rest = limit.saturating_sub(began.elapsed());
            if let Ok(head) = timeout(PATIENCE.min(rest), &mut turn).await {
                return Some(lane(head, true));
            }
            if queue.left.load(Ordering::Relaxed) == left {
                // Whoever is ahead may never go on.
                queue.stale.store(rest >= PATIENCE, Ordering::Relaxed);
                return None;
            }
            if began.elapsed() >= limit {
                return None;
            }
        }
        None
    }

    fn all(&self) -> MutexGuard<'_, HashMap<u64, Arc<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a transaction of a session has lost to another, by the keys of statements: one that begins
/// in the same way is likely to lose, too, unless it queues before it has a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    /// The first statement of the transaction.
    pub(crate) first: u64,
    /// The statement by which it has lost.
    pub(crate) at: u64,
    when: Instant,
}

impl Lost {
    /// Just now.
    pub(crate) fn now(first: u64, at: u64) -> Self {
        let when = Instant::now();
        Self { first, at, when }
    }

    /// Whether a transaction that begins with this statement had better queue.
    pub(crate) fn foretells(&self, first: u64) -> bool {
        self.first == first && self.when.elapsed() < MEMORY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn those_behind_wait_for_their_turn_but_not_for_ever() {
        const LIMIT: Duration = Duration::from_millis(100);
        let lanes = Lanes::default();
        let enter = |key, always| lanes.enter(key, always, LIMIT);
        assert!(enter(1, false).await.is_none(), "nobody is ahead");
        let first = enter(1, true).await.unwrap();
        assert!(!first.waited);
        assert!(enter(2, true).await.is_some(), "another queue");
        let began = Instant::now();
        assert!(enter(1, true).await.is_none(), "it does not go on");
        assert_eq!(began.elapsed(), PATIENCE);
        assert!(enter(1, true).await.is_none(), "nobody waits for it again");
        assert_eq!(began.elapsed(), PATIENCE);
        drop(first);
        let first = enter(1, true).await.unwrap();
        // One after the other, each of which takes most of the patience.
        let takes = PATIENCE * 3 / 4;
        let leave = async |lane| {
            tokio::time::sleep(takes).await;
            drop(lane);
        };
        let second = async {
            let lane = enter(1, false).await.unwrap();
            assert!(lane.waited);
            leave(lane).await;
        };
        let third = async { enter(1, false).await.is_some() };
        let ((), (), third) = tokio::join!(leave(first), second, third);
        assert!(third, "it was its turn at last");
        // For all that they go on, one does not wait for ever.
        let mut held = enter(1, true).await.unwrap();
        let endless = async {
            loop {
                tokio::time::sleep(takes).await;
                let next = enter(1, true);
                let ((), next) = tokio::join!(async { drop(held) }, next);
                held = next.unwrap();
            }
        };
        let began = Instant::now();
        let late = lanes.enter(1, true, PATIENCE / 2);
        tokio::select! {
            () = endless => {}
            late = late => assert!(late.is_none()),
        }
        assert_eq!(began.elapsed(), PATIENCE / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lost_is_forgotten() {
        let lost = Lost::now(1, 2);
        assert!(lost.foretells(1));
        assert!(!lost.foretells(2));
        tokio::time::advance(MEMORY).await;
        assert!(!lost.foretells(1));
    }
}
