//! What the sessions of a database share to settle conflicts between their transactions: who is
//! there to yield, the version of the catalog, and the slots in which transactions go on that have
//! lost their rows.

mod deletions;
mod lanes;
mod slots;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::backends::Backends;
use crate::faults::Faults;
pub(crate) use deletions::{Deleting, Deletions, deleted_from, written_to};
pub(crate) use lanes::{Lane, Lanes};
pub(crate) use slots::Lease;
use slots::Slots;

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
    /// Where rows have been deleted.
    pub(crate) deletions: Deletions,
    /// Where transactions queue that were overtaken.
    pub(crate) lanes: Lanes,
    /// By process of the backend.
    parties: Mutex<HashMap<i32, UnboundedSender<Yield>>>,
    version: AtomicU64,
    /// How many transactions that wrote have been committed.
    commits: AtomicU64,
    slots: Mutex<Slots>,
    /// Held while what slots have is made or removed.
    making: tokio::sync::RwLock<()>,
    key: OnceCell<Arc<str>>,
}

impl Conflicts {
    /// Of a database, in which an earlier server may have left slots.
    pub(crate) fn new(database: &str, backends: Arc<dyn Backends>, patience: Duration) -> Self {
        Self {
            database: database.to_owned(),
            backends,
            patience,
            deletions: Deletions::default(),
            lanes: Lanes::default(),
            parties: Mutex::default(),
            version: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            slots: Mutex::default(),
            making: tokio::sync::RwLock::default(),
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
        let lease = Lease::new(self, preferred);
        for relation in relations {
            self.make(*relation, lease.slot).await?;
        }
        Ok(lease)
    }

    /// Has the database make what a slot needs for a relation.
    pub(crate) async fn make(&self, relation: u32, slot: i32) -> Result<(), engine::Error> {
        if self.slots().has(slot, relation) {
            return Ok(());
        }
        let _making = self.making.read().await;
        let made = self.backends.shadow_make(&self.database, relation, slot);
        let relations = made.await?;
        self.slots().made(slot, relation, relations);
        Ok(())
    }

    /// How often what slots have was removed.
    pub(crate) fn generation(&self) -> u64 {
        self.slots().generation
    }

    /// The tables that a slot has.
    pub(crate) fn relations(&self, slot: i32) -> Vec<u32> {
        self.slots().relations(slot)
    }

    /// Removes what slots have, before the catalog changes: it would be in the way. Transactions
    /// that go on in one are asked to end first, as they will fail in any case.
    pub(crate) async fn clear(&self) -> Result<(), engine::Error> {
        let _making = self.making.write().await;
        let Some(users) = self.slots().in_use() else {
            return Ok(());
        };
        for process in users {
            self.ask(
                process,
                Yield {
                    all: true,
                    force: true,
                },
            );
        }
        self.backends.shadow_drop(&self.database).await?;
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
