//! The comparison of one value of a request with the values of a policy.

use std::borrow::Cow;

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::operator::{Comparison, Order};
use super::{date, ip::IpRange, number::Number};
use crate::policy::Context;
use crate::policy::arn::arn_like;
use crate::policy::pattern;
use crate::policy::variable::{Syntax, Template};

/// The values of a policy, compiled for what they are compared with. What was malformed is left
/// out, since it matches nothing.
pub(super) enum Test {
    Equals(Box<[Template]>),
    EqualsIgnoreCase(Box<[Template]>),
    Like(Box<[Template]>),
    Arn(Box<[Template]>),
    Numeric(Order, Box<[Number]>),
    Date(Order, Box<[Timestamp]>),
    Bool(Box<[bool]>),
    Binary(Box<[Vec<u8>]>),
    Ip(Box<[IpRange]>),
    /// Whether the key must be missing.
    Null(Box<[bool]>),
}

impl Test {
    /// # Errors
    ///
    /// The reason, when a value has a malformed policy variable.
    pub(super) fn compile(
        comparison: Comparison,
        values: &[Cow<'_, str>],
        variables: bool,
    ) -> Result<Self, String> {
        let templates = |wildcards| -> Result<Box<[Template]>, String> {
            let syntax = Syntax {
                wildcards,
                variables,
            };
            values
                .iter()
                .map(|value| Template::parse(value, syntax))
                .collect()
        };
        Ok(match comparison {
            Comparison::StringEquals => Self::Equals(templates(false)?),
            Comparison::StringEqualsIgnoreCase => Self::EqualsIgnoreCase(templates(false)?),
            Comparison::StringLike => Self::Like(templates(true)?),
            Comparison::Arn => Self::Arn(templates(true)?),
            Comparison::Numeric(order) => Self::Numeric(order, parsed(values, Number::parse)),
            Comparison::Date(order) => Self::Date(order, parsed(values, date::parse)),
            Comparison::Bool => Self::Bool(parsed(values, boolean)),
            Comparison::Binary => Self::Binary(parsed(values, binary)),
            Comparison::Ip => Self::Ip(parsed(values, IpRange::parse)),
            Comparison::Null => Self::Null(parsed(values, boolean)),
        })
    }

    /// Whether a value of the request matches one of the policy's.
    pub(super) fn matches(&self, value: &str, context: &dyn Context) -> bool {
        match self {
            Self::Equals(values) => any(values, context, |wanted| wanted == value.as_bytes()),
            Self::EqualsIgnoreCase(values) => {
                any(values, context, |wanted| equal_ignoring_case(wanted, value))
            }
            Self::Like(values) => any(values, context, |wanted| {
                pattern::matches(wanted, value.as_bytes())
            }),
            Self::Arn(values) => any(values, context, |wanted| arn_like(wanted, value)),
            Self::Numeric(order, values) => compare(*order, Number::parse(value).as_ref(), values),
            Self::Date(order, values) => compare(*order, date::parse(value).as_ref(), values),
            Self::Bool(values) => boolean(value).is_some_and(|value| values.contains(&value)),
            Self::Binary(values) => binary(value).is_some_and(|value| values.contains(&value)),
            Self::Ip(ranges) => value
                .parse()
                .is_ok_and(|address| ranges.iter().any(|range| range.contains(address))),
            Self::Null(_) => false,
        }
    }

    /// Whether only the texts that are written out can match, or only `true`. There must be one.
    pub(super) fn is_fixed(&self) -> bool {
        match self {
            Self::Equals(values)
            | Self::EqualsIgnoreCase(values)
            | Self::Like(values)
            | Self::Arn(values) => !values.is_empty() && values.iter().all(Template::is_one_text),
            Self::Bool(values) => !values.is_empty() && values.iter().all(|value| *value),
            Self::Numeric(..) | Self::Date(..) | Self::Binary(_) | Self::Ip(_) | Self::Null(_) => {
                false
            }
        }
    }
}

fn any(templates: &[Template], context: &dyn Context, test: impl Fn(&[u8]) -> bool) -> bool {
    templates.iter().any(|template| {
        template
            .resolve(context)
            .is_some_and(|wanted| test(&wanted))
    })
}

fn compare<T: PartialOrd>(order: Order, value: Option<&T>, limits: &[T]) -> bool {
    let accepts = |limit: &T| {
        let ordering = value.and_then(|value| value.partial_cmp(limit));
        ordering.is_some_and(|ordering| order.accepts(ordering))
    };
    limits.iter().any(accepts)
}

fn equal_ignoring_case(wanted: &[u8], value: &str) -> bool {
    std::str::from_utf8(wanted).is_ok_and(|wanted| lower_case(wanted).eq(lower_case(value)))
}

fn lower_case(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn parsed<T>(values: &[Cow<'_, str>], parse: impl Fn(&str) -> Option<T>) -> Box<[T]> {
    values.iter().filter_map(|value| parse(value)).collect()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
