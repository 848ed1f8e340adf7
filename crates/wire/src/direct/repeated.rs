//! The usual batch, read from its bytes at once.
//!
//! The items of a batch repeat most of what they say. What stands in an item as it stood in the one
//! before is neither read nor checked again: it is the same [`Shared`] value. An object
//! ends where its last bracket is, so bytes that go on as an object did are that object.
//!
//! Here the text is only taken apart along its shape. Each part is read by [`super::read`], which
//! refuses what is no JSON, and a wrong cut is none. Whatever is not plainly right gives up, as
//! there.

use std::ops::Deref;
use std::sync::Arc;

use model::shape::{Kind, Member, Shape};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::path::Path;
use crate::shape_check::Check;

/// A part of a request that several items may have. To the client it is what it holds.
pub struct Shared<T>(Arc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Arc::new(value)))
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What a member was in the last item that had it.
pub struct Last<'a, T>(Option<(&'a str, Shared<T>)>);

impl<T> Default for Last<'_, T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Shows `each` the members of the input in `body`, which must read them. `None` if it does not,
/// and if `body` is not plainly an object of this shape.
pub fn object<'a>(
    shape: &'static Shape,
    body: &'a [u8],
    each: impl FnMut(Field<'_, 'a>) -> Option<()>,
) -> Option<()> {
    let rest = std::str::from_utf8(body).ok()?;
    let mut text = Text { rest };
    text.object(shape, each)?;
    text.peek().is_none().then_some(())
}

/// A member that is to be read, or an item of a list.
pub struct Field<'c, 'a> {
    name: &'static str,
    shape: &'static Shape,
    text: &'c mut Text<'a>,
}

impl<'a> Field<'_, 'a> {
    /// The member's name; empty for an item.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Reads it.
    pub fn read<T: DeserializeOwned>(self) -> Option<T> {
        let part = self.text.value()?;
        super::read(self.shape, part.as_bytes())
    }

    /// Reads it, unless it is as it was in the last item. `last` is used for this member alone.
    pub fn shared<T: DeserializeOwned>(self, last: &mut Last<'a, T>) -> Option<Shared<T>> {
        self.text.peek()?;
        if let Last(Some((part, value))) = last
            && let Some(rest) = self.text.rest.strip_prefix(*part)
        {
            self.text.rest = rest;
            return Some(value.clone());
        }
        let part = self.text.value()?;
        let value: T = super::read(self.shape, part.as_bytes())?;
        let value = Shared(Arc::new(value));
        if part.starts_with('{') {
            *last = Last(Some((part, value.clone())));
        }
        Some(value)
    }

    /// Shows `each` the members of an object.
    pub fn members(self, each: impl FnMut(Field<'_, 'a>) -> Option<()>) -> Option<()> {
        self.text.object(self.shape, each)
    }

    /// What `each` makes of the items of a list.
    pub fn items<T>(self, mut each: impl FnMut(Field<'_, 'a>) -> Option<T>) -> Option<Vec<T>> {
        let Kind::List { member, min, max } = self.shape.kind else {
            return None;
        };
        let mut items = Vec::new();
        self.text.sequence(b'[', b']', |text| {
            let (name, shape) = ("", member);
            items.push(each(Field { name, shape, text })?);
            Some(())
        })?;
        let mut check = Check::default();
        check.length(items.len(), min, max, &Path::Root);
        check.is_clean().then_some(items)
    }
}

/// Deeper values are left to the long way, which bounds the nesting of a body.
const DEPTH: usize = 64;

/// JSON that is yet to be read.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    fn object(
        &mut self,
        shape: &'static Shape,
        mut each: impl FnMut(Field<'_, 'a>) -> Option<()>,
    ) -> Option<()> {
        let Kind::Structure(members) = shape.kind else {
            return None;
        };
        let mut seen = 0_u64;
        let bit = |at: usize| 1_u64.checked_shl(u32::try_from(at).ok()?);
        self.sequence(b'{', b'}', |text| {
            let name = text.name()?;
            let at = members.iter().position(|member| member.name == name)?;
            let Member { name, shape, .. } = members.get(at)?;
            let is_new = seen & bit(at)? == 0;
            seen |= bit(at)?;
            is_new.then(|| each(Field { name, shape, text }))?
        })?;
        let is_there = |at| bit(at).is_some_and(|bit| seen & bit != 0);
        let mut members = members.iter().enumerate();
        members
            .all(|(at, member)| !member.required || is_there(at))
            .then_some(())
    }

    /// What stands between brackets and commas.
    fn sequence(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.peek()? == close {
            return self.take(close);
        }
        loop {
            each(self)?;
            if self.peek()? == close {
                return self.take(close);
            }
            self.take(b',')?;
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
        self.rest.as_bytes().first().copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        if self.peek()? != byte {
            return None;
        }
        self.cut(1).map(|_| ())
    }

    fn cut(&mut self, bytes: usize) -> Option<&'a str> {
        let (part, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(part)
    }

    /// The name of a member. One with an escape is left to the long way.
    fn name(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let (name, rest) = self.rest.split_once('"')?;
        self.rest = rest;
        self.take(b':')?;
        (!name.contains('\\')).then_some(name)
    }

    /// The text of a value, as long as brackets and quotes say that it is. Numbers and words are
    /// left to the long way.
    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => continue,
                b'{' | b'[' if depth == DEPTH => return None,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => continue,
            }
            if depth == 0 && !in_string {
                return self.cut(at + 1);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
