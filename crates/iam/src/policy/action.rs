//! The elements `Action` and `NotAction`.

use super::pattern::{encode, matches_lower};

/// Patterns of actions, encoded in lower case.
pub(super) struct Actions {
    /// `NotAction`.
    negated: bool,
    patterns: Box<[Box<[u8]>]>,
}

impl Actions {
    pub(super) fn new(negated: bool, patterns: Vec<Box<[u8]>>) -> Self {
        Self {
            negated,
            patterns: patterns.into(),
        }
    }

    /// Whether the element covers an action, in upper or lower case.
    pub(super) fn cover(&self, action: &str) -> bool {
        let matches = |pattern: &[u8]| matches_lower(pattern, action.as_bytes());
        self.patterns.iter().any(|pattern| matches(pattern)) != self.negated
    }
}

/// Reads one pattern: `*`, or a service prefix and a name with wildcards anywhere.
///
/// # Errors
///
/// The reason.
pub(super) fn parse(text: &str) -> Result<Box<[u8]>, String> {
    let well_formed = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty() && !name.is_empty() && !name.contains(':')
        });
    if !well_formed {
        return Err(format!(
            "{text:?} must be `*` or of the form `service:action`"
        ));
    }
    let mut pattern = Vec::with_capacity(text.len());
    encode(&text.to_ascii_lowercase(), true, &mut pattern);
    Ok(pattern.into())
}

/// Whether a pattern of `Action` covers an action, without regard to case. What is no pattern
/// covers nothing.
pub fn action_matches(pattern: &str, action: &str) -> bool {
    parse(pattern).is_ok_and(|pattern| matches_lower(&pattern, action.as_bytes()))
}
