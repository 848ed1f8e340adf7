//! DSQL's own syntax, which PostgreSQL's parser does not know: `CREATE INDEX ASYNC`,
//! `ALTER TABLE ASYNC`, `AWS IAM GRANT`. It is found by tokens and made blank, so that every offset
//! in what the parser then reads is one in the client's text.

use std::ops::Range;

use crate::lex::{Kind, Token, Tokens};
use crate::quote::literal;
use crate::refuse::syntax;
use crate::{Effect, Refusal, Reply};

/// A text for the parser, and what was taken out of it.
#[derive(Default)]
pub(crate) struct Plain {
    /// `None` when the client's text has nothing of DSQL's own.
    pub(crate) text: Option<String>,
    /// Where `ASYNC` was.
    pub(crate) asynchronous: Vec<usize>,
    /// Whole statements: where they begin, and what becomes of them.
    pub(crate) mappings: Vec<(usize, Result<Mapping, Refusal>)>,
}

/// `AWS IAM GRANT role TO 'arn'` or `AWS IAM REVOKE role FROM 'arn'`
pub(crate) struct Mapping {
    pub(crate) sql: String,
    pub(crate) effect: Effect,
    pub(crate) reply: Reply,
}

/// The first tokens of a statement, and where it ends.
#[derive(Default)]
struct Beginning {
    tokens: Vec<Token>,
    end: usize,
}

/// More tokens than what this module looks for has.
const LOOKED_AT: usize = 24;

impl Beginning {
    fn push(&mut self, token: Token) {
        self.end = token.end;
        if self.tokens.len() < LOOKED_AT {
            self.tokens.push(token);
        }
    }
}

impl Plain {
    /// Notes what a statement has, and what is to be made blank.
    fn take(&mut self, text: &str, statement: &Beginning, blanks: &mut Vec<Range<usize>>) {
        let Some(first) = statement.tokens.first() else {
            return;
        };
        if first.is(text, "aws") {
            self.mappings
                .push((first.start, mapping(text, &statement.tokens)));
            blanks.push(first.start..statement.end);
        } else if let Some(word) = asynchronous(text, &statement.tokens) {
            self.asynchronous.push(word.start);
            blanks.push(word.start..word.end);
        }
    }
}

/// Takes DSQL's own syntax out of a text.
pub(crate) fn blank(text: &str) -> Plain {
    let mut plain = Plain::default();
    if !mentions(text, b"async") && !mentions(text, b"aws") {
        return plain;
    }
    let mut blanks = Vec::new();
    let mut statement = Beginning::default();
    for token in Tokens::new(text) {
        // What is not well formed is the parser's to refuse.
        let Ok(token) = token else {
            return Plain::default();
        };
        if token.kind == Kind::Semicolon {
            plain.take(text, &statement, &mut blanks);
            statement = Beginning::default();
        } else {
            statement.push(token);
        }
    }
    plain.take(text, &statement, &mut blanks);
    if !blanks.is_empty() {
        let mut bytes = text.as_bytes().to_vec();
        for range in blanks {
            if let Some(bytes) = bytes.get_mut(range) {
                bytes.fill(b' ');
            }
        }
        plain.text = String::from_utf8(bytes).ok();
    }
    plain
}

/// Whether a word that begins with an `a` occurs.
fn mentions(text: &str, word: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let starts = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.eq_ignore_ascii_case(&b'a'));
    starts.into_iter().any(|(at, _)| {
        let found = bytes.get(at..at + word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word))
    })
}

/// The `ASYNC` of a statement, where it is the key word and no name: the word is reserved after
/// `INDEX`; after `ALTER TABLE` it is a name unless another follows and then `VALIDATE`.
fn asynchronous<'t>(text: &str, statement: &'t [Token]) -> Option<&'t Token> {
    let is = |at: usize, word: &str| statement.get(at).is_some_and(|token| token.is(text, word));
    let at = if is(0, "create") && is(1, "index") && is(2, "async") {
        2
    } else if is(0, "create") && is(1, "unique") && is(2, "index") && is(3, "async") {
        3
    } else if is(0, "alter") && is(1, "table") && is(2, "async") && validates(text, statement) {
        2
    } else {
        return None;
    };
    statement.get(at)
}

/// Whether `VALIDATE` follows after `[IF EXISTS] [ONLY] [schema .] name`.
fn validates(text: &str, statement: &[Token]) -> bool {
    let is = |at: usize, word: &str| statement.get(at).is_some_and(|token| token.is(text, word));
    let mut at = 3;
    if is(at, "if") && is(at + 1, "exists") {
        at += 2;
    }
    if is(at, "only") && !is(at + 1, "validate") {
        at += 1;
    }
    while statement
        .get(at + 1)
        .is_some_and(|token| token.kind == Kind::Dot)
    {
        at += 2;
    }
    is(at + 1, "validate")
}

/// Reads `AWS IAM {GRANT role TO | REVOKE role FROM} 'arn'`.
fn mapping(text: &str, statement: &[Token]) -> Result<Mapping, Refusal> {
    let mut rest = statement.iter();
    let mut word = |expected: &[&'static str]| -> Result<&'static str, Refusal> {
        let token = rest.next();
        let found = expected
            .iter()
            .find(|word| token.is_some_and(|token| token.is(text, word)));
        found.copied().ok_or_else(|| unexpected(text, token))
    };
    word(&["aws"])?;
    word(&["iam"])?;
    let grants = word(&["grant", "revoke"])? == "grant";
    let role = rest.next();
    let name = role.and_then(|token| role_name(text, token));
    let Some(name) = name else {
        return Err(unexpected(text, role));
    };
    let mut word = |expected: &'static str| {
        let token = rest.next();
        let found = token.is_some_and(|token| token.is(text, expected));
        if found {
            Ok(())
        } else {
            Err(unexpected(text, token))
        }
    };
    word(if grants { "to" } else { "from" })?;
    let constant = rest.next();
    let arn = constant.and_then(|token| string(text, token));
    let Some(arn) = arn else {
        return Err(unexpected(text, constant));
    };
    if let Some(more) = rest.next() {
        return Err(unexpected(text, Some(more)));
    }
    let (function, tag) = if grants {
        ("iam_grant", "AWS IAM GRANT")
    } else {
        ("iam_revoke", "AWS IAM REVOKE")
    };
    let sql = format!(
        "SELECT pg_treeline.{function}({}, {})",
        literal(&name),
        literal(&arn)
    );
    let (effect, reply) = (Effect::Ddl, Reply::TagOnly(tag));
    Ok(Mapping { sql, effect, reply })
}

fn unexpected(text: &str, token: Option<&Token>) -> Refusal {
    match token {
        Some(token) => {
            let message = format!("syntax error at or near \"{}\"", token.of(text));
            syntax("42601", message, crate::parse::character(text, token.start))
        }
        None => {
            let position = crate::parse::character(text, text.len());
            syntax("42601", "syntax error at end of input", position)
        }
    }
}

/// What a token is as the name of a role: PostgreSQL's own parser is asked.
fn role_name(text: &str, token: &Token) -> Option<String> {
    if !matches!(token.kind, Kind::Word | Kind::Quoted) {
        return None;
    }
    let set = pg_query::parse(&format!("SET ROLE {}", token.of(text))).ok()?;
    first_constant(&set)
}

/// What a token is as a string constant.
fn string(text: &str, token: &Token) -> Option<String> {
    if !matches!(token.kind, Kind::Plain | Kind::Special) {
        return None;
    }
    let set = pg_query::parse(&format!("SET a TO {}", token.of(text))).ok()?;
    first_constant(&set)
}

fn first_constant(set: &pg_query::ParseResult) -> Option<String> {
    use crate::rules::tree;
    let statement = set.protobuf.stmts.first().and_then(crate::parse::node)?;
    let pg_query::NodeEnum::VariableSetStmt(set) = statement else {
        return None;
    };
    let value = set.args.first().and_then(tree::inner)?;
    tree::constant(value).map(str::to_owned)
}
