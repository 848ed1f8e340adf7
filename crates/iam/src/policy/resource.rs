//! The elements `Resource` and `NotResource`.

use super::Context;
use super::arn::resource_matches;
use super::variable::{Syntax, Template};

/// Patterns of resources.
pub(super) struct Resources {
    /// `NotResource`.
    negated: bool,
    patterns: Box<[Template]>,
}

impl Resources {
    pub(super) fn new(negated: bool, patterns: Vec<Template>) -> Self {
        Self {
            negated,
            patterns: patterns.into(),
        }
    }

    /// Whether the element covers a resource, given as its ARN or `*`.
    pub(super) fn cover(&self, resource: &str, context: &dyn Context) -> bool {
        let matches = |pattern: &Template| {
            let pattern = pattern.resolve(context);
            pattern.is_some_and(|pattern| resource_matches(&pattern, resource))
        };
        self.patterns.iter().any(matches) != self.negated
    }
}

/// Reads one pattern; `None` when it is neither `*` nor the pattern of an ARN, so that it matches
/// nothing.
///
/// # Errors
///
/// The reason, when it has a malformed policy variable.
pub(super) fn parse(text: &str, variables: bool) -> Result<Option<Template>, String> {
    if text != "*" && !text.starts_with("arn:") {
        return Ok(None);
    }
    let syntax = Syntax {
        wildcards: true,
        variables,
    };
    Template::parse(text, syntax).map(Some)
}
