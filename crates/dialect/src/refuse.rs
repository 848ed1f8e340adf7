//! Refusals by their SQLSTATE.

use crate::Refusal;

/// `feature_not_supported`: what DSQL answers to nearly everything that it lacks.
pub(crate) fn unsupported(message: impl Into<String>) -> Refusal {
    with_state("0A000", message)
}

/// `insufficient_privilege`
pub(crate) fn denied(message: impl Into<String>) -> Refusal {
    with_state("42501", message)
}

/// `undefined_object`
pub(crate) fn undefined(message: impl Into<String>) -> Refusal {
    with_state("42704", message)
}

/// A refusal of a text that could be parsed.
pub(crate) fn with_state(sqlstate: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        sqlstate,
        message: message.into(),
        hint: None,
        position: None,
        syntax: false,
    }
}

/// A refusal of a text that could not be parsed.
pub(crate) fn syntax(
    sqlstate: &'static str,
    message: impl Into<String>,
    position: Option<u32>,
) -> Refusal {
    Refusal {
        position,
        syntax: true,
        ..with_state(sqlstate, message)
    }
}
