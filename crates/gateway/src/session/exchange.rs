//! A piece of work that the backend does while the client loop waits: its answer is kept back until
//! it is known whether the client is to see it.

use bytes::BytesMut;

use super::State;
use super::backend::Passage;
use super::own;
use super::pending::Expect;
use crate::conflicts::Yield;

/// An answer that is longer goes to the client as it comes.
const LONGEST: usize = 256 << 10;

/// How many rows of a statement of the gateway's own are kept.
const MOST_ROWS: usize = 100_000;

/// The values of a row.
pub(super) type Row = Vec<Option<Box<str>>>;

/// Whether an error says that a lock is not to be had: whoever holds it may yet roll back. Sources:
/// PostgreSQL's errors for `lock_timeout` and a deadlock.
pub(super) fn is_about_locks(sqlstate: &[u8]) -> bool {
    matches!(sqlstate, b"55P03" | b"40P01")
}

/// Which errors are not for the client, as the gateway knows what to do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// None.
    Never,
    /// That a lock could not be had: nothing has happened yet.
    Locks,
    /// All that another transaction may be the cause of, of what is a transaction by itself and can
    /// be done anew, with a new snapshot.
    Anew,
    /// All that another transaction may be the cause of.
    Conflicts,
}

impl Retry {
    /// Whether it covers a SQLSTATE. Sources: PostgreSQL's errors for locks, for a row that has
    /// changed since the snapshot, and for a key that is taken or missing, perhaps only outside the
    /// snapshot.
    fn covers(self, sqlstate: &[u8]) -> bool {
        match sqlstate {
            _ if is_about_locks(sqlstate) => self != Self::Never,
            b"40001" => matches!(self, Self::Anew | Self::Conflicts),
            b"23505" | b"23503" => self == Self::Conflicts,
            _ => false,
        }
    }
}

/// How a session waits for its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// What is asked of those that it waits for; `None` if it just waits.
    pub(super) displaces: Option<Yield>,
    /// Whether what runs may be cancelled for others.
    pub(super) yields: bool,
}

impl Wait {
    /// For what neither waits for others nor may be disturbed.
    pub(super) const PLAIN: Self = Self {
        displaces: None,
        yields: false,
    };

    /// For what may be cancelled for others.
    pub(super) const YIELDING: Self = Self {
        displaces: None,
        yields: true,
    };

    /// For what must be done, whoever holds locks.
    pub(super) const fn displacing(all: bool, yields: bool) -> Self {
        Self {
            displaces: Some(Yield { all, force: false }),
            yields,
        }
    }
}

/// The work, and what has come of it.
#[derive(Debug)]
pub(super) struct Exchange {
    retry: Retry,
    /// Whether the client gets `ReadyForQuery` when it is over, and when it is over with an error.
    ready: (bool, bool),
    /// Whether its success changes the catalog.
    catalog: bool,
    held: BytesMut,
    released: bool,
    /// The tables that new rows are written to. If rows of them were deleted since the snapshot, the
    /// answer waits for another exchange, which tells what becomes of it.
    written: Vec<Option<String>>,
    /// The answer of the exchange before, which waits for this one: the client gets it if the
    /// first value of this one is `f`.
    deferred: Option<BytesMut>,
    /// The SQLSTATE of an error.
    error: Option<Box<[u8]>>,
    rows: Vec<Row>,
    /// How many of the last columns of rows are kept.
    columns: usize,
    /// Whether there were more rows, or longer ones, than are kept.
    lost: bool,
    over: bool,
}

/// What has come of an exchange.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The SQLSTATE of an error.
    pub(super) error: Option<Box<[u8]>>,
    /// Whether the client has not seen the error, nor anything else.
    pub(super) kept: bool,
    /// The rows, of a statement of the gateway's own.
    pub(super) rows: Vec<Row>,
    /// Whether there were more than are kept.
    pub(super) lost: bool,
    /// The answer, if it waits for another exchange.
    pub(super) deferred: Option<BytesMut>,
}

impl Exchange {
    /// Work of the client's. `ready`: whether it gets `ReadyForQuery` if all is well, and if not.
    pub(super) fn of_client(retry: Retry, ready: (bool, bool), catalog: bool) -> Self {
        Self {
            retry,
            ready,
            catalog,
            held: BytesMut::new(),
            released: false,
            written: Vec::new(),
            deferred: None,
            error: None,
            rows: Vec::new(),
            columns: usize::MAX,
            lost: false,
            over: false,
        }
    }

    /// Work of which the client sees nothing.
    pub(super) fn own() -> Self {
        Self::of_client(Retry::Never, (false, false), false)
    }

    /// The same, of a step of a block that writes new rows to these tables.
    pub(super) fn writing(self, written: Vec<Option<String>>) -> Self {
        Self { written, ..self }
    }

    /// The same, of rows of which the last columns count.
    pub(super) fn keeping(self, columns: usize) -> Self {
        Self { columns, ..self }
    }

    /// Work of the gateway's own that decides on an answer.
    pub(super) fn deciding(deferred: BytesMut) -> Self {
        Self {
            deferred: Some(deferred),
            ..Self::own()
        }
    }

    /// Whether an answer that waits for this may go to the client.
    fn approves(&self) -> bool {
        let first = self.rows.first().and_then(|row| row.first()?.as_ref());
        self.error.is_none() && first.is_some_and(|value| **value == *"f")
    }

    fn is_for_driver(&self) -> bool {
        !self.released
            && self
                .error
                .as_ref()
                .is_some_and(|sqlstate| self.retry.covers(sqlstate))
    }
}

impl State {
    /// What has come of the exchange, when it is over.
    pub(super) fn outcome(&mut self) -> Option<Outcome> {
        let exchange = self.exchange.take_if(|exchange| exchange.over)?;
        Some(Outcome {
            kept: exchange.is_for_driver(),
            error: exchange.error,
            rows: exchange.rows,
            lost: exchange.lost,
            deferred: exchange.deferred,
        })
    }

    /// Takes note of an error. Whether the client is not to see it.
    pub(super) fn exchange_failed(&mut self, sqlstate: &[u8]) -> bool {
        let Some(exchange) = &mut self.exchange else {
            return false;
        };
        let first = exchange.error.is_none();
        exchange.error.get_or_insert_with(|| sqlstate.into());
        first && exchange.is_for_driver()
    }

    /// A row of a statement of the gateway's own.
    pub(super) fn own_row(&mut self, message: &[u8]) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        if exchange.rows.len() >= MOST_ROWS {
            exchange.lost = true;
            return;
        }
        let mut values = own::values(message);
        let first = values.len().saturating_sub(exchange.columns);
        exchange.rows.push(values.split_off(first));
    }

    /// A row of the gateway's own was too long to be read.
    pub(super) fn lose_row(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.lost = true;
        }
    }

    /// Whether the next answer is to a statement of the gateway's own.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.pending.front(), Some(Expect::Own { .. }))
    }

    /// Gives the client what was kept back, as the answer becomes too long to keep.
    pub(super) fn release(&mut self) -> Option<BytesMut> {
        let exchange = self.exchange.as_mut()?;
        if exchange.released || exchange.over {
            return None;
        }
        exchange.released = true;
        Some(std::mem::take(&mut exchange.held))
    }

    /// What becomes of a message that has been decided on, if there is an exchange.
    pub(super) fn exchanged(&mut self, tag: u8, message: &[u8], passage: Passage) -> Passage {
        let idle = self.pending.is_empty();
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| !exchange.over) else {
            return passage;
        };
        if tag == b'Z' && idle {
            return self.over(passage, message);
        }
        if exchange.released {
            return passage;
        }
        match passage {
            Passage::Keep => exchange.held.extend_from_slice(message),
            Passage::Replace(other) => exchange.held.extend_from_slice(&other),
            Passage::Drop => {}
        }
        if tag == b'G' {
            // The client has to go on for it to end.
            exchange.over = true;
            self.changed.notify_one();
            return Passage::Replace(exchange.held.split().freeze());
        }
        if exchange.held.len() > LONGEST {
            exchange.released = true;
            return Passage::Replace(std::mem::take(&mut exchange.held).freeze());
        }
        Passage::Drop
    }

    /// The exchange is over.
    fn over(&mut self, passage: Passage, message: &[u8]) -> Passage {
        let Some(exchange) = &mut self.exchange else {
            return passage;
        };
        exchange.over = true;
        let mut held = std::mem::take(&mut exchange.held);
        let ready = match (&exchange.error, exchange.ready) {
            _ if exchange.is_for_driver() => {
                held.clear();
                false
            }
            (None, (ready, _)) | (Some(_), (_, ready)) => ready,
        };
        let status = message.last().copied();
        let catalog = exchange.catalog && exchange.error.is_none() && status == Some(b'I');
        self.changed.notify_one();
        if ready {
            match passage {
                Passage::Keep => held.extend_from_slice(message),
                Passage::Replace(other) => held.extend_from_slice(&other),
                Passage::Drop => {}
            }
        }
        if catalog && let Some(conflicts) = &self.conflicts {
            conflicts.catalog_changed();
        }
        let doubted = |table: &Option<String>| {
            self.conflicts
                .as_ref()
                .zip(self.block.since)
                .is_some_and(|(all, since)| all.deletions.since(since, table.as_deref()))
        };
        if !exchange.released && exchange.error.is_none() && exchange.written.iter().any(doubted) {
            exchange.deferred = Some(held);
            return Passage::Drop;
        }
        if let Some(deferred) = exchange.deferred.take() {
            if exchange.approves() {
                held.extend_from_slice(&deferred);
            } else {
                exchange.deferred = Some(deferred);
            }
        }
        if held.is_empty() {
            Passage::Drop
        } else {
            Passage::Replace(held.freeze())
        }
    }
}
