//! The way around the parser: a single plain `SELECT`, `INSERT`, `UPDATE` or `DELETE` without any
//! word that a rule is about. Whether it is well formed is for the backend to say, in the same
//! words.

use crate::facts::RESERVED_SCHEMA;
use crate::lex::{Kind, Tokens};
use crate::rules::functions;
use crate::{Effect, Reply, Statement};

/// Words that make a statement more than a plain query, or part of it a matter of rules. `FOR` also
/// occurs in `substring`.
const CARED_ABOUT: &[&str] = &[
    "into",
    "for",
    "tablesample",
    "merge",
    "insert",
    "update",
    "delete",
    "json_table",
];

/// The longest word that any rule is about.
const LONGEST: usize = 40;

/// What the first word makes of a statement, and the words that may then come (`ON CONFLICT DO
/// UPDATE`).
const BEGINNINGS: &[(&str, Effect, &[&str])] = &[
    ("select", Effect::Read, &[]),
    ("insert", Effect::Write, &["update"]),
    ("update", Effect::Write, &[]),
    ("delete", Effect::Write, &[]),
];

/// The statement, if it is one of these.
pub(crate) fn read(text: &str) -> Option<Statement> {
    let mut tokens = Tokens::new(text);
    let first = tokens.next()?.ok()?;
    let word = first.of(text);
    let (_, effect, permitted) = BEGINNINGS
        .iter()
        .find(|(own, ..)| own.eq_ignore_ascii_case(word))?;
    let mut end = first.end;
    if first.is(text, "insert") {
        let into = tokens.next()?.ok()?;
        end = into.is(text, "into").then_some(into.end)?;
    }
    while let Some(token) = tokens.next() {
        let token = token.ok()?;
        match token.kind {
            Kind::Word => plain_word(token.of(text), permitted)?,
            Kind::Quoted => plain_name(token.of(text))?,
            Kind::Special => return None,
            Kind::Semicolon => {
                // Nothing may follow.
                return tokens
                    .next()
                    .is_none()
                    .then(|| statement(text, first.start, end, *effect))?;
            }
            Kind::Plain | Kind::Number | Kind::Parameter | Kind::Open | Kind::Close => {}
            Kind::Comma | Kind::Dot | Kind::Operator => {}
        }
        end = token.end;
    }
    statement(text, first.start, end, *effect)
}

fn statement(text: &str, start: usize, end: usize, effect: Effect) -> Option<Statement> {
    Some(Statement {
        sql: text.get(start..end)?.into(),
        effect,
        reply: Reply::AsIs,
        refusal: None,
        // `FOR` and `set_config` are for the parser.
        locking: None,
        sets: false,
    })
}

fn plain_word(word: &str, permitted: &[&str]) -> Option<()> {
    // A longer one is none of the words, but can begin like a family of them.
    let word = word.as_bytes();
    let word = word.get(..LONGEST).unwrap_or(word);
    let mut buffer = [0_u8; LONGEST];
    let lower = buffer.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    let lower = std::str::from_utf8(lower).ok()?;
    let is_plain = permitted.contains(&lower) || !is_cared_about(lower);
    is_plain.then_some(())
}

/// An identifier in double quotes keeps its case; `""` and `U&""` are for the parser.
fn plain_name(name: &str) -> Option<()> {
    let inner = name.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = !inner.is_empty() && !inner.contains('"') && !is_cared_about(inner);
    is_plain.then_some(())
}

fn is_cared_about(word: &str) -> bool {
    CARED_ABOUT.contains(&word)
        || word.starts_with(RESERVED_SCHEMA)
        || word == "pg_settings"
        || functions::is_of_interest(word)
}
