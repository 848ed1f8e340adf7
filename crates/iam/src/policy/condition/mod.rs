//! The element `Condition`: one [`Condition`] for each operator and key.

mod date;
mod ip;
mod number;
mod operator;
mod test;

use std::borrow::Cow;
use std::slice;

use super::{Context, Values};
use operator::Quantifier;
use test::Test;

pub(super) use operator::Operator;

/// An operator, a key and the values that it is compared with.
pub(super) struct Condition {
    /// As the document writes them.
    pub(super) operator_name: Box<str>,
    pub(super) key_name: Box<str>,
    /// The key in lower case.
    key: Box<str>,
    operator: Operator,
    test: Test,
}

impl Condition {
    /// Compiles the condition. Values that are malformed for the operator match nothing, as in
    /// AWS.
    ///
    /// # Errors
    ///
    /// The reason, when a value has a malformed policy variable.
    pub(super) fn compile(
        (operator_name, operator): (&str, Operator),
        key_name: &str,
        values: &[Cow<'_, str>],
        variables: bool,
    ) -> Result<Self, String> {
        Ok(Self {
            operator_name: operator_name.into(),
            key_name: key_name.into(),
            key: key_name.to_ascii_lowercase().into(),
            operator,
            test: Test::compile(operator.comparison, values, variables)?,
        })
    }

    /// Whether the request's context fulfils it.
    pub(super) fn holds(&self, context: &dyn Context) -> bool {
        let values = context.values(&self.key);
        let values = match &values {
            None => &[],
            Some(Values::One(value)) => slice::from_ref(value),
            Some(Values::Many(values)) => values,
        };
        if let Test::Null(missing) = &self.test {
            return missing.contains(&values.is_empty());
        }
        let Operator {
            quantifier,
            negated,
            if_exists,
            ..
        } = self.operator;
        let matches = |value: &Cow<'_, str>| self.test.matches(value, context);
        match (quantifier, values.is_empty()) {
            (_, true) if if_exists => true,
            (None, true) => negated,
            (Some(Quantifier::All), true) => true,
            (Some(Quantifier::Any), true) => false,
            (None, false) => values.iter().any(matches) != negated,
            (Some(Quantifier::All), false) => values.iter().all(|value| matches(value) != negated),
            (Some(Quantifier::Any), false) => values.iter().any(|value| matches(value) != negated),
        }
    }

    /// The key in lower case, when the condition holds only for requests that have it with one of
    /// the values that are written out (no wildcards, no variables) or, as a Boolean, with `true`.
    pub(super) fn fixed_key(&self) -> Option<&str> {
        let Operator {
            quantifier,
            negated,
            if_exists,
            ..
        } = self.operator;
        let needs_key = !negated && !if_exists && quantifier != Some(Quantifier::All);
        (needs_key && self.test.is_fixed()).then_some(&*self.key)
    }

    /// Whether it compares Booleans.
    pub(super) fn is_bool(&self) -> bool {
        matches!(self.test, Test::Bool(_))
    }
}
