//! From the JSON of a document to [`Document`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::action::{self, Actions};
use super::condition::{Condition, Operator};
use super::document::{Document, DocumentError, DocumentKind, Effect, Statement};
use super::principal::{Name, Principals};
use super::resource::{self, Resources};

const DOCUMENT: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

type Object = Map<String, Value>;

/// What all statements of a document share.
#[derive(Clone, Copy)]
struct Dialect {
    kind: DocumentKind,
    /// Whether `${…}` is a variable.
    variables: bool,
}

pub(super) fn document(kind: DocumentKind, value: &Value) -> Result<Document, DocumentError> {
    let object = object(value)?;
    known_members(object, DOCUMENT)?;
    optional_text(object, "Id")?;
    let variables = match optional_text(object, "Version")? {
        Some("2012-10-17") => true,
        Some("2008-10-17") | None => false,
        Some(_) => {
            let reason = "must be `2012-10-17` or `2008-10-17`";
            return Err(DocumentError::new(reason).within("Version", "."));
        }
    };
    let dialect = Dialect { kind, variables };
    let statements = match object.get("Statement") {
        None => return Err(DocumentError::new("needs `Statement`")),
        Some(Value::Array(list)) => statements(list, dialect)?,
        Some(single) => {
            vec![statement(single, dialect).map_err(|e| in_statement(e, None, single))?]
        }
    };
    if statements.is_empty() && kind != DocumentKind::Identity {
        return Err(DocumentError::new("must not be empty").within("Statement", "."));
    }
    Ok(Document {
        kind,
        statements: statements.into(),
    })
}

fn statements(list: &[Value], dialect: Dialect) -> Result<Vec<Statement>, DocumentError> {
    let mut statements = Vec::with_capacity(list.len());
    let mut sids = HashSet::new();
    for (at, value) in list.iter().enumerate() {
        let located = |error| in_statement(error, Some(at), value);
        let statement = statement(value, dialect).map_err(located)?;
        if let Some(sid) = &statement.sid
            && !sids.insert(Arc::clone(sid))
            && dialect.kind != DocumentKind::Trust
        {
            return Err(located(DocumentError::new("the `Sid` occurs twice")));
        }
        statements.push(statement);
    }
    Ok(statements)
}

/// Names the statement in front of the path of a fault: `Statement[1] ("AllowAdmins"): Action`.
fn in_statement(error: DocumentError, at: Option<usize>, value: &Value) -> DocumentError {
    let place = at.map_or_else(|| "Statement".to_owned(), |at| format!("Statement[{at}]"));
    match value.get("Sid").and_then(Value::as_str) {
        Some(sid) if !sid.is_empty() => error.within(&format!("{place} ({sid:?})"), ": "),
        Some(_) | None => error.within(&place, ": "),
    }
}

fn statement(value: &Value, dialect: Dialect) -> Result<Statement, DocumentError> {
    let object = object(value)?;
    known_members(object, STATEMENT)?;
    let sid = optional_text(object, "Sid")?;
    let effect = match optional_text(object, "Effect")? {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(_) => {
            return Err(DocumentError::new("must be `Allow` or `Deny`").within("Effect", "."));
        }
        None => return Err(DocumentError::new("needs `Effect`")),
    };
    Ok(Statement {
        sid: sid.filter(|sid| !sid.is_empty()).map(Arc::from),
        effect,
        principals: principals(object, dialect.kind)?,
        actions: actions(object)?,
        resources: resources(object, dialect)?,
        conditions: conditions(object, dialect.variables)?,
    })
}

fn principals(object: &Object, kind: DocumentKind) -> Result<Option<Principals>, DocumentError> {
    if kind == DocumentKind::Identity {
        forbidden(
            object,
            ["Principal", "NotPrincipal"],
            "an identity-based policy",
        )?;
        return Ok(None);
    }
    let (name, negated, value) = one_of(object, "Principal", "NotPrincipal")?;
    let names = names(value).map_err(|error| error.within(name, "."))?;
    Ok(Some(Principals::new(negated, names)))
}

/// The names that can match: services, federated and canonical users make no requests here.
fn names(value: &Value) -> Result<Vec<Name>, DocumentError> {
    if value.as_str() == Some("*") {
        return Ok(vec![Name::Everyone]);
    }
    let Some(kinds) = value.as_object() else {
        return Err(DocumentError::new("must be `*` or an object"));
    };
    let mut names = Vec::new();
    for (kind, value) in kinds {
        let located = |error: DocumentError| error.within(kind, ".");
        let texts = texts(value).map_err(located)?;
        match kind.as_str() {
            "AWS" => {
                for text in texts {
                    let name =
                        Name::parse(text).map_err(|reason| located(DocumentError::new(reason)))?;
                    names.push(name);
                }
            }
            "Service" | "Federated" | "CanonicalUser" => {}
            _ => return Err(located(DocumentError::new("unknown kind of principal"))),
        }
    }
    Ok(names)
}

fn actions(object: &Object) -> Result<Actions, DocumentError> {
    let (name, negated, value) = one_of(object, "Action", "NotAction")?;
    let located = |error: DocumentError| error.within(name, ".");
    let patterns = texts(value)
        .map_err(located)?
        .into_iter()
        .map(action::parse)
        .collect();
    let patterns: Result<_, String> = patterns;
    let patterns = patterns.map_err(|reason| located(DocumentError::new(reason)))?;
    Ok(Actions::new(negated, patterns))
}

fn resources(object: &Object, dialect: Dialect) -> Result<Option<Resources>, DocumentError> {
    if dialect.kind == DocumentKind::Trust {
        forbidden(object, ["Resource", "NotResource"], "a trust policy")?;
        return Ok(None);
    }
    let (name, negated, value) = one_of(object, "Resource", "NotResource")?;
    let located = |error: DocumentError| error.within(name, ".");
    let mut patterns = Vec::new();
    for text in texts(value).map_err(located)? {
        match resource::parse(text, dialect.variables) {
            Ok(Some(pattern)) => patterns.push(pattern),
            // Cluster policies of AWS's own documentation have such resources.
            Ok(None) if dialect.kind == DocumentKind::Resource => {}
            Ok(None) => {
                let reason = format!("{text:?} must be `*` or start with `arn:`");
                return Err(located(DocumentError::new(reason)));
            }
            Err(reason) => return Err(located(DocumentError::new(reason))),
        }
    }
    Ok(Some(Resources::new(negated, patterns)))
}

fn conditions(statement: &Object, variables: bool) -> Result<Box<[Condition]>, DocumentError> {
    let mut conditions = Vec::new();
    let Some(value) = statement.get("Condition") else {
        return Ok(conditions.into());
    };
    let located = |error: DocumentError| error.within("Condition", ".");
    for (name, keys) in object(value).map_err(located)? {
        let located = |error: DocumentError| located(error.within(name, "."));
        let operator =
            Operator::parse(name).ok_or_else(|| located(DocumentError::new("unknown operator")))?;
        for (key, values) in object(keys).map_err(located)? {
            let condition = scalars(values).and_then(|values| {
                Condition::compile((name, operator), key, &values, variables)
                    .map_err(DocumentError::new)
            });
            conditions.push(condition.map_err(|error| located(error.within(key, ".")))?);
        }
    }
    Ok(conditions.into())
}

/// The one of two elements that a statement must have, and whether it is the negated one.
fn one_of<'v>(
    object: &'v Object,
    plain: &'static str,
    negated: &'static str,
) -> Result<(&'static str, bool, &'v Value), DocumentError> {
    match (object.get(plain), object.get(negated)) {
        (Some(value), None) => Ok((plain, false, value)),
        (None, Some(value)) => Ok((negated, true, value)),
        (None, None) => Err(DocumentError::new(format!(
            "needs `{plain}` or `{negated}`"
        ))),
        (Some(_), Some(_)) => Err(DocumentError::new(format!(
            "has both `{plain}` and `{negated}`"
        ))),
    }
}

fn forbidden(object: &Object, names: [&str; 2], place: &str) -> Result<(), DocumentError> {
    match names.into_iter().find(|name| object.contains_key(*name)) {
        None => Ok(()),
        Some(name) => {
            Err(DocumentError::new(format!("must not stand in {place}")).within(name, "."))
        }
    }
}

fn object(value: &Value) -> Result<&Object, DocumentError> {
    value
        .as_object()
        .ok_or_else(|| DocumentError::new("must be an object"))
}

fn known_members(object: &Object, known: &[&str]) -> Result<(), DocumentError> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(DocumentError::new("unknown element").within(name, ".")),
    }
}

fn optional_text<'v>(object: &'v Object, name: &str) -> Result<Option<&'v str>, DocumentError> {
    let text = |value: &'v Value| {
        value
            .as_str()
            .ok_or_else(|| DocumentError::new("must be a string").within(name, "."))
    };
    object.get(name).map(text).transpose()
}

/// A string, or a list of strings.
fn texts(value: &Value) -> Result<Vec<&str>, DocumentError> {
    items(value)
        .iter()
        .map(|item| item.as_str())
        .collect::<Option<_>>()
        .ok_or_else(|| DocumentError::new("must be a string or a list of strings"))
}

/// A string, number or Boolean, or a list of them, as texts.
fn scalars(value: &Value) -> Result<Vec<Cow<'_, str>>, DocumentError> {
    items(value)
        .iter()
        .map(scalar)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            DocumentError::new("must be a string, a number, a Boolean, or a list of them")
        })
}

fn items(value: &Value) -> &[Value] {
    match value.as_array() {
        Some(list) => list,
        None => std::slice::from_ref(value),
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
