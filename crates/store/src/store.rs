use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::memory::Memory;
use crate::sqlite::Sqlite;
use crate::writer::{self, Job, WriteSide};
use crate::{ReadTx, StoreError, WriteTx};

/// How many of the newest revisions the change feed holds, and seldom more.
const FEED_LENGTH: i64 = 100_000;

/// A handle to a store, cheap to clone.
///
/// Dropping the last one finishes the writes that are queued and gives the files back; it waits
/// for that. A server calls [`Store::close`] before, which waits without blocking its thread.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    reads: Reads,
    jobs: Mutex<Option<Sender<Box<dyn Job>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// The read side of the backends.
pub(crate) enum Reads {
    Sqlite(Arc<Sqlite>),
    Memory(Arc<Memory>),
}

impl Store {
    /// Opens the SQLite database at `path`, creating it (readable by its owner only) if it is not
    /// there; its directory must be. Blocks for as long as that takes.
    ///
    /// One process at a time has the database open: a lock on `<path>.lock`, which ends with the
    /// process, sees to that.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NotADatabase`], [`StoreError::SchemaTooNew`] and
    /// [`StoreError::CannotOpen`]; each names the file.
    pub fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::sqlite_with(path, FEED_LENGTH)
    }

    /// Runs `work` over one snapshot of the SQLite database at `path`, on the calling thread and
    /// without the lock: a server may have the database open and goes on undisturbed. The database
    /// must be there.
    ///
    /// # Errors
    /// What `work` returns; as [`Store::sqlite`] but for [`StoreError::InUse`].
    pub fn look<T, E: From<StoreError>>(
        path: &Path,
        work: impl FnOnce(&dyn ReadTx) -> Result<T, E>,
    ) -> Result<T, E> {
        crate::sqlite::look(path, work)
    }

    /// A store in memory that is empty and ends with its last handle.
    pub fn memory() -> Self {
        Self::memory_with(FEED_LENGTH)
    }

    pub(crate) fn sqlite_with(path: &Path, feed_length: i64) -> Result<Self, StoreError> {
        let (reads, writes) = Sqlite::open(path, feed_length)?;
        Self::start(Reads::Sqlite(reads), Box::new(writes)).map_err(|error| {
            StoreError::CannotOpen {
                path: path.to_owned(),
                cause: Arc::new(error),
            }
        })
    }

    pub(crate) fn memory_with(feed_length: i64) -> Self {
        let (reads, writes) = Memory::new(feed_length);
        #[expect(
            clippy::expect_used,
            reason = "as std::thread::spawn: no thread, no program"
        )]
        Self::start(Reads::Memory(reads), Box::new(writes)).expect("a thread can be started")
    }

    pub(crate) fn start(reads: Reads, writes: Box<dyn WriteSide>) -> std::io::Result<Self> {
        let (jobs, queue): (_, Receiver<Box<dyn Job>>) = channel();
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(writes, &queue))?;
        let (jobs, writer) = (Mutex::new(Some(jobs)), Mutex::new(Some(writer)));
        Ok(Self(Arc::new(Inner {
            reads,
            jobs,
            writer,
        })))
    }

    /// Runs `work` on a blocking thread over one snapshot: it sees every write that was answered
    /// before, and none that is committed while it runs. It should be short, since the write-ahead
    /// log cannot be recycled under it.
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::Panicked`] if it panics, [`StoreError::Driver`] and
    /// [`StoreError::Closed`].
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&dyn ReadTx) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || store.read_here(work));
        match done.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(StoreError::Panicked.into()),
            Err(_) => Err(StoreError::Closed.into()),
        }
    }

    /// [`Store::read`] on the calling thread.
    pub(crate) fn read_here<T, E>(
        &self,
        work: impl FnOnce(&dyn ReadTx) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        match &self.0.reads {
            Reads::Sqlite(sqlite) => sqlite.read(work),
            Reads::Memory(memory) => memory.read(work),
        }
    }

    /// Runs `work` on the writer thread, after the writes that were queued before it, and answers
    /// when its changes are durable. Its changes are kept as a whole if it returns `Ok`, and not at
    /// all if it returns `Err` or panics. Once polled, it runs even if the future is dropped.
    ///
    /// It holds every other write up, so it should only read, decide and change.
    ///
    /// # Errors
    /// What `work` returns; [`StoreError::Panicked`], [`StoreError::FailedBefore`],
    /// [`StoreError::NotCommitted`] and [`StoreError::Closed`]. If the disk failed during a commit,
    /// one that was not acknowledged may still be found after a restart, as a whole.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut dyn WriteTx) -> Result<T, E> + Send + 'static,
    {
        let (job, answer) = writer::job(work);
        self.0.enqueue(job)?;
        answer.await.unwrap_or(Err(StoreError::Closed))?
    }

    /// Refuses further writes through any handle, and waits until those that are queued are done
    /// and the database file holds everything. Reads still work. The file itself is given back when
    /// the last handle is dropped.
    pub async fn close(&self) {
        let store = self.clone();
        // An error means that the runtime is going down; the last handle's drop does the rest.
        drop(tokio::task::spawn_blocking(move || store.0.stop()).await);
    }
}

impl Inner {
    fn enqueue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let jobs = lock(&self.jobs);
        jobs.as_ref()
            .and_then(|jobs| jobs.send(job).ok())
            .ok_or(StoreError::Closed)
    }

    /// Whoever calls this second waits as long as the first.
    fn stop(&self) {
        drop(lock(&self.jobs).take());
        let mut writer = lock(&self.writer);
        // A hook may hold the last handle, and a thread cannot wait for itself.
        if let Some(writer) = writer.take_if(|w| w.thread().id() != thread::current().id()) {
            drop(writer.join());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Locks a value that no panic can leave half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
