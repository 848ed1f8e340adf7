//! Tables that say what an input must look like. `wire::shape_check` walks them.

use std::sync::OnceLock;

use regex::Regex;

/// A shape of a service model. Shapes may refer to each other in cycles.
pub struct Shape {
    /// The name in the service model.
    pub name: &'static str,
    /// What it is made of, and its constraints.
    pub kind: Kind,
}

/// What a shape is made of. Bounds are inclusive.
pub enum Kind {
    /// An object with these members, in the order of the service model.
    Structure(&'static [Member]),
    /// An object with exactly one of these members.
    Union(&'static [Member]),
    /// An array.
    List {
        /// What each item must look like.
        member: &'static Shape,
        /// The fewest items.
        min: Option<usize>,
        /// The most items.
        max: Option<usize>,
    },
    /// An object with free keys.
    Map {
        /// What each key must look like; always a string shape.
        key: &'static Shape,
        /// What each value must look like.
        value: &'static Shape,
        /// The fewest entries.
        min: Option<usize>,
        /// The most entries.
        max: Option<usize>,
    },
    /// A text.
    String {
        /// The shortest length in Unicode scalar values.
        min: Option<usize>,
        /// The longest length in Unicode scalar values.
        max: Option<usize>,
        /// What the whole text must match.
        pattern: Option<Pattern>,
        /// The only texts allowed, if there are any.
        values: &'static [&'static str],
    },
    /// A whole number of 32 bits.
    Integer {
        /// The smallest.
        min: Option<i64>,
        /// The largest.
        max: Option<i64>,
    },
    /// A whole number of 64 bits.
    Long {
        /// The smallest.
        min: Option<i64>,
        /// The largest.
        max: Option<i64>,
    },
    /// `true` or `false`.
    Boolean,
}

/// A member of a structure or union.
pub struct Member {
    /// The key in the JSON object.
    pub name: &'static str,
    /// What its value must look like.
    pub shape: &'static Shape,
    /// Whether it must be there; never in a union.
    pub required: bool,
}

/// A regular expression that a whole text must match.
///
/// The expressions in the service models are Smithy's without their outermost `^` and `$`, so
/// `Action$|^.+::Action` is `^Action$|^.+::Action$`. `\d` and `\w` mean ASCII, as in ECMA-262.
/// The one range that the models write with five and six digits after `\u` means all that is beyond
/// the basic plane.
pub struct Pattern {
    source: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(source: &'static str) -> Self {
        Self {
            source,
            compiled: OnceLock::new(),
        }
    }

    /// The expression as in the service model, without `^` and `$` around it.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Whether the whole of `text` matches. Compiles the expression at its first use.
    pub fn matches(&self, text: &str) -> bool {
        if self.source == ".*" {
            return !text.contains('\n');
        }
        self.compiled().is_some_and(|regex| regex.is_match(text))
    }

    /// Nothing matches an expression that does not compile; a test holds that all of them do.
    fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            let ascii = self
                .source
                .replace(r"\d", "[0-9]")
                .replace(r"\w", "[0-9A-Za-z_]")
                .replace(r"\u10000-\u10FFFF", r"\x{10000}-\x{10FFFF}");
            Regex::new(&format!(r"\A(?:{ascii})\z")).ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

#[cfg(test)]
mod tests;
