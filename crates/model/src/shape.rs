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
    compiled: OnceLock<Option<Compiled>>,
}

struct Compiled {
    regex: Regex,
    class: Option<Class>,
}

/// What an expression says that is nothing but a repeated class, as in `[a-z-]*`: most of those in
/// the models are. Or the same class several times with any character between, as in
/// `[a-z]+.[a-z]+`.
struct Class {
    /// By ASCII code.
    members: [bool; 128],
    may_be_empty: bool,
    /// How often the class stands there.
    times: usize,
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
        self.compiled().is_some_and(|compiled| {
            let plain = compiled
                .class
                .as_ref()
                .and_then(|class| class.matches(text));
            plain.unwrap_or_else(|| compiled.regex.is_match(text))
        })
    }

    /// Nothing matches an expression that does not compile; a test holds that all of them do.
    fn compiled(&self) -> Option<&Compiled> {
        let compile = || {
            let ascii = self
                .source
                .replace(r"\d", "[0-9]")
                .replace(r"\w", "[0-9A-Za-z_]")
                .replace(r"\u10000-\u10FFFF", r"\x{10000}-\x{10FFFF}");
            Some(Compiled {
                regex: whole(&ascii)?,
                class: Class::of(&ascii),
            })
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

fn whole(expression: &str) -> Option<Regex> {
    Regex::new(&format!(r"\A(?:{expression})\z")).ok()
}

impl Class {
    fn of(expression: &str) -> Option<Self> {
        let may_be_empty = expression.ends_with('*');
        let times = expression.split("]+.[").count();
        let first = expression.split_inclusive("]+").next()?;
        let class = match vec![first; times].join(".") == expression {
            true => first.strip_suffix(['*', '+'])?,
            false => return None,
        };
        let inner = class.strip_prefix('[')?.strip_suffix(']')?;
        if inner.contains(['[', ']']) {
            return None;
        }
        let regex = whole(class)?;
        let member = |code: u8| regex.is_match(char::from(code).encode_utf8(&mut [0; 4]));
        let mut members = [false; 128];
        for (code, is_member) in (0..).zip(&mut members) {
            *is_member = member(code);
        }
        Some(Self {
            members,
            may_be_empty,
            times,
        })
    }

    /// `None` if the text is not ASCII, or does not match in the plain way.
    fn matches(&self, text: &str) -> Option<bool> {
        if self.times > 1 {
            let parts = || text.split('.');
            let is_part = |part: &str| !part.is_empty() && self.has_all(part) == Some(true);
            let plain = parts().count() == self.times && parts().all(is_part);
            return plain.then_some(true);
        }
        if text.is_empty() {
            return Some(self.may_be_empty);
        }
        self.has_all(text)
    }

    fn has_all(&self, text: &str) -> Option<bool> {
        let mut all = true;
        for byte in text.bytes() {
            all &= self.members.get(usize::from(byte))?;
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests;
