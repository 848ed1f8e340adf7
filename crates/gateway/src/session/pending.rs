//! The answers that are outstanding, in the order in which the backend gives them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use dialect::{Effect, Reply, Statement};

use super::failure::Failure;
use super::statements::Reading;

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
        /// The statement's name, when it is new.
        new: Option<Bytes>,
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
    Execute(Option<Arc<Statement>>),
    /// To a `Close`.
    Close,
    /// To a `Sync`.
    Sync,
    /// None: the client has ended its copying here.
    CopyEnd,
    /// To the gateway's own `ROLLBACK`, of which the client sees `ReadyForQuery` only.
    Rollback,
}

impl Expect {
    /// How the answer differs from the backend's, at this point of it.
    pub(super) fn reply(&self) -> Reply {
        match self {
            Self::Query {
                reading, answered, ..
            } => reading
                .as_ref()
                .and_then(|reading| reading.script.statements.get(*answered))
                .map_or(Reply::AsIs, |statement| statement.reply),
            Self::Describe(reply) => *reply,
            Self::Execute(statement) => statement
                .as_ref()
                .map_or(Reply::AsIs, |statement| statement.reply),
            Self::Parse { .. }
            | Self::Refused(_)
            | Self::Bind
            | Self::Close
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback => Reply::AsIs,
        }
    }

    /// Whether it is an answer to DDL.
    pub(super) fn is_ddl(&self) -> bool {
        let statement = match self {
            Self::Query {
                reading, answered, ..
            } => reading
                .as_ref()
                .and_then(|reading| reading.script.statements.get(*answered)),
            Self::Execute(statement) => statement.as_deref(),
            Self::Parse { .. }
            | Self::Refused(_)
            | Self::Bind
            | Self::Describe(_)
            | Self::Close
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback => None,
        };
        statement.is_some_and(|statement| matches!(statement.effect, Effect::Ddl | Effect::Job))
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
            | Self::Close
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback => self.reply() != Reply::AsIs,
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
            | Self::Close
            | Self::Sync
            | Self::CopyEnd
            | Self::Rollback => None,
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
    /// forgets those that were sent too early. Whether the end is still to come.
    pub(super) fn begin_copy(&mut self) -> bool {
        while let Some(next) = self.0.get(1) {
            match next {
                Expect::Sync => self.0.remove(1),
                Expect::CopyEnd => return false,
                Expect::Query { .. }
                | Expect::Parse { .. }
                | Expect::Refused(_)
                | Expect::Bind
                | Expect::Describe(_)
                | Expect::Execute(_)
                | Expect::Close
                | Expect::Rollback => return true,
            };
        }
        true
    }

    /// After an error: forgets what the backend skips. Names of statements that will not come into
    /// being are handed to `forget`. Whether the backend goes on skipping, up to a `Sync` that is
    /// still to come.
    pub(super) fn skip(&mut self, mut forget: impl FnMut(&Bytes)) -> bool {
        match self.front() {
            // It ends with its own `ReadyForQuery`.
            Some(Expect::Query { .. } | Expect::Rollback) | None => return false,
            Some(_) => {}
        }
        while let Some(expect) = self
            .0
            .pop_front_if(|expect| !matches!(expect, Expect::Sync))
        {
            if let Expect::Parse {
                new: Some(name), ..
            } = &expect
            {
                forget(name);
            }
        }
        self.is_empty()
    }
}
