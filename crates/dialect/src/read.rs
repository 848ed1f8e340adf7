//! A query string, read in full.

use std::sync::Arc;

use pg_query::protobuf::RawStmt;

use crate::locking::{self, Locking};
use crate::own_syntax::{self, Mapping, Plain};
use crate::rules::{self, Judgement, Scope};
use crate::suffix::Written;
use crate::{Effect, Options, Refusal, Reply, Statement, depth, facts, parse, refuse};

/// A statement, and whether it was written anew.
pub(crate) struct Read {
    at: usize,
    pub(crate) sql: String,
    pub(crate) effect: Effect,
    pub(crate) reply: Reply,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) rewritten: bool,
    pub(crate) locking: Option<Locking>,
    pub(crate) sets: bool,
}

impl Read {
    fn plain(at: usize, sql: String, effect: Effect, reply: Reply) -> Self {
        Self {
            at,
            sql,
            effect,
            reply,
            refusal: None,
            rewritten: false,
            locking: None,
            sets: false,
        }
    }
}

impl From<Read> for Statement {
    fn from(read: Read) -> Self {
        Self {
            sql: read.sql.into(),
            effect: read.effect,
            reply: read.reply,
            refusal: read.refusal,
            locking: read.locking.map(Arc::new),
            sets: read.sets,
        }
    }
}

/// Reads a text that stands in `nesting` bodies of functions.
///
/// # Errors
/// It cannot be parsed.
pub(crate) fn statements(text: &str, options: &Options, nesting: u8) -> Result<Vec<Read>, Refusal> {
    if parse::is_empty(text) {
        return Ok(Vec::new());
    }
    let plain = own_syntax::blank(text);
    let source = Source {
        text: plain.text.as_deref().unwrap_or(text),
        plain: &plain,
        options,
        nesting,
    };
    let read = depth::with_stack(source.text, || {
        let statements = parse::statements(source.text)?;
        // What cannot be read at all must not run.
        statements
            .iter()
            .map(|raw| source.judge(raw).ok_or_else(too_deep))
            .collect::<Result<Vec<Read>, Refusal>>()
    });
    let mut read = read.unwrap_or_else(|| Err(too_deep()))?;
    for (at, mapping) in plain.mappings {
        read.push(own(at, mapping)?);
    }
    read.sort_by_key(|read| read.at);
    Ok(read)
}

fn too_deep() -> Refusal {
    refuse::syntax("54001", "stack depth limit exceeded", None)
}

/// The statement that was made blank at `at`.
fn own(at: usize, mapping: Result<Mapping, Refusal>) -> Result<Read, Refusal> {
    match mapping {
        Ok(mapping) => Ok(Read {
            rewritten: true,
            ..Read::plain(at, mapping.sql, mapping.effect, mapping.reply)
        }),
        Err(refusal) if refusal.syntax => Err(refusal),
        Err(refusal) => Ok(Read {
            refusal: Some(refusal),
            rewritten: true,
            ..Read::plain(at, String::new(), Effect::Ddl, Reply::AsIs)
        }),
    }
}

/// One statement of `text`, whose syntax is all PostgreSQL's.
struct Source<'s> {
    text: &'s str,
    plain: &'s Plain,
    options: &'s Options,
    nesting: u8,
}

impl Source<'_> {
    fn judge(&self, raw: &RawStmt) -> Option<Read> {
        let node = parse::node(raw)?;
        let (start, end) = parse::span(self.text, raw)?;
        let text = self.text.get(start..end)?;
        let facts = facts::facts(node);
        let mut words = self.plain.asynchronous.iter();
        let scope = Scope {
            options: self.options,
            facts: &facts,
            text,
            asynchronous: words.any(|word| (start..end).contains(word)),
            nesting: self.nesting,
        };
        let written = Written {
            node,
            facts: &facts,
            text,
            at: start,
        };
        let judged = rules::judge(node, &scope);
        Some(match judged.and_then(|it| self.suffixed(it, &written)) {
            Ok(judgement) => Read {
                locking: locking::of(&judgement, &written),
                sets: facts.sets(),
                ..accepted(start, text, judgement)
            },
            Err(refusal) => Read {
                refusal: Some(refusal),
                ..Read::plain(start, text.to_owned(), Effect::Read, Reply::AsIs)
            },
        })
    }
}

impl Source<'_> {
    /// A statement that stands for another names roles only as texts for the database, which
    /// knows the suffix.
    fn suffixed(&self, judgement: Judgement, written: &Written<'_>) -> Result<Judgement, Refusal> {
        let Some(suffix) = &self.options.role_suffix else {
            return Ok(judgement);
        };
        if judgement.rewrite.is_some() {
            written.check(suffix)?;
            return Ok(judgement);
        }
        let rewrite = written.with_suffix(suffix)?;
        Ok(Judgement {
            rewrite,
            ..judgement
        })
    }
}

fn accepted(at: usize, text: &str, judgement: Judgement) -> Read {
    let rewritten = judgement.rewrite.is_some();
    let sql = judgement.rewrite.unwrap_or_else(|| text.to_owned());
    Read {
        rewritten,
        ..Read::plain(at, sql, judgement.effect, judgement.reply)
    }
}
