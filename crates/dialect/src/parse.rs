//! libpg_query, and what its errors are in PostgreSQL's words.

use pg_query::NodeEnum;
use pg_query::protobuf::RawStmt;

use crate::Refusal;
use crate::lex::{Kind, Token, Tokens};
use crate::refuse;

/// The statements of a text. Call it inside [`crate::depth::with_stack`].
pub(crate) fn statements(text: &str) -> Result<Vec<RawStmt>, Refusal> {
    match pg_query::parse(text) {
        Ok(tree) => Ok(tree.protobuf.stmts),
        Err(error) => Err(refusal(text, &error)),
    }
}

/// The node of a statement.
pub(crate) fn node(statement: &RawStmt) -> Option<&NodeEnum> {
    statement.stmt.as_ref()?.node.as_ref()
}

/// Errors of the scanner and the parser that are no `syntax_error`. Source: `ereport` calls in
/// PostgreSQL's `scan.l` and `gram.y`.
const STATES: &[(&str, &str)] = &[
    ("invalid Unicode escape", "42601"),
    ("unsafe use of \\' in a string literal", "22P06"),
    ("invalid byte sequence", "22021"),
    ("stack depth limit exceeded", "54001"),
    ("frame start cannot be", "42P20"),
    ("frame end cannot be", "42P20"),
    ("frame starting from", "42P20"),
    ("VARIADIC parameter must be", "42P13"),
    ("WITH TIES cannot be specified without", "42601"),
    ("MATCH PARTIAL not yet implemented", "0A000"),
    ("CREATE ASSERTION is not yet implemented", "0A000"),
    (
        "WITH CHECK OPTION not supported on recursive views",
        "0A000",
    ),
    ("current database cannot be changed", "0A000"),
    ("out of memory", "53200"),
];

fn refusal(text: &str, error: &pg_query::Error) -> Refusal {
    let pg_query::Error::Parse(message) = error else {
        // The tree could not be decoded, or the text has a NUL, which no message can carry.
        return refuse::syntax("54001", "stack depth limit exceeded", None);
    };
    let state = STATES.iter().find(|(start, _)| message.starts_with(start));
    let state = state.map_or("42601", |(_, state)| state);
    refuse::syntax(state, message.as_str(), position(text, message))
}

/// The most tokens that are tried for the place of an error, and the longest text for that.
const TRIED: usize = 16;
const TRIED_LENGTH: usize = 64 * 1024;

/// Where the error is, in characters from 1: the library's binding gives the message alone.
fn position(text: &str, message: &str) -> Option<u32> {
    if message.ends_with(" at end of input") {
        return character(text, text.len());
    }
    let (_, near) = message.split_once(" at or near \"")?;
    let near = near.strip_suffix('"')?;
    let mut candidates = Vec::new();
    for token in Tokens::new(text) {
        let Ok(token) = token else {
            // Not well formed: unless the error comes before, the message has all from here on.
            if text.ends_with(near) {
                return character(text, text.len() - near.len());
            }
            break;
        };
        if token.of(text) == near {
            candidates.push(token);
        }
        if candidates.len() > TRIED {
            return None;
        }
    }
    let found = match candidates.as_slice() {
        [only] => only,
        _ if text.len() > TRIED_LENGTH => return None,
        several => several
            .iter()
            .find(|token| fails_at(text, token, message))?,
    };
    character(text, found.start)
}

/// Whether the text up to and including the token fails with the message: a parser that reads from
/// left to right fails at the same token, whatever follows.
fn fails_at(text: &str, token: &Token, message: &str) -> bool {
    let prefix = text.get(..token.end).unwrap_or_default();
    matches!(pg_query::parse(prefix), Err(pg_query::Error::Parse(found)) if found == message)
}

/// The number, from 1, of the character at a byte offset.
pub(crate) fn character(text: &str, offset: usize) -> Option<u32> {
    let before = text.get(..offset)?;
    u32::try_from(before.chars().count() + 1).ok()
}

/// The text of a statement, without white space around it.
pub(crate) fn span(text: &str, statement: &RawStmt) -> Option<(usize, usize)> {
    let start = usize::try_from(statement.stmt_location).ok()?;
    let length = usize::try_from(statement.stmt_len).ok()?;
    let end = if length == 0 {
        text.len()
    } else {
        start + length
    };
    let whole = text.get(start..end)?;
    let start = start + (whole.len() - whole.trim_start().len());
    Some((start, start + whole.trim().len()))
}

/// Whether the text has any statement.
pub(crate) fn is_empty(text: &str) -> bool {
    Tokens::new(text).all(|token| token.is_ok_and(|token| token.kind == Kind::Semicolon))
}
