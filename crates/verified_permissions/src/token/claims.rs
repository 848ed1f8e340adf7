//! Claims of tokens become Cedar's values.
//!
//! Strings, whole numbers, booleans, arrays and objects are what Cedar calls string, long, bool, set
//! and record; `null` and other numbers have no counterpart and are left out. Where the schema
//! declares a record, it says which claims go into it and what they are. Claims are never read as
//! Cedar's JSON: in that, who controls a claim could write references to entities.

use cedar_policy_core::ast::Value;
use cedar_policy_core::validator::types::{Attributes, Type};
use serde_json::{Map, Value as Json};

use crate::cedar::values;

/// The claims of one token.
pub(crate) type Claims = Map<String, Json>;

/// The claim that access tokens list their scopes in, separated by spaces; to policies it is a set.
const SCOPE: &str = "scope";

/// Prefixes of the claims of Amazon Cognito, which policies may also write as records:
/// `principal.custom.tier` for `custom:tier`.
const COGNITO_PREFIXES: [&str; 3] = ["cognito", "custom", "dev"];

/// Why claims are not what they should be.
#[derive(PartialEq, Debug)]
pub(crate) enum Fault {
    /// The schema requires this one, and the token lacks it.
    Missing(String),
    /// This one has not the type that the schema declares.
    Mistyped { claim: String, expected: String },
    /// The token has this one, and also claims that start with it and a colon.
    Ambiguous(&'static str),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(claim) => {
                write!(f, "it lacks the claim `{claim}`, which the schema requires")
            }
            Self::Mistyped { claim, expected } => write!(
                f,
                "its claim `{claim}` is not of the type {expected}, which the schema declares"
            ),
            Self::Ambiguous(name) => write!(
                f,
                "it has a claim `{name}` beside claims that start with `{name}:`"
            ),
        }
    }
}

/// Bytes of memory of a claim or of the value that is made of it, without its texts: measured over
/// lists and objects of small claims.
const NODE_BYTES: usize = 120;
/// The same of an object or a record.
const OBJECT_BYTES: usize = 700;

/// Bytes of memory of claims, roughly.
pub(crate) fn weight(claims: &Claims) -> usize {
    let member = |(name, claim): (&String, &Json)| name.len() + NODE_BYTES + weight_of(claim);
    OBJECT_BYTES + claims.iter().map(member).sum::<usize>()
}

fn weight_of(claim: &Json) -> usize {
    match claim {
        Json::Null | Json::Bool(_) | Json::Number(_) => NODE_BYTES,
        Json::String(text) => NODE_BYTES + text.len(),
        Json::Array(values) => NODE_BYTES + values.iter().map(weight_of).sum::<usize>(),
        Json::Object(members) => weight(members),
    }
}

/// Adds the records that stand for the prefixed claims of Amazon Cognito, but for `groups`, which
/// become parents.
pub(crate) fn nest(claims: &mut Claims, groups: Option<&str>) -> Result<(), Fault> {
    for prefix in COGNITO_PREFIXES {
        let nested = |(name, value): (&String, &Json)| {
            let rest = name.strip_prefix(prefix)?.strip_prefix(':')?;
            Some((rest.to_owned(), value.clone()))
        };
        let prefixed = claims
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != groups);
        let record: Map<String, Json> = prefixed.filter_map(nested).collect();
        if record.is_empty() {
            continue;
        }
        if claims.contains_key(prefix) {
            return Err(Fault::Ambiguous(prefix));
        }
        claims.insert(prefix.to_owned(), Json::Object(record));
    }
    Ok(())
}

/// The claims as the members of a record: those that `declared` names, or all but `groups`.
pub(crate) fn members<'a>(
    claims: &'a Claims,
    declared: Option<&'a Attributes>,
    groups: Option<&str>,
) -> Result<Vec<(&'a str, Value)>, Fault> {
    if let Some(declared) = declared {
        return typed_members(claims, declared, "");
    }
    let member = |(name, claim): (&'a String, &'a Json)| {
        let scopes = claim.as_str().filter(|_| name == SCOPE);
        let value = scopes.map(words).or_else(|| natural(claim))?;
        Some((name.as_str(), value))
    };
    let others = claims
        .iter()
        .filter(|(name, _)| Some(name.as_str()) != groups);
    Ok(others.filter_map(member).collect())
}

fn words(text: &str) -> Value {
    Value::set(text.split_whitespace().map(Value::from), None)
}

fn natural(claim: &Json) -> Option<Value> {
    Some(match claim {
        Json::Null => return None,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => Value::from(number.as_i64()?),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => Value::set(values.iter().filter_map(natural), None),
        Json::Object(members) => {
            let members = members.iter();
            let members =
                members.filter_map(|(name, claim)| Some((name.as_str(), natural(claim)?)));
            Value::record(members, None)
        }
    })
}

/// The declared members; `within` is the path of the record in the token, with its dot.
fn typed_members<'a>(
    claims: &'a Map<String, Json>,
    declared: &'a Attributes,
    within: &str,
) -> Result<Vec<(&'a str, Value)>, Fault> {
    let mut members = Vec::new();
    for (name, attribute) in declared.iter() {
        match claims.get(name.as_str()) {
            None | Some(Json::Null) if attribute.is_required => {
                return Err(Fault::Missing(format!("{within}{name}")));
            }
            None | Some(Json::Null) => {}
            Some(claim) => {
                let at = || format!("{within}{name}");
                let value = typed(claim, &attribute.attr_type, &at)?;
                members.push((name.as_str(), value));
            }
        }
    }
    Ok(members)
}

fn typed(claim: &Json, declared: &Type, at: &dyn Fn() -> String) -> Result<Value, Fault> {
    let found = match (declared, claim) {
        (Type::Bool(_), Json::Bool(value)) => Some(Value::from(*value)),
        (Type::Long, Json::Number(number)) => number.as_i64().map(Value::from),
        (Type::String, Json::String(text)) => Some(Value::from(text.as_str())),
        (Type::ExtensionType { name }, Json::String(text)) => values::extension(name, text),
        (Type::Set { element_type }, Json::Array(values)) => {
            let element = |value| match element_type {
                Some(element) => typed(value, element, at).map(Some),
                None => Ok(natural(value)),
            };
            let values: Result<Vec<_>, _> = values.iter().map(element).collect();
            Some(Value::set(values?.into_iter().flatten(), None))
        }
        // What may be one or several, such as `aud`, comes as a string when it is one; `scope` is
        // always a string.
        (Type::Set { element_type }, Json::String(text))
            if element_type.as_deref() == Some(&Type::String) =>
        {
            if at() == SCOPE {
                Some(words(text))
            } else {
                Some(Value::set([Value::from(text.as_str())], None))
            }
        }
        (Type::Record { attrs, .. }, Json::Object(members)) => {
            let members = typed_members(members, attrs, &format!("{}.", at()))?;
            Some(Value::record(members, None))
        }
        _ => None,
    };
    found.ok_or_else(|| Fault::Mistyped {
        claim: at(),
        expected: declared.to_string(),
    })
}

#[cfg(test)]
mod tests;
