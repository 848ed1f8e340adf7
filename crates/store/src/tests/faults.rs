//! What the writer thread does when its backend fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::memory::{Memory, MemoryWriter};
use crate::sqlite::Sqlite;
use crate::store::Reads;
use crate::tx::Rows;
use crate::writer::WriteSide;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Begin,
    Savepoint,
    Release,
    Undo,
    Commit,
}

/// A backend that fails in one step while the switch is on.
struct Faulty {
    inner: MemoryWriter,
    step: Step,
    on: Arc<AtomicBool>,
}

impl Faulty {
    fn check(&self, step: Step) -> Result<()> {
        if step == self.step && self.on.load(Ordering::SeqCst) {
            return Err(StoreError::driver(std::io::Error::other(
                "broken on purpose",
            )));
        }
        Ok(())
    }
}

impl WriteSide for Faulty {
    fn begin(&mut self) -> Result<()> {
        self.check(Step::Begin)?;
        self.inner.begin()
    }

    fn savepoint(&mut self) -> Result<()> {
        self.check(Step::Savepoint)?;
        self.inner.savepoint()
    }

    fn rows(&mut self) -> &mut dyn Rows {
        self.inner.rows()
    }

    fn release(&mut self) -> Result<()> {
        self.check(Step::Release)?;
        self.inner.release()
    }

    fn undo(&mut self) -> Result<()> {
        self.check(Step::Undo)?;
        self.inner.undo()
    }

    fn commit(&mut self) -> Result<()> {
        self.check(Step::Commit)?;
        self.inner.commit()
    }

    fn abort(&mut self) {
        self.inner.abort();
    }

    fn close(&mut self) {}
}

/// A store with one document, and the switch that breaks it.
async fn faulty(step: Step) -> (Store, Arc<AtomicBool>) {
    let (memory, inner) = Memory::new(10);
    let on = Arc::new(AtomicBool::new(false));
    let writes = Box::new(Faulty {
        inner,
        step,
        on: Arc::clone(&on),
    });
    let store = Store::start(Reads::Memory(memory), writes).unwrap();
    insert(&store, "before").await;
    (store, on)
}

/// A job that inserts a document and succeeds or fails by itself, and whose hook must not run.
fn doomed(n: u32, succeeds: bool) -> impl FnOnce(&mut dyn WriteTx) -> Result<()> + Send + 'static {
    move |tx| {
        tx.after_commit(Box::new(|_| std::process::abort()));
        tx.insert(named(&n.to_string()))?;
        if succeeds {
            Ok(())
        } else {
            Err(StoreError::AlreadyExists)
        }
    }
}

async fn check_recovery(store: &Store, step: Step) {
    assert_eq!(insert(store, "after").await.get(), 2, "{step:?}");
    let list = store
        .read(|tx| tx.list("policy", "store", None, 9))
        .await
        .unwrap();
    assert_eq!(ids(&list), ["before", "after"], "{step:?}");
}

#[tokio::test]
async fn a_failed_step_fails_the_batch_and_keeps_nothing_of_it() {
    for step in [Step::Savepoint, Step::Release, Step::Undo, Step::Commit] {
        let (store, on) = faulty(step).await;
        let (release, blocking) = block(&store).await;
        on.store(true, Ordering::SeqCst);
        let mut writes = Vec::new();
        for n in 0..4 {
            // Each job, or the batch with all of them, must come upon the step.
            let succeeds = match step {
                Step::Undo => false,
                Step::Commit => n % 2 == 0,
                Step::Begin | Step::Savepoint | Step::Release => true,
            };
            writes.push(start(&store, doomed(n, succeeds)).await);
        }
        drop(release);
        writes.push(blocking);
        for write in writes {
            let error = write.await.unwrap_err();
            assert!(
                matches!(error, StoreError::NotCommitted(_)),
                "{step:?}: {error:?}"
            );
        }
        on.store(false, Ordering::SeqCst);
        check_recovery(&store, step).await;
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_begin_is_answered() {
    let (store, on) = faulty(Step::Begin).await;
    on.store(true, Ordering::SeqCst);
    for n in 0..4 {
        let error = store.write(doomed(n, n % 2 == 0)).await.unwrap_err();
        assert!(matches!(error, StoreError::NotCommitted(_)), "{error:?}");
    }
    on.store(false, Ordering::SeqCst);
    check_recovery(&store, Step::Begin).await;
}

#[tokio::test]
async fn a_job_cannot_go_on_after_a_failed_statement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path));
    let trigger = "CREATE TRIGGER refusal BEFORE INSERT ON documents WHEN NEW.id = 'refused'
                   BEGIN SELECT RAISE(ABORT, 'on purpose'); END";
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(trigger)
        .unwrap();
    let store = open(&path);

    let work = |tx: &mut dyn WriteTx| {
        tx.insert(named("a"))?;
        assert!(matches!(
            tx.insert(named("refused")),
            Err(StoreError::Driver(_))
        ));
        assert!(matches!(
            tx.count("policy", "store"),
            Err(StoreError::FailedBefore)
        ));
        assert!(matches!(
            tx.insert(named("b")),
            Err(StoreError::FailedBefore)
        ));
        Ok(())
    };
    let (release, blocking) = block(&store).await;
    let before = start(&store, |tx| tx.insert(named("before"))).await;
    let careless = start(&store, work).await;
    let after = start(&store, |tx| tx.insert(named("after"))).await;
    drop(release);
    blocking.await.unwrap();
    assert_eq!(before.await.unwrap().get(), 1);
    assert!(matches!(careless.await, Err(StoreError::FailedBefore)));
    assert_eq!(after.await.unwrap().get(), 2);
    let list = store
        .read(|tx| tx.list("policy", "store", None, 9))
        .await
        .unwrap();
    assert_eq!(ids(&list), ["before", "after"]);
}

/// When the disk is full SQLite rolls back a statement or the whole transaction. Whichever it is,
/// what was acknowledged is there, and nothing else.
#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (reads, writes) = Sqlite::open(&path, 100).unwrap();
    writes.limit_pages(60);
    let store = Store::start(Reads::Sqlite(reads), Box::new(writes)).unwrap();

    let mut acknowledged = Vec::new();
    for round in 0..10 {
        let (release, blocking) = block(&store).await;
        let mut writes = Vec::new();
        for n in 0..10 {
            let id = format!("{round}-{n}");
            let work = move |tx: &mut dyn WriteTx| {
                let body = format!("\"{}\"", "x".repeat(if n == 5 { 50_000 } else { 500 }));
                // A closure that ignores a failure must not get half of its work in.
                drop(tx.insert(document("left", "p", &id, &body)));
                drop(tx.insert(document("right", "p", &id, "{}")));
                Ok(id)
            };
            writes.push(start(&store, work).await);
        }
        drop(release);
        drop(blocking.await);
        for write in writes {
            acknowledged.extend(write.await.ok());
        }
    }
    assert!(
        (10..100).contains(&acknowledged.len()),
        "{}",
        acknowledged.len()
    );
    drop(store);

    let store = open(&path);
    for kind in ["left", "right"] {
        let list = store
            .read(move |tx| tx.list(kind, "p", None, 999))
            .await
            .unwrap();
        assert_eq!(ids(&list), acknowledged, "{kind}");
    }
    assert_eq!(revision(&store).await, acknowledged.len() as i64);
}
