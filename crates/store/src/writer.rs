//! The writer thread: one per store, the only one that changes anything.
//!
//! A commit costs a wait for the disk, whatever its size. So the jobs that queue up during one
//! commit share the next (group commit): each runs in a savepoint of its own, and they are answered
//! together once the whole batch is durable.

use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;
use std::thread;

use tokio::sync::oneshot;

use crate::tx::{JobTx, Rows};
use crate::{AfterCommit, Revision, StoreError, WriteTx};

/// Bounds how long the first job of a batch waits for the last.
const MAX_BATCH: usize = 128;

/// The write side of a backend, driven by the writer thread: `begin`, then for each job
/// `savepoint`, `rows` and one of `release` and `undo`, then `commit`; after any error `abort`.
pub(crate) trait WriteSide: Send {
    fn begin(&mut self) -> Result<(), StoreError>;
    fn savepoint(&mut self) -> Result<(), StoreError>;
    fn rows(&mut self) -> &mut dyn Rows;
    fn release(&mut self) -> Result<(), StoreError>;
    fn undo(&mut self) -> Result<(), StoreError>;
    /// Trims the change feed, and returns when everything since `begin` is durable.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Forgets everything since `begin`, if there still is such a transaction.
    fn abort(&mut self);
    /// Called once, at the end.
    fn close(&mut self);
}

/// A closure on its way through the writer thread.
pub(crate) trait Job: Send {
    /// Runs the closure; whether its changes are to be kept.
    fn run(&mut self, tx: &mut JobTx<'_>) -> bool;
    /// Replaces the closure's result.
    fn fail(&mut self, error: StoreError);
    fn answer(self: Box<Self>);
}

/// What a job's future gets: the closure's own result, or why there is none.
pub(crate) type Outcome<T, E> = Result<Result<T, E>, StoreError>;

struct Call<F, T, E> {
    work: Option<F>,
    outcome: Option<Outcome<T, E>>,
    reply: oneshot::Sender<Outcome<T, E>>,
}

/// A job that runs `work`, and where its outcome will arrive.
pub(crate) fn job<T, E, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Outcome<T, E>>)
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnOnce(&mut dyn WriteTx) -> Result<T, E> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (
        Box::new(Call {
            work: Some(work),
            outcome: None,
            reply,
        }),
        answer,
    )
}

impl<T, E, F> Job for Call<F, T, E>
where
    T: Send,
    E: Send,
    F: FnOnce(&mut dyn WriteTx) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut JobTx<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // Unwind safe: what the closure leaves half done in `tx` is rolled back.
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)));
        let outcome = match result {
            Ok(Ok(_)) if tx.failed() => Err(StoreError::FailedBefore),
            Ok(result) => Ok(result),
            Err(_) => Err(StoreError::Panicked),
        };
        let keep = matches!(outcome, Ok(Ok(_)));
        self.outcome = Some(outcome);
        keep
    }

    fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        let Self {
            work: _,
            outcome,
            reply,
        } = *self;
        // Nobody listens any more if the future was dropped; the commit stands all the same.
        drop(reply.send(outcome.unwrap_or(Err(StoreError::Closed))));
    }
}

/// The thread's body: serves `queue` until all its senders are gone.
pub(crate) fn run(mut side: Box<dyn WriteSide>, queue: &Receiver<Box<dyn Job>>) {
    let mut several = false;
    while let Ok(first) = queue.recv() {
        let mut batch = Batch::default();
        // Those who were answered together are about to come again, each at its own pace: they get
        // a turn before a commit that would go without them.
        let late = several.then_some(()).into_iter().flat_map(|()| {
            thread::yield_now();
            queue.try_iter()
        });
        let jobs = iter::once(first).chain(queue.try_iter()).chain(late);
        let jobs = jobs.take(MAX_BATCH);
        match batch.run(side.as_mut(), jobs) {
            Ok(()) => batch.publish(),
            Err(error) => {
                tracing::error!(%error, jobs = batch.jobs.len(), "a commit failed");
                side.abort();
                batch.fail(&error);
            }
        }
        several = batch.jobs.len() > 1;
        for job in batch.jobs {
            shielded("an answer", || job.answer());
        }
    }
    side.close();
}

/// Jobs that are committed together.
#[derive(Default)]
struct Batch {
    jobs: Vec<Box<dyn Job>>,
    hooks: Vec<(Revision, AfterCommit)>,
    /// The newest revision, once it was read.
    newest: Option<Revision>,
}

impl Batch {
    /// Runs and commits jobs. After an error those that were taken from `jobs` are in the batch,
    /// and the others still in the queue.
    fn run(
        &mut self,
        side: &mut dyn WriteSide,
        jobs: impl Iterator<Item = Box<dyn Job>>,
    ) -> Result<(), StoreError> {
        for mut job in jobs {
            let done = self.run_job(side, job.as_mut());
            self.jobs.push(job);
            done?;
        }
        side.commit()
    }

    fn run_job(&mut self, side: &mut dyn WriteSide, job: &mut dyn Job) -> Result<(), StoreError> {
        if self.jobs.is_empty() {
            side.begin()?;
        }
        side.savepoint()?;
        let rows = side.rows();
        let seen = self.newest.map_or_else(|| rows.revision(), Ok)?;
        let mut tx = JobTx::new(rows, seen);
        let keep = job.run(&mut tx);
        let (revision, hooks) = tx.into_hooks();
        if !keep {
            self.newest = Some(seen);
            return side.undo();
        }
        self.newest = Some(revision);
        self.hooks
            .extend(hooks.into_iter().map(|hook| (revision, hook)));
        side.release()
    }

    fn publish(&mut self) {
        for (revision, hook) in self.hooks.drain(..) {
            shielded("an after-commit hook", || hook(revision));
        }
    }

    /// Not even the jobs' own errors stand: they may rest on what earlier jobs of the batch wrote.
    fn fail(&mut self, error: &StoreError) {
        for job in &mut self.jobs {
            job.fail(StoreError::NotCommitted(Box::new(error.clone())));
        }
    }
}

/// Keeps the writer thread alive over a panic in code that is not its own.
fn shielded(what: &str, run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        tracing::error!("{what} panicked on the writer thread");
    }
}
