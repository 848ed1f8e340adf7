//! What holds for any text: the properties behind the fuzz target, its corpus and the property
//! tests.

use std::collections::HashSet;
use std::sync::Arc;

use crate::facts::RESERVED_SCHEMA;
mod statements;

use crate::lex::{Kind, has_name, tokens};
use crate::{Dialect, Options, Reply, Statement, fast, read as full};

/// Reads any bytes; what is no UTF-8 never gets here.
///
/// # Panics
/// A property does not hold.
pub fn read(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
}

/// # Panics
/// A property of the text does not hold.
pub(crate) fn check(text: &str) {
    check_fast(text);
    check_tokens(text);
    check_statements(text);
    statements::check(text);
}

/// What the fast path accepts, the full path accepts alike, unless it is no SQL at all: that the
/// backend says itself.
fn check_fast(text: &str) {
    let Some(statement) = fast::read(text) else {
        return;
    };
    let full = Dialect::default().read_in_full(text).statements;
    if let [only] = full.as_slice()
        && only.refusal.as_ref().is_some_and(|refusal| refusal.syntax)
    {
        return;
    }
    assert_eq!(full.len(), 1, "{text:?}");
    for only in full {
        // Comments at the end of a statement are no part of it here.
        assert!(
            only.sql.contains(&*statement.sql),
            "{text:?}: {statement:?}"
        );
        let wanted = Statement {
            sql: only.sql.clone(),
            ..statement.clone()
        };
        assert_eq!(only, wanted, "{text:?}");
    }
}

/// The boundaries of tokens are libpg_query's, up to what is finer here.
fn check_tokens(text: &str) {
    let Ok(theirs) = pg_query::scan(text) else {
        return;
    };
    let ours = tokens(text);
    assert!(ours.is_some(), "{text:?} is not well formed");
    let ours = ours.unwrap_or_default();
    let comments = [
        pg_query::protobuf::Token::SqlComment as i32,
        pg_query::protobuf::Token::CComment as i32,
    ];
    let mut ours = ours.iter();
    for token in theirs.tokens {
        if comments.contains(&token.token) {
            continue;
        }
        let (start, end) = (token.start as usize, token.end as usize);
        let mut at = start;
        while at < end {
            let Some(ours) = ours.next() else {
                assert_eq!(at, end, "{text:?} has more tokens");
                return;
            };
            assert_eq!(ours.start, at, "{text:?}");
            at = ours.end;
            // The prefix of a national string is a token of its own there, and a string does not go on
            // after a comment, as PostgreSQL's do.
            let goes_on = ours.kind == Kind::Plain && ours.of(text).contains("--");
            if (ours.kind == Kind::Special || goes_on) && at > end {
                return;
            }
            assert!(at <= end, "{text:?}: {} to {at} is over {end}", ours.start);
        }
    }
    assert!(ours.next().is_none(), "{text:?} has fewer tokens");
}

/// What is accepted as it stands has no name of the machinery in it, and is the same statement when
/// it is read alone; the statements one after the other, as the gateway writes them, are the same
/// statements.
fn check_statements(text: &str) {
    let dialect = Dialect::default();
    let statements = dialect.read(text).statements;
    let rewritten = rewritten(text);
    let accepted = statements
        .iter()
        .take_while(|statement| statement.refusal.is_none());
    let plain: Vec<&Statement> = accepted
        .take_while(|statement| !rewritten.contains(&*statement.sql))
        .collect();
    for statement in &plain {
        assert!(!has_name(&statement.sql, RESERVED_SCHEMA), "{statement:?}");
        assert_eq!(statement.reply, Reply::AsIs, "{statement:?}");
        let mut again = dialect.read(&statement.sql).statements;
        for again in &mut again {
            // The way around the parser leaves out comments at both ends.
            assert!(statement.sql.contains(&*again.sql), "{text:?}");
            again.sql = Arc::clone(&statement.sql);
        }
        assert_eq!(again.iter().collect::<Vec<_>>(), [*statement], "{text:?}");
    }
    let texts: Vec<&str> = plain.iter().map(|statement| &*statement.sql).collect();
    // Alone, a statement may have gone the way around the parser, and be none at all.
    if texts.len() > 1 {
        let again = dialect.read(&texts.join("\n;\n")).statements;
        assert_eq!(again.iter().collect::<Vec<_>>(), plain, "{text:?}");
    }
}

/// The texts that run in the place of statements of this one.
fn rewritten(text: &str) -> HashSet<String> {
    let read = full::statements(text, &Options::default(), 0).unwrap_or_default();
    let rewritten = read.into_iter().filter(|read| read.rewritten);
    rewritten.map(|read| read.sql).collect()
}
