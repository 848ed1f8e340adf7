//! Policy variables: `${key}`, `${key, 'default'}`, and the literal characters `${*}`, `${?}` and
//! `${$}`.

use std::borrow::Cow;

use super::pattern::{encode, is_wildcard};
use super::{Context, Values};

/// The longest pattern, in bytes, that variables may make: a few characters of a policy could
/// otherwise stand for any amount of memory. A longer one matches nothing.
const LONGEST: usize = 16_384;

/// How the text of a pattern or value is read.
#[derive(Clone, Copy)]
pub(super) struct Syntax {
    /// Whether `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// Whether `${…}` is a variable: since version 2012-10-17.
    pub(super) variables: bool,
}

/// A pattern, perhaps with variables.
pub(super) enum Template {
    /// Without variables: an encoded pattern.
    Fixed(Box<[u8]>),
    /// With variables.
    Parts(Box<[Part]>),
}

/// A piece of a [`Template`].
pub(super) enum Part {
    /// An encoded pattern.
    Pattern(Box<[u8]>),
    /// A variable.
    Variable {
        /// The key in lower case.
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

impl Template {
    /// Reads a pattern. An unterminated `${` is literal text.
    ///
    /// # Errors
    ///
    /// The reason, when a variable has no name or a default that is not in quotes.
    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut pattern = Vec::new();
        let mut rest = text;
        while let Some((before, inside, after)) = next_variable(rest, syntax) {
            append(before, false, syntax, &mut pattern);
            match inside {
                "*" | "?" | "$" => pattern.extend_from_slice(inside.as_bytes()),
                _ => {
                    parts.push(Part::Pattern(std::mem::take(&mut pattern).into()));
                    parts.push(variable(inside)?);
                }
            }
            rest = after;
        }
        append(rest, true, syntax, &mut pattern);
        if parts.is_empty() {
            return Ok(Self::Fixed(pattern.into()));
        }
        parts.push(Part::Pattern(pattern.into()));
        Ok(Self::Parts(parts.into()))
    }

    /// The encoded pattern with the values of its variables; `None` when one has no value.
    pub(super) fn resolve(&self, context: &dyn Context) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Fixed(pattern) => Some(Cow::Borrowed(pattern)),
            Self::Parts(parts) => {
                // Long enough for most, so that one allocation will do.
                let mut pattern = Vec::with_capacity(128);
                for part in parts {
                    part.append_to(&mut pattern, context)?;
                    if pattern.len() > LONGEST {
                        return None;
                    }
                }
                Some(Cow::Owned(pattern))
            }
        }
    }

    /// Whether it is the same for all requests and matches one text only.
    pub(super) fn is_one_text(&self) -> bool {
        match self {
            Self::Fixed(pattern) => {
                let plain = |byte: &u8| !is_wildcard(*byte) && !matches!(*byte, b'*' | b'?');
                pattern.iter().all(plain) && !pattern.windows(2).any(|pair| pair == b"${")
            }
            Self::Parts(_) => false,
        }
    }
}

impl Part {
    /// `None` when the variable has no value: its key is missing or multivalued, and it has no
    /// default.
    fn append_to(&self, pattern: &mut Vec<u8>, context: &dyn Context) -> Option<()> {
        match self {
            Self::Pattern(piece) => pattern.extend_from_slice(piece),
            Self::Variable { key, default } => match context.values(key) {
                Some(Values::One(value)) => pattern.extend_from_slice(value.as_bytes()),
                Some(Values::Many(_)) | None => {
                    pattern.extend_from_slice(default.as_ref()?.as_bytes());
                }
            },
        }
        Some(())
    }
}

fn append(text: &str, at_end: bool, syntax: Syntax, pattern: &mut Vec<u8>) {
    if syntax.wildcards {
        encode(text, at_end, pattern);
    } else {
        pattern.extend_from_slice(text.as_bytes());
    }
}

/// What stands before the first variable, inside its braces, and after it.
fn next_variable(text: &str, syntax: Syntax) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once("${").filter(|_| syntax.variables)?;
    let (inside, after) = opened.split_once('}')?;
    Some((before, inside, after))
}

fn variable(inside: &str) -> Result<Part, String> {
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => (key, Some(default)),
        None => (inside, None),
    };
    let unquoted = |text: &str| Some(text.trim().strip_prefix('\'')?.strip_suffix('\'')?.into());
    let default = match default {
        None => None,
        Some(text) => Some(unquoted(text).ok_or_else(|| {
            format!(
                "the default of the policy variable `${{{inside}}}` must stand in single quotes"
            )
        })?),
    };
    let key = key.trim();
    if key.is_empty() {
        return Err(format!("the policy variable `${{{inside}}}` has no name"));
    }
    Ok(Part::Variable {
        key: key.to_ascii_lowercase().into(),
        default,
    })
}
