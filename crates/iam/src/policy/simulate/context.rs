//! The condition keys of a question.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::SimulateError;
use crate::policy::{Context, Values};
use crate::{Principal, PrincipalKind};

/// Condition keys in lower case.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<String, Given>);

/// What a question says about a key.
enum Given {
    One(String),
    Many(Vec<String>),
    Removed,
}

impl Context for Keys {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match self.0.get(key)? {
            Given::One(value) => Some(Values::One(Cow::Borrowed(value))),
            Given::Many(values) => {
                let values = values.iter().map(|value| Cow::Borrowed(value.as_str()));
                Some(Values::Many(values.collect()))
            }
            Given::Removed => None,
        }
    }
}

impl Keys {
    /// Reads the member `context`.
    pub(super) fn read(context: &Map<String, Value>) -> Result<Self, SimulateError> {
        let mut keys = Self::default();
        for (name, value) in context {
            let error = |reason: &str| SimulateError::new(format!("context.{name}"), reason);
            let given = given(value).ok_or_else(|| {
                error("must be a string, a number, a Boolean, null, or a list of such values")
            })?;
            if keys.0.insert(name.to_ascii_lowercase(), given).is_some() {
                return Err(error(
                    "occurs twice: the names of keys are the same in upper and lower case",
                ));
            }
        }
        Ok(keys)
    }

    /// Adds the account of the resource, if it is not given.
    pub(super) fn complete_resource(&mut self, account: &str) {
        self.fallback("aws:resourceaccount", account);
    }

    /// Adds what follows from the principal and is not given.
    pub(super) fn complete(&mut self, principal: &mut Principal) {
        let kind = match &principal.kind {
            PrincipalKind::Root => "Account",
            PrincipalKind::User { name } => {
                let name = name.clone();
                self.fallback("aws:username", &name);
                "User"
            }
            PrincipalKind::AssumedRole { .. } => "AssumedRole",
        };
        self.fallback("aws:principaltype", kind);
        self.fallback("aws:principalarn", principal.principal_arn());
        self.fallback("aws:principalaccount", principal.account.as_str());
        if principal.kind == PrincipalKind::Root {
            self.fallback("aws:userid", principal.account.as_str());
        }
        if let Some(Given::One(id)) = self.0.get("aws:userid") {
            principal.user_id.clone_from(id);
        }
    }

    fn fallback(&mut self, key: &str, value: &str) {
        let entry = self.0.entry(key.to_owned());
        entry.or_insert_with(|| Given::One(value.to_owned()));
    }
}

fn given(value: &Value) -> Option<Given> {
    match value {
        Value::Null => Some(Given::Removed),
        Value::Array(list) => {
            let mut values: Vec<String> = list.iter().map(text).collect::<Option<_>>()?;
            // Whoever always writes lists means the value of a single-valued key by a list of one.
            Some(match (values.pop(), values.is_empty()) {
                (Some(only), true) => Given::One(only),
                (last, _) => Given::Many(values.into_iter().chain(last).collect()),
            })
        }
        Value::String(_) | Value::Number(_) | Value::Bool(_) => text(value).map(Given::One),
        Value::Object(_) => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
