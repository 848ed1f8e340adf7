//! Whether a JSON value is what a shape asks for.
//!
//! This is a pass of its own, before serde: serde stops at the first fault, while the service
//! lists every violated constraint with its path. The texts are those of Smithy's server-side
//! validation.

use model::shape::{Kind, Member, Pattern, Shape};
use serde_json::{Map, Value};

use crate::path::Path;

/// The most violations that are reported: a hostile input must not blow up its answer.
const MAX_VIOLATIONS: usize = 100;

/// Why a value is refused.
#[derive(Debug, PartialEq)]
pub enum Rejection {
    /// The request is not what the protocol asks for, for instance no JSON; the text says why.
    Malformed(String),
    /// A JSON type is wrong.
    WrongType(Violation),
    /// The types are right, but these constraints are violated: at least 1 and at most 100, in the
    /// order of the shape's members.
    Invalid(Vec<Violation>),
}

/// A violated constraint, or a wrong type.
#[derive(Debug, PartialEq)]
pub struct Violation {
    /// Where, as a JSON pointer: `/requests/3/policyId`.
    pub path: String,
    /// Which constraint. It never quotes the value, which may be sensitive.
    pub message: String,
}

/// Checks `value` against `shape` and gives it back without the members that are null (they count
/// as absent) or unknown to the shape (newer SDKs may send them).
///
/// A null item of a list or map is a [`Rejection::WrongType`]: leaving it out silently would
/// change what the rest means. `value` should come from [`crate::aws_json::parse_body`], which
/// bounds its depth, because this function recurses.
pub fn shape_check(shape: &Shape, mut value: Value) -> Result<Value, Rejection> {
    let mut check = Check::default();
    check.value(shape, &mut value, &Path::Root)?;
    if check.violations.is_empty() {
        Ok(value)
    } else {
        Err(Rejection::Invalid(check.violations))
    }
}

/// The constraints that are violated so far.
#[derive(Default)]
pub(crate) struct Check {
    violations: Vec<Violation>,
}

impl Check {
    /// Whether none is.
    pub(crate) fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    fn value(&mut self, shape: &Shape, value: &mut Value, at: &Path<'_>) -> Result<(), Rejection> {
        match (&shape.kind, value) {
            (Kind::Structure(members), Value::Object(map)) => self.structure(members, map, at),
            (Kind::Union(members), Value::Object(map)) => self.union(members, map, at),
            (Kind::List { member, min, max }, Value::Array(items)) => {
                self.length(items.len(), *min, *max, at);
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(member, item, &Path::Index(at, index))?;
                }
                Ok(())
            }
            (
                Kind::Map {
                    key,
                    value,
                    min,
                    max,
                },
                Value::Object(map),
            ) => {
                self.length(map.len(), *min, *max, at);
                for (name, item) in map.iter_mut() {
                    let at = Path::Key(at, name);
                    self.text(&key.kind, name, &at);
                    self.value(value, item, &at)?;
                }
                Ok(())
            }
            (kind @ Kind::String { .. }, Value::String(text)) => {
                self.text(kind, text, at);
                Ok(())
            }
            (Kind::Integer { min, max }, Value::Number(number)) => {
                let number = number.as_i64().filter(|n| i32::try_from(*n).is_ok());
                self.range(number.ok_or_else(|| wrong_type(shape, at))?, *min, *max, at);
                Ok(())
            }
            (Kind::Long { min, max }, Value::Number(number)) => {
                self.range(
                    number.as_i64().ok_or_else(|| wrong_type(shape, at))?,
                    *min,
                    *max,
                    at,
                );
                Ok(())
            }
            (Kind::Boolean, Value::Bool(_)) => Ok(()),
            _ => Err(wrong_type(shape, at)),
        }
    }

    fn structure(
        &mut self,
        members: &[Member],
        map: &mut Map<String, Value>,
        at: &Path<'_>,
    ) -> Result<(), Rejection> {
        keep_members(members, map);
        for member in members {
            let at = Path::Key(at, member.name);
            match map.get_mut(member.name) {
                Some(value) => self.value(member.shape, value, &at)?,
                None if member.required => self.violated(&at, || "Member must not be null".into()),
                None => {}
            }
        }
        Ok(())
    }

    fn union(
        &mut self,
        members: &[Member],
        map: &mut Map<String, Value>,
        at: &Path<'_>,
    ) -> Result<(), Rejection> {
        keep_members(members, map);
        if map.len() != 1 {
            self.violated(at, || "Member must have exactly one member set".into());
            return Ok(());
        }
        self.structure(members, map, at)
    }

    /// Checks a text against the constraints of a string shape.
    pub(crate) fn text(&mut self, kind: &Kind, text: &str, at: &Path<'_>) {
        let Kind::String {
            min,
            max,
            pattern,
            values,
        } = kind
        else {
            return;
        };
        // A character has one to four bytes.
        let fits = max.is_none_or(|max| text.len() <= max)
            && min.is_none_or(|min| text.len().div_ceil(4) >= min);
        if !fits {
            self.length(text.chars().count(), *min, *max, at);
        }
        if let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            self.violated(at, || must_match(pattern));
        }
        if !values.is_empty() && !values.contains(&text) {
            self.violated(at, || {
                format!(
                    "Member must satisfy enum value set: [{}]",
                    values.join(", ")
                )
            });
        }
    }

    /// Checks how many items, entries or characters there are.
    pub(crate) fn length(
        &mut self,
        length: usize,
        min: Option<usize>,
        max: Option<usize>,
        at: &Path<'_>,
    ) {
        if min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max) {
            let bounds = bounds(min, max);
            self.push(at, &format!("Value with length {length}"), || {
                format!("Member must have length {bounds}")
            });
        }
    }

    /// Checks a number against its bounds.
    pub(crate) fn range(&mut self, number: i64, min: Option<i64>, max: Option<i64>, at: &Path<'_>) {
        if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
            let bounds = bounds(min, max);
            self.violated(at, || format!("Member must be {bounds}"));
        }
    }

    fn violated(&mut self, at: &Path<'_>, constraint: impl FnOnce() -> String) {
        self.push(at, "Value", constraint);
    }

    fn push(&mut self, at: &Path<'_>, value: &str, constraint: impl FnOnce() -> String) {
        if self.violations.len() < MAX_VIOLATIONS {
            let path = at.pointer();
            let constraint = constraint();
            let message = format!("{value} at '{path}' failed to satisfy constraint: {constraint}");
            self.violations.push(Violation { path, message });
        }
    }
}

fn keep_members(members: &[Member], map: &mut Map<String, Value>) {
    map.retain(|name, value| !value.is_null() && members.iter().any(|member| member.name == name));
}

fn must_match(pattern: &Pattern) -> String {
    format!(
        "Member must satisfy regular expression pattern: ^{}$",
        pattern.source()
    )
}

fn bounds<N: std::fmt::Display>(min: Option<N>, max: Option<N>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("between {min} and {max}, inclusive"),
        (Some(min), None) => format!("greater than or equal to {min}"),
        (None, Some(max)) => format!("less than or equal to {max}"),
        (None, None) => String::new(),
    }
}

fn wrong_type(shape: &Shape, at: &Path<'_>) -> Rejection {
    let expected = match shape.kind {
        Kind::Structure(_) | Kind::Union(_) | Kind::Map { .. } => "an object",
        Kind::List { .. } => "an array",
        Kind::String { .. } => "a string",
        Kind::Integer { .. } => "a 32-bit whole number",
        Kind::Long { .. } => "a 64-bit whole number",
        Kind::Boolean => "a boolean",
    };
    let path = at.pointer();
    let message = format!("Value at '{path}' must be {expected}");
    Rejection::WrongType(Violation { path, message })
}

#[cfg(test)]
mod tests;
