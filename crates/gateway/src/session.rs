//! A session: from `ReadyForQuery` to its end.
//!
//! Two loops in one task: [`client`] reads messages of the client, decides on them and hands them
//! to the backend; [`backend`] hands the answers back. What they share is [`State`]: the
//! transaction as the gateway sees it, and the answers that are still expected (`pending`).
//!
//! A statement that is refused is replaced by one that fails in the backend, whose error is then
//! replaced by the refusal's. So whatever follows from a failure (an aborted transaction, the rest
//! of a pipeline skipped up to `Sync`, `25P02` first) is PostgreSQL's own doing.
//!
//! INVARIANT: nothing reaches the backend but messages that [`State::client`] has passed.

mod attempt;
mod backend;
mod block;
mod calls;
mod client;
mod exchange;
mod failure;
mod fields;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod keys;
mod line;
mod notes;
mod own;
mod pending;
mod plan;
mod queue;
mod settle;
mod shadow;
mod statements;
mod strong;
mod transaction;
mod unit;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use block::Block;
use exchange::Exchange;
use failure::Failure;
use pending::Pending;
use statements::Prepared;
pub(crate) use statements::Statements;
use transaction::Transaction;

use crate::conflicts::{Conflicts, Party};

/// How long a client may go on sending after it was told that the session is over.
const LINGER: Duration = Duration::from_secs(2);

/// What a session needs beside its two streams.
pub(crate) struct Rules {
    /// The dialect's decisions on texts.
    pub(crate) statements: Arc<Statements>,
    /// The longest message of a client, in bytes.
    pub(crate) message_limit: usize,
    /// How old a transaction may become.
    pub(crate) transaction_limit: Duration,
    /// How old the session may become.
    pub(crate) session_limit: Duration,
    /// Called when a transaction that changed the catalog has ended.
    pub(crate) catalog_changed: Box<dyn Fn() + Send + Sync>,
}

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Somebody closed the connection.
    Closed,
    /// The client is told why.
    Fatal(Failure),
}

/// Serves a session until one side closes it, it is too old, or `ending` comes. Whether the backend
/// may still be at work on something that nobody waits for. Without a `party` conflicts are the
/// backend's: they show at the statement.
pub(crate) async fn run<C, B>(
    client: C,
    backend: B,
    rules: &Rules,
    party: Option<Party>,
    ending: impl Future<Output = ()>,
) -> bool
where
    C: AsyncRead + AsyncWrite + Send,
    B: AsyncRead + AsyncWrite + Send,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (from_backend, to_backend) = tokio::io::split(backend);
    let conflicts = party.as_ref().map(|party| Arc::clone(&party.conflicts));
    let state = State::new(rules.transaction_limit, conflicts);
    let shared = Shared {
        changed: Arc::clone(&state.changed),
        state: Mutex::new(state),
        rules,
    };
    let mut writing = false;
    let end = tokio::select! {
        end = line::relay(&mut from_client, to_backend, &shared, party) => end,
        end = backend::relay(from_backend, &mut to_client, &shared, &mut writing) => end,
        () = tokio::time::sleep(rules.session_limit) => End::Fatal(Failure::session_too_old()),
        () = ending => End::Fatal(Failure::shutting_down()),
    };
    let busy = !shared.state().pending.is_empty();
    let End::Fatal(failure) = end else {
        let _ = to_client.shutdown().await;
        return busy;
    };
    // In the middle of a message an error would be read as part of it.
    if !writing {
        let _ = to_client.write_all(&failure.message("FATAL")).await;
    }
    let _ = to_client.shutdown().await;
    if failure.is_of_protocol() {
        // A connection that is closed with something unread is reset, and the reset overtakes the
        // error.
        let rest = async { tokio::io::copy(&mut from_client, &mut tokio::io::sink()).await };
        let _ = tokio::time::timeout(LINGER, rest).await;
    }
    busy
}

/// What both directions share.
struct Shared<'a> {
    state: Mutex<State>,
    /// Notified when nothing is pending any more, or an exchange is over.
    changed: Arc<Notify>,
    rules: &'a Rules,
}

impl Shared<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the gateway knows of a session.
struct State {
    transaction: Transaction,
    pending: Pending,
    /// Prepared statements by name; the unnamed one is under the empty name.
    prepared: HashMap<Bytes, Prepared>,
    /// Portals by name.
    portals: HashMap<Bytes, Prepared>,
    /// Whether the transaction must be ended at the next `Sync`: its COMMIT was refused.
    rollback_at_sync: bool,
    /// Whether the backend skips what comes, up to a `Sync` that the client has not sent yet.
    skipping: bool,
    /// Whether the backend copies from the client, which has not ended that yet.
    copying: bool,
    /// What the session shares with the others of its database; `None` where the backend is left
    /// alone with conflicts.
    conflicts: Option<Arc<Conflicts>>,
    block: Block,
    /// Whether the statement that sets the savepoint is prepared.
    saver: bool,
    /// How often a parameter was set that names may depend on.
    settings: u64,
    /// What the client loop waits for.
    exchange: Option<Exchange>,
    changed: Arc<Notify>,
}

impl State {
    fn new(transaction_limit: Duration, conflicts: Option<Arc<Conflicts>>) -> Self {
        Self {
            transaction: Transaction::new(transaction_limit),
            pending: Pending::default(),
            prepared: HashMap::new(),
            portals: HashMap::new(),
            rollback_at_sync: false,
            skipping: false,
            copying: false,
            conflicts,
            block: Block::default(),
            saver: false,
            settings: 0,
            exchange: None,
            changed: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests;
