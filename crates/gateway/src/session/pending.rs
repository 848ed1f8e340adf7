//! The answers that are outstanding, in the order in which the backend gives them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use dialect::{Effect, Reply};

use super::failure::Failure;
use super::statements::{Kind, Prepared, Reading};

/// An answer that is outstanding.
#[derive(Debug)]
pub(super) enum Expect {
    /// To a `Query`, up to its `ReadyForQuery`.
    Query {
        /// What was asked; `None` for a text that is not even read.
        reading: Option<Arc<Reading>>,
        /// How many of its statements are answered.
        answered: usize,
        /// The statement that was replaced by one that fails, and the error for the client.
        refused: Option<(usize, Box<Failure>)>,
    },
    /// To a `Parse`.
    Parse {
        /// What its name stood for before.
        before: Before,
        /// Whether the backend got another text than the client sent.
        rewritten: bool,
    },
    /// To a `Parse` that was put in the place of a message, so that the backend fails there.
    Refused(Box<Failure>),
    /// To a `Bind`.
    Bind,
    /// To a `Describe`.
    Describe(Reply),
    /// To an `Execute`.
    Execute(Option<Kind>),
    /// To a `Close`, when of a statement with what its name stood for before.
    Close(Option<Before>),
    /// To a `Sync`.
    Sync,
    /// None: the client has ended its copying here.
    CopyEnd,
    /// To the gateway's own `ROLLBACK`, of which the client sees `ReadyForQuery` only.
    Rollback,
    /// To something of the gateway's own, of which the client sees nothing, up to the first message
    /// with this tag.
    Own {
        /// The tag.
        until: u8,
        /// Whether an error is the client's, as what it has asked for behind this is skipped.
        told: bool,
    },
}

/// The name of a prepared statement, and what it stood for.
pub(super) type Before = (Bytes, Option<Prepared>);

impl Expect {
    /// The answer to a statement of the gateway's own.
    pub(super) fn own(until: u8) -> Self {
        Self::Own { until, told: false }
    }

    /// What a prepared statement's name stood for before this, if this changes that.
    fn before(&mut self) -> Option<&mut Before> {
        match self {
            Self::Parse { before, .. } | Self::Close(Some(before)) => Some(before),
            Self::Query { .. }
            | Self::Refused(_)
            | Self::Bind
            | Self::Describe(_)
            | Self::Execute(_)
            | Self::Close(None)
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback
            | Self::Own { .. } => None,
        }
    }

    /// The statement that the answer is to, at this point of it.
    fn statement(&self) -> Option<Kind> {
        match self {
            Self::Query {
                reading, answered, ..
            } => {
                let statements = reading.as_ref().map(|reading| &reading.script.statements);
                let statement = statements.and_then(|all| all.get(*answered));
                statement.map(Kind::of)
            }
            Self::Execute(kind) => *kind,
            Self::Parse { .. }
            | Self::Refused(_)
            | Self::Bind
            | Self::Describe(_)
            | Self::Close(_)
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback
            | Self::Own { .. } => None,
        }
    }

    /// How the answer differs from the backend's, at this point of it.
    pub(super) fn reply(&self) -> Reply {
        if let Self::Describe(reply) = self {
            return *reply;
        }
        let statement = self.statement();
        statement.map_or(Reply::AsIs, |statement| statement.reply)
    }

    /// Whether it is an answer to DDL.
    pub(super) fn is_ddl(&self) -> bool {
        let effect = self.statement().map(|statement| statement.effect);
        matches!(effect, Some(Effect::Ddl | Effect::Job))
    }

    /// Whether errors are about a text that the client has not sent.
    pub(super) fn rewritten(&self) -> bool {
        match self {
            Self::Query { reading, .. } => !reading.as_ref().is_some_and(|reading| reading.passes),
            Self::Parse { rewritten, .. } => *rewritten,
            Self::Refused(_)
            | Self::Bind
            | Self::Describe(_)
            | Self::Execute(_)
            | Self::Close(_)
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback
            | Self::Own { .. } => self.reply() != Reply::AsIs,
        }
    }

    /// The error that stands for the backend's, whose SQLSTATE is `sqlstate`: if this is the
    /// failure that was brought about, and not one that came before it, as `25P02` does.
    pub(super) fn refusal(&self, sqlstate: &[u8]) -> Option<&Failure> {
        let refused = match self {
            Self::Query {
                answered, refused, ..
            } => {
                let refused = refused.as_ref().filter(|(at, _)| at == answered);
                refused.map(|(_, failure)| failure)
            }
            Self::Refused(failure) => Some(failure),
            Self::Parse { .. }
            | Self::Bind
            | Self::Describe(_)
            | Self::Execute(_)
            | Self::Close(_)
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback
            | Self::Own { .. } => None,
        };
        let refused = refused.filter(|failure| sqlstate == failing_statement(failure).1);
        refused.map(AsRef::as_ref)
    }
}

/// A statement that always fails, and the SQLSTATE it fails with. An error that precedes `25P02`
/// is brought about by a text that cannot be parsed; any other by a name that nothing has, which
/// is found out after PostgreSQL has looked at the state of the transaction.
pub(super) fn failing_statement(failure: &Failure) -> (&'static str, &'static [u8]) {
    if failure.syntax {
        (")", b"42601")
    } else {
        ("SELECT \"refused by the gateway\"", b"42703")
    }
}

/// The queue of them.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<Expect>);

impl Pending {
    pub(super) fn push(&mut self, expect: Expect) {
        self.0.push_back(expect);
    }

    pub(super) fn front(&self) -> Option<&Expect> {
        self.0.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Expect> {
        self.0.front_mut()
    }

    pub(super) fn pop(&mut self) -> Option<Expect> {
        self.0.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the ends of copying at the front, to which there is no answer.
    pub(super) fn pass_copy_ends(&mut self) {
        while self
            .0
            .pop_front_if(|expect| matches!(expect, Expect::CopyEnd))
            .is_some()
        {}
    }

    /// The backend begins to copy from the client, and ignores `Sync` until the client ends that:
    /// forgets those that were sent too early. Any other message ends it as well, and has no answer
    /// of its own. Whether the end is still to come.
    pub(super) fn begin_copy(&mut self, restore: impl FnMut(Before)) -> bool {
        while matches!(self.0.get(1), Some(Expect::Sync)) {
            self.0.remove(1);
        }
        let ended = self.0.len() > 1;
        if !matches!(self.0.get(1), None | Some(Expect::CopyEnd)) {
            self.undo(1..2, restore);
        }
        !ended
    }

    /// After an error in a statement of the gateway's own: forgets those that the backend skips, up
    /// to the last, which ends with `ReadyForQuery`.
    pub(super) fn skip_own(&mut self) {
        let ends = |expect: &Expect| matches!(expect, Expect::Own { until: b'Z', .. });
        while self.0.pop_front_if(|expect| !ends(expect)).is_some() {}
    }

    /// After an error: forgets what the backend skips. What names stood for before is handed to
    /// `restore`. Whether the backend goes on skipping, up to a `Sync` that is still to come.
    pub(super) fn skip(&mut self, restore: impl FnMut(Before)) -> bool {
        match self.front() {
            // It ends with its own `ReadyForQuery`.
            Some(Expect::Query { .. } | Expect::Rollback | Expect::Own { until: b'Z', .. })
            | None => {
                return false;
            }
            Some(_) => {}
        }
        let is_sync = |expect: &Expect| matches!(expect, Expect::Sync);
        let skipped = self.0.iter().position(is_sync).unwrap_or(self.0.len());
        self.undo(0..skipped, restore);
        self.is_empty()
    }

    /// Forgets what does not happen, the latest first.
    fn undo(&mut self, range: Range<usize>, mut restore: impl FnMut(Before)) {
        let undone: Vec<Expect> = self.0.drain(range).collect();
        for mut expect in undone.into_iter().rev() {
            let Some((name, statement)) = expect.before().map(std::mem::take) else {
                continue;
            };
            // What comes later has changed the name already.
            let mut later = self.0.iter_mut().filter_map(Expect::before);
            match later.find(|(other, _)| *other == name) {
                Some(later) => later.1 = statement,
                None => restore((name, statement)),
            }
        }
    }

    /// No prepared statement with a name is left, and nothing brings one back. The names of those
    /// that are being prepared.
    pub(super) fn deallocated(&mut self) -> HashSet<Bytes> {
        let mut coming = HashMap::new();
        for expect in &mut self.0 {
            let prepares = matches!(expect, Expect::Parse { .. });
            if let Some((name, statement)) = expect.before()
                && !name.is_empty()
                && coming.insert(name.clone(), prepares).is_none()
            {
                *statement = None;
            }
        }
        coming.retain(|_, prepares| *prepares);
        coming.into_keys().collect()
    }
}
