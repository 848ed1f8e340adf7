//! The names of the operators.

use std::cmp::Ordering;

/// An operator, taken apart.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub(super) quantifier: Option<Quantifier>,
    /// `…IfExists`.
    pub(super) if_exists: bool,
    /// `…Not…`: the negation of the comparison.
    pub(super) negated: bool,
    pub(super) comparison: Comparison,
}

/// How the values of a multivalued key are combined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Any,
}

/// What is compared, and how.
#[derive(Clone, Copy)]
pub(super) enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// The place of the request's value relative to the policy's.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether a request's value compares in this way to a policy's.
    pub(super) fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// The operators in lower case; `true` for the negated ones.
const OPERATORS: &[(&str, bool, Comparison)] = &[
    ("stringequals", false, Comparison::StringEquals),
    ("stringnotequals", true, Comparison::StringEquals),
    (
        "stringequalsignorecase",
        false,
        Comparison::StringEqualsIgnoreCase,
    ),
    (
        "stringnotequalsignorecase",
        true,
        Comparison::StringEqualsIgnoreCase,
    ),
    ("stringlike", false, Comparison::StringLike),
    ("stringnotlike", true, Comparison::StringLike),
    ("numericequals", false, Comparison::Numeric(Order::Equal)),
    ("numericnotequals", true, Comparison::Numeric(Order::Equal)),
    ("numericlessthan", false, Comparison::Numeric(Order::Less)),
    (
        "numericlessthanequals",
        false,
        Comparison::Numeric(Order::LessOrEqual),
    ),
    (
        "numericgreaterthan",
        false,
        Comparison::Numeric(Order::Greater),
    ),
    (
        "numericgreaterthanequals",
        false,
        Comparison::Numeric(Order::GreaterOrEqual),
    ),
    ("dateequals", false, Comparison::Date(Order::Equal)),
    ("datenotequals", true, Comparison::Date(Order::Equal)),
    ("datelessthan", false, Comparison::Date(Order::Less)),
    (
        "datelessthanequals",
        false,
        Comparison::Date(Order::LessOrEqual),
    ),
    ("dategreaterthan", false, Comparison::Date(Order::Greater)),
    (
        "dategreaterthanequals",
        false,
        Comparison::Date(Order::GreaterOrEqual),
    ),
    ("bool", false, Comparison::Bool),
    ("binaryequals", false, Comparison::Binary),
    ("ipaddress", false, Comparison::Ip),
    ("notipaddress", true, Comparison::Ip),
    ("arnequals", false, Comparison::Arn),
    ("arnlike", false, Comparison::Arn),
    ("arnnotequals", true, Comparison::Arn),
    ("arnnotlike", true, Comparison::Arn),
    ("null", false, Comparison::Null),
];

impl Operator {
    /// Reads a name without regard to case; `None` when it is unknown. `Null` has neither prefixes
    /// nor suffixes.
    pub(in crate::policy) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (quantifier, name) = match name.split_once(':') {
            None => (None, name.as_str()),
            Some(("forallvalues", name)) => (Some(Quantifier::All), name),
            Some(("foranyvalue", name)) => (Some(Quantifier::Any), name),
            Some(_) => return None,
        };
        let (if_exists, name) = match name.strip_suffix("ifexists") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let (_, negated, comparison) = *OPERATORS.iter().find(|(known, ..)| *known == name)?;
        let modified = quantifier.is_some() || if_exists;
        if matches!(comparison, Comparison::Null) && modified {
            return None;
        }
        Some(Self {
            quantifier,
            if_exists,
            negated,
            comparison,
        })
    }
}
