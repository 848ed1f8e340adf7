//! A transaction block as far as conflicts go: where its statements run, what it has written and
//! locked, and what that has come to.

use std::sync::Arc;
use std::time::Duration;

use engine::Keys;
use tokio::time::Instant;

use super::failure::Failure;
use super::notes::Notes;
use super::statements::Reading;
use crate::conflicts::{Lane, Lease, Sharing, Yield};

/// For how long an error is put down to a cancellation that the gateway has asked for.
const BLAME: Duration = Duration::from_secs(3);
/// How many texts are remembered.
const MOST_TEXTS: usize = 64;
/// How many rows are remembered as locked by reading.
const MOST_LOCKED: usize = 1 << 20;

/// Where the statements of a block run.
#[derive(Default)]
pub(super) enum Ground {
    /// On the tables.
    #[default]
    Tables,
    /// Nowhere yet: another transaction needed a lock, what was written is in the notes only.
    Displaced,
    /// In a slot, on what the transaction would see if it had the tables to itself.
    Shadow(Lease),
}

/// A row that was read to be locked.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Locked {
    /// The table.
    pub(super) relation: u32,
    /// The row's `ctid`.
    pub(super) place: Box<str>,
    /// Whether by FOR UPDATE, which counts as a write.
    pub(super) for_update: bool,
    /// What identifies the row, where that may be asked for.
    pub(super) key: Option<Box<str>>,
}

/// The state of the block, or of none.
pub(super) struct Block {
    /// The status in the backend's last `ReadyForQuery`.
    pub(super) status: u8,
    pub(super) ground: Ground,
    /// Whether the savepoint is there.
    pub(super) savepoint: bool,
    /// Whether the block cannot be committed, as another transaction was first.
    pub(super) doomed: bool,
    /// Whether what it has written and locked is done on the tables, and only COMMIT is left.
    pub(super) settled: bool,
    /// Whether it had to go altogether, as the catalog has changed.
    pub(super) expelled: bool,
    /// Whether it was to go so when it could not.
    pub(super) unwanted: bool,
    /// Whether rows are locked of which the gateway does not know.
    pub(super) untraceable: bool,
    pub(super) notes: Notes,
    pub(super) locked: Vec<Locked>,
    /// Its snapshot as PostgreSQL writes it, if it was asked for.
    pub(super) snapshot: Option<Box<str>>,
    /// Its weak locks, while it is being committed.
    pub(super) sharing: Option<Sharing>,
    /// Settings since the savepoint, which end with it.
    pub(super) settings: Vec<Arc<str>>,
    /// When its snapshot was taken, by the clock of its database; `None` before.
    pub(super) since: Option<u64>,
    /// The text that began it.
    pub(super) begun: Option<Arc<str>>,
    /// The key of its first statement.
    pub(super) first: u64,
    /// The key of what it has written last.
    pub(super) wrote: Option<u64>,
    /// Its turn, if it has queued.
    pub(super) lane: Option<Lane>,
    /// The texts of its writes, up to a number.
    texts: Vec<Arc<Reading>>,
    /// Where it has deleted rows; `None` is not plain where.
    pub(super) deleted: Vec<Option<String>>,
    /// The tables that it has written, as `schema.name`, while faults are injected.
    pub(super) tables: Vec<String>,
    /// When the gateway last asked for what runs to be cancelled, and for what.
    cancelled: Option<(Instant, Yield)>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            status: b'I',
            ground: Ground::default(),
            savepoint: false,
            doomed: false,
            settled: false,
            expelled: false,
            unwanted: false,
            untraceable: false,
            notes: Notes::default(),
            locked: Vec::new(),
            snapshot: None,
            sharing: None,
            settings: Vec::new(),
            since: None,
            begun: None,
            first: 0,
            wrote: None,
            lane: None,
            texts: Vec::new(),
            deleted: Vec::new(),
            tables: Vec::new(),
            cancelled: None,
        }
    }
}

impl Block {
    /// Whether the backend is in a block that has not failed.
    pub(super) fn is_open(&self) -> bool {
        self.status == b'T'
    }

    /// Whether statements run on the tables, as they do where nothing has conflicted.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.ground, Ground::Tables) && !self.expelled
    }

    /// Whether something is to be done before COMMIT.
    pub(super) fn is_unsettled(&self) -> bool {
        !self.is_plain() || !self.locked.is_empty()
    }

    /// The transaction has ended.
    pub(super) fn end(&mut self) {
        self.since = None;
        self.begun = None;
        self.wrote = None;
        self.lane = None;
        self.texts.clear();
        if !self.savepoint && self.is_plain() && self.cancelled.is_none() {
            return;
        }
        let cancelled = self.cancelled.take_if(|(at, _)| at.elapsed() < BLAME);
        *self = Self {
            cancelled,
            ..Self::default()
        };
    }

    /// Takes a note of a row that was changed.
    pub(super) fn note(&mut self, message: &[u8], detail: &[u8]) {
        if self.savepoint && matches!(self.ground, Ground::Tables) {
            self.notes.take(message, detail);
        }
    }

    /// Remembers a text that writes.
    pub(super) fn writes(&mut self, text: &Arc<Reading>) {
        let known = self.texts.iter().any(|known| Arc::ptr_eq(known, text));
        if !known && self.texts.len() <= MOST_TEXTS {
            self.texts.push(Arc::clone(text));
        }
    }

    /// Whether an UPDATE may have changed a key of a table, without PostgreSQL having looked for rows
    /// that refer to it.
    pub(super) fn may_change(&self, keys: &Keys) -> bool {
        let assigns = |columns: &Vec<String>| {
            self.texts.len() > MOST_TEXTS || self.texts.iter().any(|text| text.assigns(columns))
        };
        keys.referenced && keys.several && keys.columns.as_ref().is_none_or(assigns)
    }

    /// Remembers a locked row.
    pub(super) fn lock(&mut self, locked: Locked) {
        if self.locked.len() < MOST_LOCKED {
            self.locked.push(locked);
        } else {
            self.untraceable = true;
        }
    }

    /// What was written is undone in the backend.
    pub(super) fn displaced(&mut self) {
        self.ground = Ground::Displaced;
        self.doomed |= self.untraceable || self.notes.are_lost();
        if self.locked.is_empty() {
            return;
        }
        // A row that was changed before it was locked is where it had been.
        let origins = self.notes.origins();
        self.locked.retain_mut(|locked| {
            match origins.get(&(locked.relation, locked.place.clone())) {
                Some(Some(origin)) => locked.place.clone_from(origin),
                Some(None) => return false,
                None => {}
            }
            true
        });
    }

    /// The gateway asks for what runs to be cancelled.
    pub(super) fn cancels(&mut self, request: Yield) {
        self.cancelled = Some((Instant::now(), request));
    }

    /// Whether a cancellation is the gateway's doing.
    pub(super) fn takes_blame(&self) -> bool {
        self.cancelled.is_some_and(|(at, _)| at.elapsed() < BLAME)
    }

    /// What the client is told of such a cancellation.
    pub(super) fn blamed(&self) -> Failure {
        match self.cancelled {
            Some((_, Yield { all: true, .. })) => Failure::catalog_conflict(),
            Some(_) | None => Failure::conflict(),
        }
    }
}
