//! The dialect's decisions, remembered per text.

use std::sync::{Arc, OnceLock};

use dialect::{Dialect, Effect, Reply, Script, Statement};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// How many bytes of texts are remembered, with what is known of them.
const CAPACITY: u64 = 16 << 20;
/// Longer texts are read anew: they are bulk inserts, which do not come twice.
const LONGEST: usize = 16 << 10;

/// A text that was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Its statements.
    pub(crate) script: Script,
    /// Whether the backend can have the text as it is.
    pub(crate) passes: bool,
    /// What its statements set by UPDATE, once that has been asked for.
    assigned: OnceLock<Option<Vec<String>>>,
}

impl Reading {
    /// Whether an UPDATE in it may set one of these columns.
    pub(crate) fn assigns(&self, columns: &[String]) -> bool {
        let assigned = self.assigned.get_or_init(|| {
            let all = self.script.statements.iter();
            let all = all.map(|statement| dialect::assigned(&statement.sql));
            Some(all.collect::<Option<Vec<_>>>()?.concat())
        });
        let is_key = |name: &String| columns.contains(name);
        assigned
            .as_ref()
            .is_none_or(|names| names.iter().any(is_key))
    }
}

/// What kind of statement one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What it does to the transaction.
    pub(crate) effect: Effect,
    /// How its answer differs from the backend's.
    pub(crate) reply: Reply,
}

impl Kind {
    /// Of a statement.
    pub(crate) fn of(statement: &Statement) -> Self {
        Self {
            effect: statement.effect,
            reply: statement.reply,
        }
    }
}

/// What a session remembers of a statement that is prepared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    /// Its text; `None` where that is of no use, as conflicts show at the statement.
    pub(crate) reading: Option<Arc<Reading>>,
    /// What kind it is; `None` for an empty text.
    pub(crate) kind: Option<Kind>,
    /// The types of its parameters as in `Parse`: their number, and each.
    pub(crate) types: bytes::Bytes,
}

/// The dialect, and its decisions on the texts that come often.
pub(crate) struct Statements {
    dialect: Dialect,
    readings: Cache<Box<str>, Arc<Reading>, Bytes>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Box<str>, Arc<Reading>> for Bytes {
    fn weight(&self, text: &Box<str>, _: &Arc<Reading>) -> u64 {
        // The text, the parts of it that are its statements, and what surrounds them.
        2 * text.len() as u64 + 256
    }
}

impl Statements {
    /// None remembered yet.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self::remembering(dialect, CAPACITY)
    }

    /// None remembered yet, and never more than so many bytes.
    pub(crate) fn remembering(dialect: Dialect, capacity: u64) -> Self {
        Self {
            dialect,
            readings: Cache::with_weighter(capacity as usize / 512, capacity, Bytes),
        }
    }

    /// What the dialect makes of `text`.
    pub(crate) fn read(&self, text: &str) -> Arc<Reading> {
        if text.len() > LONGEST {
            let read = || Arc::new(self.read_anew(text));
            // It may take a while, in which this thread should not have other sessions wait.
            return if Handle::try_current()
                .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
            {
                block_in_place(read)
            } else {
                read()
            };
        }
        if let Some(reading) = self.readings.get(text) {
            return reading;
        }
        let reading = Arc::new(self.read_anew(text));
        self.readings.insert(text.into(), Arc::clone(&reading));
        reading
    }

    fn read_anew(&self, text: &str) -> Reading {
        let script = self.dialect.read(text);
        let passes = script
            .statements
            .iter()
            .all(|statement| statement.reply == Reply::AsIs && text.contains(&*statement.sql));
        Reading {
            script,
            passes,
            assigned: OnceLock::new(),
        }
    }
}
