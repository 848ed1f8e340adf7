//! Values of the wire become Cedar's values.
//!
//! They are made as Cedar's evaluator would make them, without an expression for it to evaluate. An
//! expression is made only of what is refused, for Cedar's own text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cedar_policy::RestrictedExpression;
use cedar_policy_core::ast::{
    BorrowedRestrictedExpr, Context, ExtensionFunction, Name, PartialValue, Value, ValueKind,
};
use cedar_policy_core::evaluator::{EvaluationError, RestrictedEvaluator};
use cedar_policy_core::extensions::Extensions;
use model::verified_permissions::types::{AttributeValue, CedarTagValue};

use crate::cedar::translate::entity_uid_of;
use crate::error::Error;

/// The members of a record of the wire.
pub(crate) struct Record<'a> {
    /// Those up to here stand for nothing if there is a `refused` one.
    pub(crate) members: Vec<(&'a str, Value)>,
    /// The key of the first that Cedar refuses, and why.
    pub(crate) refused: Option<(&'a str, EvaluationError)>,
}

impl Record<'_> {
    /// The members as a context.
    pub(crate) fn into_context(self) -> Context {
        match Value::record(self.members, None).value {
            ValueKind::Record(members) => Context::Value(members),
            ValueKind::Lit(_) | ValueKind::Set(_) | ValueKind::ExtensionValue(_) => {
                Context::empty()
            }
        }
    }
}

/// A value of the wire: an attribute's or a tag's, which have the same members.
pub(crate) trait WireValue: Sized {
    /// Fails for what is no name of an entity type. The first value that Cedar refuses comes to
    /// stand in `refused`, since it counts only if all names are right.
    fn to_value(
        &self,
        path: &dyn Fn() -> String,
        refused: &mut Option<EvaluationError>,
    ) -> Result<Value, Error>;
}

macro_rules! wire_value {
    ($value:ident) => {
        impl WireValue for $value {
            fn to_value(
                &self,
                path: &dyn Fn() -> String,
                refused: &mut Option<EvaluationError>,
            ) -> Result<Value, Error> {
                Ok(match self {
                    Self::Boolean(value) => Value::from(*value),
                    Self::Long(value) => Value::from(*value),
                    Self::String(value) => Value::from(value.as_str()),
                    Self::EntityIdentifier(identifier) => {
                        let path = || format!("{}/entityIdentifier", path());
                        Value::from(entity_uid_of(identifier, &path)?)
                    }
                    Self::Set(values) => set(values, &|| format!("{}/set", path()), refused)?,
                    Self::Record(values) => {
                        let record = record(values, &|| format!("{}/record", path()))?;
                        if let Some((_, error)) = record.refused {
                            refused.get_or_insert(error);
                        }
                        Value::record(record.members, None)
                    }
                    Self::Ipaddr(text) => IP.call(text, refused),
                    Self::Decimal(text) => DECIMAL.call(text, refused),
                    Self::Datetime(text) => DATETIME.call(text, refused),
                    Self::Duration(text) => DURATION.call(text, refused),
                })
            }
        }
    };
}

wire_value!(AttributeValue);
wire_value!(CedarTagValue);

fn set<V: WireValue>(
    values: &[V],
    path: &dyn Fn() -> String,
    refused: &mut Option<EvaluationError>,
) -> Result<Value, Error> {
    let mut members = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        members.push(value.to_value(&|| format!("{}/{at}", path()), refused)?);
    }
    Ok(Value::set(members, None))
}

/// Reads a record; fails for what is no name of an entity type.
pub(crate) fn record<'a, V: WireValue>(
    values: &'a BTreeMap<String, V>,
    path: &dyn Fn() -> String,
) -> Result<Record<'a>, Error> {
    let mut record = Record {
        members: Vec::with_capacity(values.len()),
        refused: None,
    };
    for (key, value) in values {
        let mut refused = None;
        let value = value.to_value(&|| format!("{}/{key}", path()), &mut refused)?;
        if let Some(error) = refused {
            record.refused.get_or_insert((key, error));
        }
        record.members.push((key, value));
    }
    Ok(record)
}

/// How the values of an extension type are made of texts. Cedar looks its functions up by their names,
/// which it would parse for each value.
struct Constructor {
    function: LazyLock<Option<&'static ExtensionFunction>>,
    expression: fn(&str) -> RestrictedExpression,
}

static IP: Constructor = Constructor {
    function: LazyLock::new(|| function("ip")),
    expression: |text| RestrictedExpression::new_ip(text),
};
static DECIMAL: Constructor = Constructor {
    function: LazyLock::new(|| function("decimal")),
    expression: |text| RestrictedExpression::new_decimal(text),
};
static DATETIME: Constructor = Constructor {
    function: LazyLock::new(|| function("datetime")),
    expression: |text| RestrictedExpression::new_datetime(text),
};
static DURATION: Constructor = Constructor {
    function: LazyLock::new(|| function("duration")),
    expression: |text| RestrictedExpression::new_duration(text),
};

fn function(name: &str) -> Option<&'static ExtensionFunction> {
    let name: Name = name.parse().ok()?;
    Extensions::all_available().func(&name).ok()
}

/// The value of an extension type that a text stands for, if it does.
pub(crate) fn extension(name: &Name, text: &str) -> Option<Value> {
    let constructors = [
        ("ipaddr", &IP),
        ("decimal", &DECIMAL),
        ("datetime", &DATETIME),
    ];
    let mut constructors = constructors.into_iter().chain([("duration", &DURATION)]);
    let name = name.to_string();
    let (_, constructor) = constructors.find(|(known, _)| *known == name)?;
    constructor.make(text)
}

impl Constructor {
    fn make(&self, text: &str) -> Option<Value> {
        let made = self
            .function
            .and_then(|function| function.call(&[Value::from(text)]).ok());
        match made {
            Some(PartialValue::Value(value)) => Some(value),
            Some(PartialValue::Residual(_)) | None => None,
        }
    }

    fn call(&self, text: &str, refused: &mut Option<EvaluationError>) -> Value {
        if let Some(value) = self.make(text) {
            return value;
        }
        let expression = (self.expression)(text);
        let expression: BorrowedRestrictedExpr<'_> = AsRef::as_ref(&expression).as_borrowed();
        match RestrictedEvaluator::new(Extensions::all_available()).interpret(expression) {
            Ok(value) => value,
            Err(error) => {
                refused.get_or_insert(error);
                Value::from(false)
            }
        }
    }
}
