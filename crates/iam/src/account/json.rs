//! A JSON value that knows its path in the file, for errors that name it.

use serde_json::{Map, Value};

use super::AccountFileError;

/// A value and its path.
pub(super) struct Node<'v> {
    value: &'v Value,
    path: String,
}

/// An object and its path.
pub(super) struct Object<'v> {
    members: &'v Map<String, Value>,
    path: String,
}

impl<'v> Node<'v> {
    /// The value that the whole file is.
    pub(super) fn root(value: &'v Value) -> Self {
        Self {
            value,
            path: String::new(),
        }
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> AccountFileError {
        error(&self.path, reason)
    }

    /// Where in the file the value stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn value(&self) -> &'v Value {
        self.value
    }

    pub(super) fn is_array(&self) -> bool {
        self.value.is_array()
    }

    /// The object that this value must be. A member that is spelt like one of `known` but for
    /// upper and lower case, `_` and `-` is an error; other members are ignored.
    pub(super) fn object(&self, known: &[&str]) -> Result<Object<'v>, AccountFileError> {
        let members = self
            .value
            .as_object()
            .ok_or_else(|| self.must_be("an object"))?;
        for name in members
            .keys()
            .filter(|name| !known.contains(&name.as_str()))
        {
            let alike = |right: &&&str| letters(right).eq(letters(name));
            if let Some(right) = known.iter().find(alike) {
                let reason = format!("unknown member, write `{right}`");
                return Err(error(&member(&self.path, name), reason));
            }
        }
        Ok(Object {
            members,
            path: self.path.clone(),
        })
    }

    /// The items of the array that this value must be.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Node<'v>>, AccountFileError> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.must_be("an array"))?;
        let path = self.path.clone();
        Ok(items.iter().enumerate().map(move |(at, value)| Node {
            value,
            path: format!("{path}[{at}]"),
        }))
    }

    /// The string that this value must be.
    pub(super) fn text(&self) -> Result<&'v str, AccountFileError> {
        self.value.as_str().ok_or_else(|| self.must_be("a string"))
    }

    /// The string that this value must be, which must not be empty.
    pub(super) fn filled(&self) -> Result<&'v str, AccountFileError> {
        let text = self.text()?;
        if text.is_empty() {
            return Err(self.error("must not be empty"));
        }
        Ok(text)
    }

    /// The Boolean that this value must be.
    pub(super) fn boolean(&self) -> Result<bool, AccountFileError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.must_be("true or false"))
    }

    fn must_be(&self, wanted: &str) -> AccountFileError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a Boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.error(format!("must be {wanted}, not {found}"))
    }
}

impl<'v> Object<'v> {
    pub(super) fn error(&self, reason: impl Into<String>) -> AccountFileError {
        error(&self.path, reason)
    }

    /// A member; `null` counts as absent.
    pub(super) fn optional(&self, name: &str) -> Option<Node<'v>> {
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        Some(Node {
            value,
            path: member(&self.path, name),
        })
    }

    /// A member that must be there.
    pub(super) fn required(&self, name: &str) -> Result<Node<'v>, AccountFileError> {
        self.optional(name)
            .ok_or_else(|| error(&member(&self.path, name), "is missing"))
    }

    /// The items of the array that a member must be; none when it is absent.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Node<'v>>, AccountFileError> {
        self.optional(name)
            .map_or_else(|| Ok(Vec::new()), |node| Ok(node.items()?.collect()))
    }

    /// The text of a member that may be absent.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'v str>, AccountFileError> {
        self.optional(name).map(|node| node.text()).transpose()
    }
}

fn error(path: &str, reason: impl Into<String>) -> AccountFileError {
    let path = if path.is_empty() { "the file" } else { path };
    AccountFileError::Content {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .map(|c| c.to_ascii_lowercase())
}
