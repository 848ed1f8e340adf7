//! Aurora DSQL's dialect of SQL, decided on the text alone: what each statement of a query string
//! is, what the backend runs in its place, and what is refused with which message. Pure.
//!
//! The gateway calls [`Dialect::read`] for the text of every `Query` and `Parse` message and
//! remembers the answer per text. What depends on the state of a transaction (one DDL statement,
//! no DDL with DML, `25P02` first) is the gateway's; what depends on the catalog (a column's type,
//! the number of tables) is enforced by the functions and event triggers of `engine`.

mod depth;
mod edit;
mod facts;
mod fast;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod lex;
mod locking;
mod outline;
mod own_syntax;
mod parse;
mod quote;
mod read;
mod refuse;
mod rules;
mod suffix;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

pub use locking::Locking;
pub use outline::{Outline, Reference, Role, assigned};
pub use rules::{SETTABLE, VERSION};

/// What the dialect is told by the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// What `SHOW server_version` answers. Source: recorded, `16.15`.
    pub server_version: String,
    /// What `SHOW server_version_num` answers. Source: recorded, `160015`.
    pub server_version_num: String,
    /// What follows the names of a cluster's roles in the database, where it shares a server with
    /// other clusters. The names that clients write and are up to 63 bytes with it.
    pub role_suffix: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server_version: "16.15".to_owned(),
            server_version_num: "160015".to_owned(),
            role_suffix: None,
        }
    }
}

/// The rules.
#[derive(Clone, Default, Debug)]
pub struct Dialect {
    options: Options,
}

/// The statements of a query string, in their order; none for an empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The statements.
    pub statements: Vec<Statement>,
}

/// A statement, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What the backend runs: the client's text, or what stands for it. One statement, without
    /// `;` at its end. Meaningless when the statement is refused.
    pub sql: Arc<str>,
    /// What it does to the transaction.
    pub effect: Effect,
    /// How its answer differs from the backend's.
    pub reply: Reply,
    /// Why it must not run. Inside a failed transaction `25P02` comes first, unless the refusal
    /// is a syntax error.
    pub refusal: Option<Refusal>,
    /// What it locks, when it has a `SELECT … FOR UPDATE` or `FOR KEY SHARE` that runs.
    pub locking: Option<Arc<Locking>>,
    /// Whether it is `SET` or `RESET` of a session parameter, or calls `set_config`.
    pub sets: bool,
}

/// What a statement does to the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `BEGIN`, `START TRANSACTION`
    Begin,
    /// `COMMIT`, `END`
    Commit,
    /// `ROLLBACK`, `ABORT`
    Rollback,
    /// Changes no row and no catalog: `SELECT`, `SHOW`, `SET`, `EXPLAIN` of such, `COPY … TO`.
    Read,
    /// DML: `INSERT`, `UPDATE`, `DELETE`, also in a CTE or under `EXPLAIN ANALYZE`, `COPY … FROM`,
    /// `SELECT … FOR UPDATE`.
    Write,
    /// DDL, also `GRANT`, `COMMENT`, `AWS IAM GRANT`.
    Ddl,
    /// DDL that starts an asynchronous job.
    Job,
}

/// How the answer to a statement differs from what the backend sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Not at all.
    AsIs,
    /// The rows are the backend's; this is the command tag.
    Tag(&'static str),
    /// The backend's rows are dropped (for the client the statement returns none); this is the
    /// command tag.
    TagOnly(&'static str),
}

/// An error that the client is told in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The SQLSTATE.
    pub sqlstate: &'static str,
    /// The message.
    pub message: String,
    /// The hint, if there is one.
    pub hint: Option<String>,
    /// Where in the query string, in characters from 1.
    pub position: Option<u32>,
    /// Whether the text could not be parsed: such an error precedes `25P02`.
    pub syntax: bool,
}

impl Dialect {
    /// The rules with these options.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Reads a query string. A text that cannot be parsed is one statement that is refused.
    pub fn read(&self, text: &str) -> Script {
        if text.contains('\0') {
            // No client can send one: the protocol ends texts with it.
            let message = "invalid byte sequence for encoding \"UTF8\": 0x00";
            return refused(text, refuse::syntax("22021", message, None));
        }
        if let Some(statement) = fast::read(text) {
            let statements = vec![statement];
            return Script { statements };
        }
        self.read_in_full(text)
    }

    /// [`Self::read`] without the way around the parser.
    fn read_in_full(&self, text: &str) -> Script {
        match read::statements(text, &self.options, 0) {
            Ok(statements) => Script {
                statements: statements.into_iter().map(Statement::from).collect(),
            },
            Err(refusal) => refused(text, refusal),
        }
    }
}

fn refused(text: &str, refusal: Refusal) -> Script {
    Script {
        statements: vec![Statement {
            sql: text.into(),
            effect: Effect::Read,
            reply: Reply::AsIs,
            refusal: Some(refusal),
            locking: None,
            sets: false,
        }],
    }
}
