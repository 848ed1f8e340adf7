//! What the sessions of a database share to settle conflicts between their transactions: who is
//! there to yield, the version of the catalog, and the slots in which transactions go on that have
//! lost their rows.

mod clock;
mod deletions;
mod keys;
mod lanes;
mod shares;
mod slots;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::backends::Backends;
use crate::faults::Faults;
use clock::Clock;
pub(crate) use deletions::{Deleting, Deletions, deleted_from, written_to};
use keys::Known;
pub(crate) use lanes::{Lane, Lanes, Lost};
pub(crate) use shares::{Key, Shares, Sharing};
pub(crate) use slots::Lease;
use slots::Slots;

/// How often those are asked to yield who are in the way of a change of the catalog.
const ASK: Duration = Duration::from_millis(5);

/// What a session is asked for by another that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Yield {
    /// Whether all of the transaction is to go, as the catalog changes under it; otherwise only
    /// what it has written, which it keeps in mind.
    pub(crate) all: bool,
    /// Whether what it runs is to be cancelled: the other has waited for long enough.
    pub(crate) force: bool,
}

/// The conflicts of a database.
pub(crate) struct Conflicts {
    database: String,
    backends: Arc<dyn Backends>,
    /// How long a statement may wait for other transactions, all in all.
    pub(crate) patience: Duration,
    /// By which snapshots are dated.
    pub(crate) clock: Clock,
    /// Where rows have been deleted.
    pub(crate) deletions: Deletions,
    /// Which rows were locked by transactions that are over.
    pub(crate) shares: Shares,
    /// Where transactions queue that contend.
    pub(crate) lanes: Lanes,
    /// By process of the backend.
    parties: Mutex<HashMap<i32, UnboundedSender<Yield>>>,
    version: AtomicU64,
    /// How many transactions that wrote have been committed.
    commits: AtomicU64,
    slots: Mutex<Slots>,
    /// The keys of tables.
    known: Known,
    /// Held while what slots have is made or removed. INVARIANT: who is in a slot does not wait for
    /// it, since who removes waits for the locks of those.
    making: Arc<tokio::sync::RwLock<()>>,
    key: OnceCell<Arc<str>>,
}

impl Conflicts {
    /// Of a database, in which an earlier server may have left slots.
    pub(crate) fn new(database: &str, backends: Arc<dyn Backends>, patience: Duration) -> Self {
        let clock = Clock::default();
        Self {
            database: database.to_owned(),
            backends,
            patience,
            deletions: Deletions::new(clock.clone()),
            shares: Shares::new(clock.clone()),
            clock,
            lanes: Lanes::default(),
            parties: Mutex::default(),
            version: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            slots: Mutex::default(),
            known: Known::default(),
            making: Arc::default(),
            key: OnceCell::new(),
        }
    }

    /// A session takes part, for as long as the answer is held.
    pub(crate) fn join(self: &Arc<Self>, process: i32, secret: i32, injection: Injection) -> Party {
        let (sender, requests) = unbounded_channel();
        self.parties().insert(process, sender);
        Party {
            conflicts: Arc::clone(self),
            process,
            secret,
            injection,
            requests,
        }
    }

    /// How often the catalog has changed since the server started.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The catalog has changed.
    pub(crate) fn catalog_changed(&self) {
        self.known.forget();
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// How many transactions that wrote have been committed.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// A transaction that wrote has been committed.
    pub(crate) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// What the keyed functions of the database want to see.
    pub(crate) async fn key(&self) -> Result<Arc<str>, engine::Error> {
        let ask = async || {
            let key = self.backends.shadow_key(&self.database).await?;
            Ok::<_, engine::Error>(Arc::from(key))
        };
        self.key.get_or_try_init(ask).await.cloned()
    }

    /// A slot that nobody else has, in which these relations are there. The one that a session has
    /// had before is `preferred`: its backend has plans for it.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        relations: &[u32],
        preferred: Option<i32>,
    ) -> Result<Lease, engine::Error> {
        self.clean().await?;
        loop {
            // Not while what slots have is removed.
            drop(self.making.read().await);
            let lease = Lease::new(self, preferred);
            let mut made = true;
            for relation in relations {
                made = made && self.make(*relation, lease.slot).await?;
            }
            if made {
                return Ok(lease);
            }
        }
    }

    /// Has the database make what a slot needs for a relation. Whether it is there: not if the
    /// catalog is about to change, which may wait for the one that asks.
    pub(crate) async fn make(
        self: &Arc<Self>,
        relation: u32,
        slot: i32,
    ) -> Result<bool, engine::Error> {
        if self.slots().has(slot, relation) {
            return Ok(true);
        }
        let Ok(making) = Arc::clone(&self.making).try_read_owned() else {
            return Ok(false);
        };
        let all = Arc::clone(self);
        // To its end, also if the session ends before: what is half made cannot be removed.
        let made = tokio::spawn(async move {
            let _making = making;
            all.slots().making(slot);
            let made = all.backends.shadow_make(&all.database, relation, slot);
            let relations = made.await?;
            all.slots().made(slot, relation, relations);
            Ok(true)
        });
        // A task that has panicked has made nothing that is known of.
        made.await.unwrap_or(Ok(false))
    }

    /// How often what slots have was removed.
    pub(crate) fn generation(&self) -> u64 {
        self.slots().generation
    }

    /// Removes what slots have, before the catalog changes: it would be in the way. Transactions
    /// that go on in one are asked to end first, as they will fail in any case.
    pub(crate) async fn clear(&self) -> Result<(), engine::Error> {
        let _making = self.making.write().await;
        if self.slots().in_use().is_none() {
            return Ok(());
        }
        let mut dropped = pin!(self.backends.shadow_drop(&self.database));
        loop {
            // Again and again: some are not in a position to yield, for a moment.
            for process in self.slots().in_use().into_iter().flatten() {
                let (all, force) = (true, true);
                self.ask(process, Yield { all, force });
            }
            if let Ok(dropped) = tokio::time::timeout(ASK, &mut dropped).await {
                dropped?;
                break;
            }
        }
        self.slots().dropped();
        Ok(())
    }

    /// Removes what an earlier server has left.
    async fn clean(&self) -> Result<(), engine::Error> {
        if self.slots().clean {
            return Ok(());
        }
        let _making = self.making.write().await;
        if !self.slots().clean {
            self.backends.shadow_drop(&self.database).await?;
            self.slots().dropped();
        }
        Ok(())
    }

    /// Whoever the backend waits for is asked to yield.
    pub(crate) async fn displace(&self, process: i32, request: Yield) {
        match self.backends.blockers(&self.database, process).await {
            Ok(blockers) => {
                for blocker in blockers {
                    self.ask(blocker, request);
                }
            }
            Err(error) => tracing::warn!(%error, self.database, "who holds a lock is not known"),
        }
    }

    /// Asks a session to yield.
    pub(crate) fn ask(&self, process: i32, request: Yield) {
        if let Some(party) = self.parties().get(&process) {
            // It may have ended.
            let _told = party.send(request);
        }
    }

    /// Cancels what the backend runs.
    async fn cancel(&self, process: i32, secret: i32) {
        self.backends.cancel(&self.database, process, secret).await;
    }

    fn parties(&self) -> MutexGuard<'_, HashMap<i32, UnboundedSender<Yield>>> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The conflicts that are brought about on purpose in a cluster.
pub(crate) struct Injection {
    /// All there are.
    pub(crate) faults: Arc<Faults>,
    /// The cluster's id.
    pub(crate) cluster: String,
}

/// A session among the others.
pub(crate) struct Party {
    /// What it shares with them.
    pub(crate) conflicts: Arc<Conflicts>,
    /// The process of its backend.
    pub(crate) process: i32,
    secret: i32,
    /// The conflicts that are brought about on purpose.
    pub(crate) injection: Injection,
    /// What others want of it.
    pub(crate) requests: UnboundedReceiver<Yield>,
}

impl Party {
    /// Cancels what the session's own backend runs.
    pub(crate) async fn cancel(&self) {
        self.conflicts.cancel(self.process, self.secret).await;
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        self.conflicts.parties().remove(&self.process);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Databases;

    #[tokio::test]
    async fn who_is_in_a_slot_does_not_wait_for_those_who_remove_slots() {
        let backends = Arc::new(Databases::default());
        let conflicts = Conflicts::new("db", backends, Duration::from_millis(100));
        let conflicts = Arc::new(conflicts);
        let removing = Arc::clone(&conflicts.making).write_owned().await;
        assert!(!conflicts.make(7, 1).await.unwrap());
        drop(removing);
        assert!(conflicts.make(7, 1).await.unwrap());
        conflicts.clear().await.unwrap();
        assert!(conflicts.slots().in_use().is_none(), "all of it is gone");
    }

    #[test]
    fn what_is_being_made_is_to_be_removed() {
        let mut slots = Slots::default();
        slots.dropped();
        assert!(slots.in_use().is_none());
        slots.making(1);
        assert!(slots.in_use().is_some(), "whatever becomes of it");
    }
}
