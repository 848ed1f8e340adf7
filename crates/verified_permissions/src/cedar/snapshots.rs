//! The snapshots of all policy stores in use: loaded on the first question, then kept current by
//! the writers.
//!
//! Writers publish from the store's after-commit hook, in commit order and before the write is
//! acknowledged, so a reader that starts after an acknowledgement sees the write. A store that is
//! being loaded while others write to it collects their changes and applies those that its
//! loading transaction did not see.
//!
//! A policy store that nobody asks about leaves memory again, and is loaded by the next question.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use frontdoor::Scope;
use store::{ReadTx, Revision, Store, StoreError};
use tokio::sync::OnceCell;

use crate::cedar::compiled_policy::Bodies;
use crate::cedar::depth;
use crate::cedar::snapshot::{Change, Snapshot};
use crate::error::{Error, ResourceType};
use crate::policy_store;
use crate::schema::SchemaCache;
use crate::state::Options;

#[derive(Default)]
struct Cell {
    /// What readers take, once it is loaded.
    current: ArcSwapOption<Snapshot>,
    /// Changes committed since the cell was made, until it is loaded. The lock orders publishing.
    missed: Mutex<Vec<(Revision, Vec<Change>)>>,
    /// One loader at a time.
    load: OnceCell<()>,
    /// Whether anybody asked since this was last looked at.
    asked: AtomicBool,
}

impl Cell {
    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        // Most often it is set, and reading leaves the other cores' caches alone.
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        self.current.load_full()
    }

    /// Takes what was loaded, with the changes that the loading transaction did not see. A loader
    /// that comes second, because the first one's request was given up, changes nothing.
    fn fill(&self, (revision, mut snapshot): (Revision, Snapshot)) -> Result<(), StoreError> {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.current.load().is_some() {
            return Ok(());
        }
        for (at, changes) in missed.drain(..) {
            if at > revision {
                changes
                    .into_iter()
                    .try_for_each(|change| snapshot.apply(change))?;
            }
        }
        self.current.store(Some(Arc::new(snapshot)));
        Ok(())
    }
}

/// The snapshots, by policy store id.
pub(crate) struct Snapshots {
    store: Store,
    schemas: Arc<SchemaCache>,
    bodies: Arc<Bodies>,
    idle_after: Duration,
    cells: ArcSwap<imbl::HashMap<String, Arc<Cell>>>,
}

impl Snapshots {
    pub(crate) fn new(store: Store, schemas: Arc<SchemaCache>, options: &Options) -> Self {
        Self {
            store,
            schemas,
            bodies: Arc::new(Bodies::new(options.compiled_policy_bytes)),
            idle_after: options.policy_store_idle_after,
            cells: ArcSwap::default(),
        }
    }

    /// The current snapshot of a policy store in the world `scope`; ResourceNotFoundException
    /// when it has no such store.
    pub(crate) async fn get(
        self: &Arc<Self>,
        scope: &Scope,
        id: &str,
    ) -> Result<Arc<Snapshot>, Error> {
        if let Some(cell) = self.cells.load().get(id)
            && let Some(snapshot) = cell.snapshot()
        {
            return in_world(snapshot, scope, id);
        }
        let (world, wanted) = (scope.clone(), id.to_owned());
        self.store
            .read(move |tx| policy_store::by_id(tx, &world, &wanted).map(drop))
            .await?;
        let cell = self.cell(id);
        // What has begun goes on if the request is given up: else each repetition of an impatient
        // client would begin anew, beside the others.
        let loading = {
            let (snapshots, cell) = (Arc::clone(self), Arc::clone(&cell));
            let (scope, id) = (scope.clone(), id.to_owned());
            async move {
                let load = || snapshots.load(&cell, &scope, &id);
                let loaded = cell.load.get_or_try_init(load).await;
                if loaded.is_err() {
                    snapshots.forget(&id);
                }
                loaded.copied()
            }
        };
        let loaded = tokio::spawn(loading).await;
        loaded.map_err(|_| StoreError::Panicked)??;
        cell.snapshot()
            .ok_or_else(|| not_found(id))
            .and_then(|found| in_world(found, scope, id))
    }

    async fn load(
        self: &Arc<Self>,
        cell: &Arc<Cell>,
        scope: &Scope,
        id: &str,
    ) -> Result<(), Error> {
        self.drop_when_idle(cell, id);
        let (cell, scope, id) = (Arc::clone(cell), scope.clone(), id.to_owned());
        let (schemas, bodies) = (Arc::clone(&self.schemas), Arc::clone(&self.bodies));
        // INVARIANT: the cell is in the map before this transaction begins, so whatever the
        // transaction does not see, a writer leaves in `missed`.
        let load = move |tx: &dyn ReadTx| {
            let empty = Snapshot::empty(scope, bodies);
            let loaded = depth::for_statements(|| load::snapshot(tx, &schemas, empty, &id))?;
            Ok(cell.fill(loaded)?)
        };
        self.store.read(load).await
    }

    fn cell(&self, policy_store_id: &str) -> Arc<Cell> {
        let fresh = Arc::new(Cell::default());
        let mut found = Arc::clone(&fresh);
        self.cells.rcu(|cells| {
            if let Some(cell) = cells.get(policy_store_id) {
                found = Arc::clone(cell);
                return Arc::clone(cells);
            }
            found = Arc::clone(&fresh);
            Arc::new(cells.update(policy_store_id.to_owned(), Arc::clone(&fresh)))
        });
        found
    }

    /// Makes committed changes visible. Called in commit order, from the after-commit hook.
    pub(crate) fn publish(&self, policy_store_id: &str, revision: Revision, changes: Vec<Change>) {
        let cells = self.cells.load();
        let Some(cell) = cells.get(policy_store_id) else {
            return;
        };
        let mut missed = cell.missed.lock().unwrap_or_else(PoisonError::into_inner);
        match cell.current.load_full() {
            None => missed.push((revision, changes)),
            Some(snapshot) => {
                let mut next = Snapshot::clone(&snapshot);
                let applied = changes
                    .into_iter()
                    .try_for_each(|change| next.apply(change));
                match applied {
                    Ok(()) => cell.current.store(Some(Arc::new(next))),
                    Err(error) => {
                        // Whoever asks next finds out from the records.
                        tracing::error!(%error, "a change cannot be applied to its policy store");
                        drop(missed);
                        self.forget(policy_store_id);
                    }
                }
            }
        }
    }

    /// Forgets a deleted policy store.
    pub(crate) fn forget(&self, policy_store_id: &str) {
        let before = self
            .cells
            .rcu(|cells| Arc::new(cells.without(policy_store_id)));
        let Some(forgotten) = before.get(policy_store_id).cloned() else {
            return;
        };
        drop(before);
        // To free a million policies takes as long as hundreds of writes.
        let free = std::thread::Builder::new().spawn(move || drop(forgotten));
        if let Err(error) = free {
            tracing::debug!(%error, "a policy store was freed without a thread");
        }
    }

    /// Forgets what `cell` holds when nobody has asked for a while.
    fn drop_when_idle(self: &Arc<Self>, cell: &Arc<Cell>, id: &str) {
        let (snapshots, cell) = (Arc::downgrade(self), Arc::downgrade(cell));
        let (id, idle_after) = (id.to_owned(), self.idle_after);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(idle_after).await;
                let (Some(snapshots), Some(cell)) = (snapshots.upgrade(), cell.upgrade()) else {
                    return;
                };
                // What is still being loaded is awaited by somebody.
                if cell.asked.swap(false, Ordering::Relaxed) || cell.current.load().is_none() {
                    continue;
                }
                let cells = snapshots.cells.load();
                if cells.get(&id).is_some_and(|now| Arc::ptr_eq(now, &cell)) {
                    snapshots.forget(&id);
                }
                return;
            }
        });
    }
}

fn not_found(id: &str) -> Error {
    Error::NotFound(ResourceType::PolicyStore, id.to_owned())
}

fn in_world(snapshot: Arc<Snapshot>, scope: &Scope, id: &str) -> Result<Arc<Snapshot>, Error> {
    if snapshot.scope == *scope {
        Ok(snapshot)
    } else {
        Err(not_found(id))
    }
}

/// Building a snapshot from the records.
mod load {
    use std::sync::Arc;

    use store::{ReadRecords, ReadTx, Revision};

    use crate::cedar::snapshot::{Change, Loading, Snapshot};
    use crate::error::Error;
    use crate::identity_source;
    use crate::policy::PolicyRecord;
    use crate::policy_store;
    use crate::policy_template::TemplateRecord;
    use crate::schema::SchemaCache;
    use crate::token::source::TokenSource;

    pub(super) fn snapshot(
        tx: &dyn ReadTx,
        schemas: &SchemaCache,
        mut snapshot: Snapshot,
        policy_store_id: &str,
    ) -> Result<(Revision, Snapshot), Error> {
        policy_store::by_id(tx, &snapshot.scope, policy_store_id)?;
        snapshot.apply(Change::PutSchema(schemas.get(tx, policy_store_id)?))?;
        let source = identity_source::of_policy_store(tx, policy_store_id)?;
        let source = source.map(TokenSource::new).transpose()?;
        snapshot.apply(Change::PutIdentitySource(source))?;
        tx.scan_records::<TemplateRecord, Error>(policy_store_id, |stored| {
            let template = Arc::new(stored.record.compile()?);
            Ok(snapshot.apply(Change::PutTemplate(Arc::from(stored.id), template))?)
        })?;
        let mut loading = Loading::new(snapshot);
        tx.scan_records::<PolicyRecord, Error>(policy_store_id, |stored| {
            Ok(loading.add(stored.id, stored.record.compile()?)?)
        })?;
        Ok((tx.revision()?, loading.finish()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::policy_store::PolicyStoreRecord;

    const ID: &str = "store";

    async fn store_with_a_policy_store(scope: &Scope) -> Store {
        let (store, scope) = (Store::memory(), scope.clone());
        let write = store.write(move |tx| {
            let at = base::Timestamp::from_unix_micros(0);
            let record = PolicyStoreRecord {
                created: at,
                updated: at,
                strict: false,
                description: None,
                deletion_protection: false,
                kms: None,
                tags: Default::default(),
            };
            policy_store::insert(tx, &scope, ID, &record)
        });
        write.await.unwrap();
        store
    }

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test that does not wait for ever"
    )]
    async fn a_policy_store_that_nobody_asks_about_leaves_memory() {
        let scope = Scope {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        let store = store_with_a_policy_store(&scope).await;
        let options = |millis| Options {
            policy_store_idle_after: Duration::from_millis(millis),
            ..Options::default()
        };
        let dropped = Arc::new(Snapshots::new(store.clone(), Arc::default(), &options(10)));
        let kept = Arc::new(Snapshots::new(store, Arc::default(), &options(600_000)));
        for _ in 0..2 {
            dropped.get(&scope, ID).await.unwrap();
            kept.get(&scope, ID).await.unwrap();
            let started = Instant::now();
            while dropped.cells.load().contains_key(ID) {
                assert!(started.elapsed() < Duration::from_secs(30));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(kept.cells.load().contains_key(ID));
        }
    }
}
