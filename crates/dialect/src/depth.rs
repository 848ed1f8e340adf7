//! How deep a syntax tree can be, from the tokens of its text, so that whoever recurses over the
//! tree (the parser's output functions, the decoder, the walk, the destructor) has the stack for it.
//!
//! Every token may nest what stands before it one level deeper (`a || b || c`, `NOT NOT a`), except
//! where PostgreSQL's grammar makes lists: after `,`, `AND`, `OR` and the branches of `CASE` the
//! count starts again. Chains that go on across those (`UNION`, `JOIN`, `BETWEEN … AND …`) are
//! counted apart.

use crate::lex::{Kind, Tokens};

/// What a word that begins or continues a nesting counts, in tokens: it brings up to three levels.
const NESTING_WORD: usize = 4;

/// What a bracket counts: an expression in it, with `OR` and `AND` around the next one.
const BRACKET: usize = 3;

/// The deepest text that is parsed. PostgreSQL's own limit (2 MB of stack) is of this order.
const LIMIT: usize = 10_000;

/// The most tokens of a text that is parsed. Decoded trees take some 700 bytes for each. Rows of plain
/// `INSERT`s are not parsed, however many they are.
const MOST_TOKENS: usize = 200_000;

/// Stack for each level, with room. Measured: decoding takes the most, 37 KiB without optimization.
const BYTES_PER_LEVEL: usize = if cfg!(debug_assertions) {
    64 * 1024
} else {
    8 * 1024
};

/// Stack for everything that does not depend on the depth.
const BYTES_AT_LEAST: usize = if cfg!(debug_assertions) {
    1024 * 1024
} else {
    256 * 1024
};

#[derive(Default)]
struct Level {
    case: bool,
    /// Of chains that go on after separators.
    chained: usize,
    /// Since the last separator.
    here: usize,
    /// The deepest bracket since the last separator.
    inner: usize,
    /// The deepest before the last separator.
    best: usize,
}

impl Level {
    fn separate(&mut self) {
        self.best = self.depth() - self.chained;
        (self.here, self.inner) = (0, 0);
    }

    fn depth(&self) -> usize {
        self.chained + self.best.max(self.here + self.inner)
    }
}

enum Role {
    Open { case: bool },
    Close { case: bool },
    Separator,
    Chain,
    Other,
}

fn role_of_word(word: &str, in_case: bool) -> Role {
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    match word.len() {
        2 | 3 if is(&["AND", "OR"]) => Role::Separator,
        3 if is(&["END"]) && in_case => Role::Close { case: true },
        4 if is(&["CASE"]) => Role::Open { case: true },
        4 if in_case && is(&["WHEN", "THEN", "ELSE"]) => Role::Separator,
        4..=9
            if is(&[
                "JOIN",
                "UNION",
                "INTERSECT",
                "EXCEPT",
                "BETWEEN",
                "SELECT",
                "ATOMIC",
            ]) =>
        {
            Role::Chain
        }
        _ => Role::Other,
    }
}

/// An upper bound of the depth, in tokens; beyond all bounds for a text that has too many.
fn estimate(text: &str) -> usize {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for (count, token) in Tokens::new(text).enumerate() {
        // What is not well formed has no tree.
        let Ok(token) = token else { return 0 };
        if count > MOST_TOKENS {
            return usize::MAX;
        }
        let role = match token.kind {
            Kind::Word => role_of_word(token.of(text), level.case),
            Kind::Open => Role::Open { case: false },
            Kind::Close => Role::Close { case: false },
            Kind::Comma | Kind::Semicolon => Role::Separator,
            Kind::Quoted | Kind::Plain | Kind::Special | Kind::Number => Role::Other,
            Kind::Parameter | Kind::Dot | Kind::Operator => Role::Other,
        };
        match role {
            Role::Other => level.here += 1,
            Role::Chain => level.chained += NESTING_WORD,
            Role::Separator => level.separate(),
            Role::Open { case } => {
                level.here += if case { NESTING_WORD } else { BRACKET };
                let inner = Level {
                    case,
                    ..Level::default()
                };
                outer.push(std::mem::replace(&mut level, inner));
            }
            Role::Close { case } => {
                // A bracket also closes what was not closed inside; such a text has no tree.
                while let Some(mut around) = outer.pop() {
                    around.inner = around.inner.max(level.depth());
                    let closed = std::mem::replace(&mut level, around);
                    if closed.case == case {
                        break;
                    }
                }
            }
        }
    }
    while let Some(mut around) = outer.pop() {
        around.inner = around.inner.max(level.depth());
        level = around;
    }
    level.depth()
}

/// Runs `work` with enough stack for the tree of `text`; `None` if it is too deep for any.
pub(crate) fn with_stack<T>(text: &str, work: impl FnOnce() -> T) -> Option<T> {
    let depth = estimate(text);
    if depth > LIMIT {
        return None;
    }
    let stack = BYTES_AT_LEAST + depth * BYTES_PER_LEVEL;
    Some(stacker::maybe_grow(stack, stack, work))
}
