//! Messages of a client that belong together, and what is to be known of them before it is decided
//! how they are done.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use dialect::{Effect, Statement};

use super::attempt::Instead;
use super::client::Said;
use super::line::leaves_locks;
use super::statements::{Prepared, Reading};
use super::{Rules, State, own};
use crate::frames::{Body, Malformed};

/// Messages that come together.
pub(super) enum Unit {
    /// A `Query`.
    Query {
        message: Bytes,
        reading: Arc<Reading>,
    },
    /// A `Query` that is not text.
    Unreadable(Bytes),
    /// Messages of the extended protocol, up to `Sync` or `Flush`.
    Messages(Vec<Bytes>),
}

/// What is to be known of a unit before it is decided how it is done.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Whether there are any statements.
    any: bool,
    /// Whether a block begins, before anything leaves locks.
    pub(super) begins: bool,
    /// Whether a statement leaves locks.
    locks: bool,
    /// Whether one is a COMMIT.
    commits: bool,
    /// Whether one sets a parameter.
    sets: bool,
    /// The key of the first that takes a snapshot.
    pub(super) first: Option<u64>,
}

/// What tells statements apart that contend for different rows.
pub(super) fn key(statement: &Statement, bind: Option<&Bytes>) -> u64 {
    let parameters = bind.and_then(own::parameters);
    BuildHasherDefault::<DefaultHasher>::default().hash_one((&statement.sql, parameters))
}

impl Summary {
    fn add(&mut self, statement: &Statement, bind: Option<&Bytes>, first: bool) {
        self.any = true;
        let control = matches!(
            statement.effect,
            Effect::Begin | Effect::Commit | Effect::Rollback
        );
        if first && !control && self.first.is_none() {
            self.first = Some(key(statement, bind));
        }
        self.begins |= statement.effect == Effect::Begin && !self.locks;
        if statement.refusal.is_none() {
            self.locks |= leaves_locks(statement.effect);
        }
        self.commits |= statement.effect == Effect::Commit;
        self.sets |= statement.sets;
    }
}

/// A part of a unit, with one statement of a block, or all that is done outside of one.
pub(super) enum Step {
    Query {
        message: Bytes,
        reading: Arc<Reading>,
        range: Range<usize>,
    },
    Messages(Vec<Bytes>),
}

impl Step {
    /// Whether all that its statement depends on is in it: a portal that was bound before does not
    /// outlast what is undone.
    pub(super) fn can_be_repeated(&self, nature: &Nature) -> bool {
        match self {
            Self::Query { .. } => true,
            Self::Messages(_) => nature.bind.is_some() || nature.statements.is_empty(),
        }
    }
}

/// In which words to ask for all of a `Query`.
pub(super) fn said<'m>(reading: &Reading, message: &'m Bytes) -> Said<'m> {
    if reading.passes {
        Said::Whole(message)
    } else {
        Said::Texts
    }
}

impl Unit {
    /// Of a `Query` message.
    pub(super) fn of_query(message: Bytes, rules: &Rules) -> Result<Self, Malformed> {
        let text = Body::of(message.clone()).string()?;
        Ok(match std::str::from_utf8(&text) {
            Ok(text) => {
                let reading = rules.statements.read(text);
                Self::Query { message, reading }
            }
            Err(_) => Self::Unreadable(message),
        })
    }

    /// What is in it. Of messages that are malformed or name nothing it is no matter.
    pub(super) fn summary(&self, state: &State, rules: &Rules) -> Summary {
        let mut summary = Summary::default();
        match self {
            Self::Unreadable(_) => {}
            Self::Query { reading, .. } => {
                let first = state.block.since.is_none();
                for statement in &reading.script.statements {
                    summary.add(statement, None, first);
                }
            }
            Self::Messages(messages) => summary = state.summary(messages, rules),
        }
        summary
    }

    /// Its steps: `apart` if each statement is one.
    pub(super) fn steps(self, apart: bool) -> Vec<Step> {
        match self {
            Self::Unreadable(message) => vec![Step::Messages(vec![message])],
            Self::Query { message, reading } => {
                let statements = &reading.script.statements;
                let count = statements.len();
                // What follows a COPY is for the backend, which goes on when the client has copied.
                let copies = statements.iter().position(copies_in);
                let apart = if apart { copies.unwrap_or(count) } else { 0 };
                let mut ranges: Vec<_> = (0..apart).map(|at| at..at + 1).collect();
                if apart < count || count == 0 {
                    ranges.push(apart..count);
                }
                let step = |range| Step::Query {
                    message: message.clone(),
                    reading: Arc::clone(&reading),
                    range,
                };
                ranges.into_iter().map(step).collect()
            }
            Self::Messages(messages) if apart => {
                let mut steps = Vec::new();
                let mut rest = messages.as_slice();
                while let Some(at) = rest.iter().position(|message| tag(message) == b'E') {
                    let more = rest.iter().skip(at + 1);
                    let has_more = more.clone().any(|message| tag(message) == b'E');
                    let end = if has_more { at + 1 } else { rest.len() };
                    let (step, after) = rest.split_at_checked(end).unwrap_or_default();
                    steps.push(Step::Messages(step.to_vec()));
                    rest = after;
                }
                if !rest.is_empty() {
                    steps.push(Step::Messages(rest.to_vec()));
                }
                steps
            }
            Self::Messages(messages) => vec![Step::Messages(messages)],
        }
    }

    /// Whether the client gets `ReadyForQuery` at its end.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Query { .. } | Self::Unreadable(_) => true,
            Self::Messages(messages) => messages.last().is_some_and(|last| tag(last) == b'S'),
        }
    }
}

/// Whether the client has to send something for a statement to end.
fn copies_in(statement: &Statement) -> bool {
    let word = statement.sql.split_ascii_whitespace().next();
    statement.effect == Effect::Write && word.is_some_and(|word| word.eq_ignore_ascii_case("copy"))
}

/// The tag of a message.
pub(super) fn tag(message: &Bytes) -> u8 {
    message.first().copied().unwrap_or_default()
}

/// What is to be known of a step.
#[derive(Default)]
pub(super) struct Nature {
    /// The statements.
    pub(super) statements: Vec<(Arc<Reading>, usize)>,
    /// The types of the parameters, of a statement that was prepared.
    pub(super) types: Bytes,
    /// The `Bind` of the last statement.
    pub(super) bind: Option<Bytes>,
}

impl Nature {
    /// The key of the statement, if there is just one.
    pub(super) fn key(&self) -> Option<u64> {
        let statement = self.statement()?;
        Some(key(statement, self.bind.as_ref()))
    }

    /// A text in the place of the statement's.
    pub(super) fn instead<'a>(&'a self, text: &'a str) -> Instead<'a> {
        Instead {
            text,
            types: &self.types,
            bind: self.bind.as_ref(),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter_map(|(reading, at)| reading.script.statements.get(*at))
    }

    /// The statement, if there is just one.
    pub(super) fn statement(&self) -> Option<&Statement> {
        let mut all = self.all();
        all.next().filter(|_| all.next().is_none())
    }

    pub(super) fn has(&self, effects: &[Effect]) -> bool {
        self.all()
            .any(|statement| statement.refusal.is_none() && effects.contains(&statement.effect))
    }
}

impl State {
    /// What is in messages of the extended protocol.
    pub(super) fn summary(&self, messages: &[Bytes], rules: &Rules) -> Summary {
        let mut summary = Summary::default();
        let nature = self.executed(messages, rules);
        let first = self.block.since.is_none();
        let bind = nature.bind.as_ref();
        nature
            .all()
            .for_each(|statement| summary.add(statement, bind, first));
        summary
    }

    /// Whether the block cannot go on, as the catalog has changed since it began.
    pub(super) fn is_outdated(&self) -> bool {
        let now = self.conflicts.as_ref().map(|conflicts| conflicts.version());
        self.block.expelled || now.is_some_and(|now| self.transaction.is_older_than(now))
    }

    /// Whether a unit cannot just be passed.
    pub(super) fn needs_care(&self, summary: &Summary, faults: bool) -> bool {
        let in_block = self.transaction.is_block();
        summary.locks
            || faults && summary.any
            || summary.any && in_block && !self.block.is_plain()
            || summary.sets && self.block.savepoint
            || summary.commits
                && (self.block.is_unsettled()
                    || self.transaction.ddl
                    || !self.block.deleted.is_empty()
                    || self.is_doubtful())
    }

    /// What is in a step, which is the next thing to be done.
    pub(super) fn nature(&self, step: &Step, rules: &Rules) -> Nature {
        match step {
            Step::Query { reading, range, .. } => {
                let of = |at| (Arc::clone(reading), at);
                Nature {
                    statements: range.clone().map(of).collect(),
                    ..Nature::default()
                }
            }
            Step::Messages(messages) => self.executed(messages, rules),
        }
    }

    /// What messages of the extended protocol execute, the last with its parameters.
    fn executed(&self, messages: &[Bytes], rules: &Rules) -> Nature {
        let mut nature = Nature::default();
        let mut prepared: HashMap<Bytes, Prepared> = HashMap::new();
        let mut portals: HashMap<Bytes, (Prepared, &Bytes)> = HashMap::new();
        for message in messages {
            let mut body = Body::of(message.clone());
            let Ok(first) = body.string() else { continue };
            match tag(message) {
                b'P' => {
                    let Ok(text) = body.string() else { continue };
                    let text = std::str::from_utf8(&text).ok();
                    let known = Prepared {
                        reading: text.map(|text| rules.statements.read(text)),
                        kind: None,
                        types: body.0,
                    };
                    prepared.insert(first, known);
                }
                b'B' => {
                    let Ok(name) = body.string() else { continue };
                    let known = prepared.get(&name).or_else(|| self.prepared.get(&name));
                    if let Some(known) = known {
                        portals.insert(first, (known.clone(), message));
                    }
                }
                b'E' => {
                    let here = portals.get(&first);
                    nature.bind = here.map(|(_, bind)| Bytes::clone(bind));
                    let known = here.map(|(known, _)| known);
                    if let Some(known) = known.or_else(|| self.portals.get(&first)) {
                        nature.types = known.types.clone();
                        let reading = known.reading.clone();
                        nature
                            .statements
                            .extend(reading.map(|reading| (reading, 0)));
                    }
                }
                _ => {}
            }
        }
        nature
    }
}
