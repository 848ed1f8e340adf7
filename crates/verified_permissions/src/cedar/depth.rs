//! How deep Cedar may recurse, and the stack for it.
//!
//! Cedar's parser, validator and JSON readers recurse as deep as their input is nested, and a
//! stack that overflows ends the whole process: 140 parentheses are enough for the parser on a
//! thread of the runtime, which has 2 MiB. So the depth of a statement is bounded before it is
//! parsed, and what recurses runs on a stack that is large enough for the bound. Cedar bounds the
//! depth of evaluation itself.

/// How many brackets and conditionals may lie within each other. Cedar knows no limit, and
/// nobody writes such policies; 500 levels take the parser 8 MiB.
pub(crate) const NESTING: usize = 500;
/// How many operators, member accesses and brackets a statement may have: each may make Cedar's
/// syntax tree one level deeper. No statement of 10,000 bytes, the default quota, has as many.
pub(crate) const OPERATORS: usize = 8_000;

const MIB: usize = 1 << 20;
/// Code that is not optimized needs several times the stack.
const STATEMENT_STACK: usize = if cfg!(debug_assertions) {
    256 * MIB
} else {
    32 * MIB
};
const JSON_STACK: usize = if cfg!(debug_assertions) { 8 * MIB } else { MIB };

/// Runs `work` with stack enough to parse or validate any statement that [`check`] lets through,
/// and any schema within its quota. The pages that it does not touch cost nothing.
pub(crate) fn for_statements<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STATEMENT_STACK, STATEMENT_STACK + MIB, work)
}

/// Runs `work` with stack enough to read any JSON that `serde_json` accepts, 127 levels. The
/// runtime's threads have that much, so that this costs nothing there.
pub(crate) fn for_json<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(JSON_STACK, JSON_STACK + MIB, work)
}

/// Refuses a statement that is too deep for Cedar's parser; the text says why.
pub(crate) fn check(statement: &str) -> Result<(), String> {
    let Depth { nesting, operators } = Depth::of(statement);
    if nesting > NESTING {
        return Err(format!(
            "A policy can be nested at most {NESTING} levels deep."
        ));
    }
    if operators > OPERATORS {
        return Err(format!("A policy can have at most {OPERATORS} operators."));
    }
    Ok(())
}

/// What bounds the depth of a statement's syntax tree, never less than Cedar's parser sees.
#[derive(Default)]
struct Depth {
    nesting: usize,
    operators: usize,
}

impl Depth {
    /// Reads the statement as Cedar's lexer does, which knows strings with backslash escapes and
    /// comments up to the end of the line.
    fn of(statement: &str) -> Self {
        let mut depth = Self::default();
        let mut level = 0;
        // The level outside of each open bracket.
        let mut open: Vec<usize> = Vec::new();
        let mut bytes = statement.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => {
                    while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
                        if byte == b'\\' {
                            bytes.next();
                        }
                    }
                }
                b'/' if bytes.next_if_eq(&b'/').is_some() => {
                    while bytes
                        .next_if(|byte| !matches!(byte, b'\n' | b'\r'))
                        .is_some()
                    {}
                }
                b'(' | b'[' | b'{' => {
                    open.push(level);
                    level += 1;
                    depth.operators += 1;
                }
                b')' | b']' | b'}' => level = open.pop().unwrap_or(0),
                // Conditionals end with the item that they stand in.
                b',' | b';' => level = open.last().map_or(0, |outside| outside + 1),
                b'.' | b'+' | b'-' | b'*' | b'&' | b'|' | b'!' => depth.operators += 1,
                b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                    let mut word = vec![byte];
                    while let Some(byte) =
                        bytes.next_if(|byte| *byte == b'_' || byte.is_ascii_alphanumeric())
                    {
                        word.push(byte);
                    }
                    level += usize::from(word == b"if");
                }
                _ => {}
            }
            depth.nesting = depth.nesting.max(level);
        }
        depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nesting(statement: &str) -> usize {
        Depth::of(statement).nesting
    }

    #[test]
    fn brackets_and_conditionals_are_levels() {
        for (statement, levels) in [
            ("", 0),
            ("permit(principal, action, resource);", 1),
            (
                "permit(principal, action, resource) when { ([{a: 1}]) };",
                4,
            ),
            ("() [] {}", 1),
            (")))(", 1),
            ("if a then if b then c else d else e", 2),
            ("(if a then b else c) && (if a then b else c)", 2),
            ("[if a then b else c, if a then b else c]", 2),
            (
                "permit(principal, action, resource) when { if a then b else c };",
                2,
            ),
            ("ifx xif if_ _if i f 2if", 1),
        ] {
            assert_eq!(nesting(statement), levels, "{statement}");
        }
    }

    #[test]
    fn strings_and_comments_are_not_levels() {
        for (statement, levels) in [
            (r#""((((""#, 0),
            (r#""\"((((" ("#, 1),
            (r#""\\" (("#, 2),
            (r#""" (( "" ("#, 3),
            ("// ((((", 0),
            ("// ((((\n((", 2),
            ("// ((((\r((", 2),
            ("/ ((", 2),
            ("\"//\" ((", 2),
            ("// \"\n((", 2),
        ] {
            assert_eq!(nesting(statement), levels, "{statement}");
        }
    }

    #[test]
    fn the_bounds_are_inclusive() {
        let nested = |levels| format!("{}{}", "(".repeat(levels), ")".repeat(levels));
        assert!(check(&nested(NESTING)).is_ok());
        assert!(check(&nested(NESTING + 1)).is_err());
        assert!(check(&"a+".repeat(OPERATORS)).is_ok());
        assert!(check(&"a+".repeat(OPERATORS + 1)).is_err());
    }
}
