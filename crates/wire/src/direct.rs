//! The usual input, read from its bytes at once.
//!
//! A request is checked against its shape before it becomes a typed input, because a fault must be
//! told with all others and with its path. Most requests have none: here the shape is checked while serde
//! reads the typed input. Whatever is not plainly right (a violated constraint, a member that the
//! shape does not know or that is repeated) gives up, and [`crate::shape_check`] has the word.

mod parts;
pub mod repeated;

use std::fmt;

use model::shape::{Kind, Shape};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use self::parts::{Entries, Fields, Items, Variants};
use crate::path::Path;
use crate::shape_check::Check;

/// The input in `body`, if it is JSON in which nothing departs from `shape`.
///
/// INVARIANT: what this gives, `shape_check` lets through, and serde reads the same from it.
pub fn read<T: DeserializeOwned>(shape: &'static Shape, body: &[u8]) -> Option<T> {
    let mut check = Check::default();
    let mut json = serde_json::Deserializer::from_str(std::str::from_utf8(body).ok()?);
    let guide = Guide {
        shape,
        check: &mut check,
    };
    let input = T::deserialize(guide.over(&mut json)).ok()?;
    json.end().ok()?;
    Some(input)
}

/// What the next value must look like, and where that is checked.
struct Guide<'a> {
    shape: &'static Shape,
    check: &'a mut Check,
}

/// A deserializer, visitor, seed or access of serde's, under guidance.
struct Guided<'a, T> {
    guide: Guide<'a>,
    inner: T,
}

impl<'a> Guide<'a> {
    fn over<T>(self, inner: T) -> Guided<'a, T> {
        Guided { guide: self, inner }
    }

    fn to(self, shape: &'static Shape) -> Self {
        Self { shape, ..self }
    }

    fn again(&mut self) -> Guide<'_> {
        Guide {
            shape: self.shape,
            check: self.check,
        }
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if !matches!(self.shape.kind, Kind::String { .. }) {
            return Err(unusual());
        }
        self.check.text(&self.shape.kind, text, &Path::Root);
        self.clean()
    }

    fn number<E: Error>(&mut self, number: i64) -> Result<(), E> {
        match self.shape.kind {
            Kind::Integer { min, max } if i32::try_from(number).is_ok() => {
                self.check.range(number, min, max, &Path::Root);
            }
            Kind::Long { min, max } => self.check.range(number, min, max, &Path::Root),
            Kind::Structure(_)
            | Kind::Union(_)
            | Kind::List { .. }
            | Kind::Map { .. }
            | Kind::String { .. }
            | Kind::Integer { .. }
            | Kind::Boolean => return Err(unusual()),
        }
        self.clean()
    }

    fn length<E: Error>(
        &mut self,
        length: usize,
        min: Option<usize>,
        max: Option<usize>,
    ) -> Result<(), E> {
        self.check.length(length, min, max, &Path::Root);
        self.clean()
    }

    fn clean<E: Error>(&self) -> Result<(), E> {
        match self.check.is_clean() {
            true => Ok(()),
            false => Err(unusual()),
        }
    }
}

fn unusual<E: Error>() -> E {
    E::custom("")
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guided<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(self.guide.over(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_option(self.guide.over(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.guide.over(visitor);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if let Kind::Union(_) = self.guide.shape.kind {
            let visitor = self.guide.over(visitor);
            return self.inner.deserialize_enum(name, variants, visitor);
        }
        // A text; serde_json would take an object as well.
        self.inner.deserialize_any(self.guide.over(Choice(visitor)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guided<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        match self.guide.shape.kind {
            Kind::Boolean => self.inner.visit_bool(value),
            Kind::Structure(_)
            | Kind::Union(_)
            | Kind::List { .. }
            | Kind::Map { .. }
            | Kind::String { .. }
            | Kind::Integer { .. }
            | Kind::Long { .. } => Err(unusual()),
        }
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<V::Value, E> {
        self.guide.number(value)?;
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.visit_i64(i64::try_from(value).map_err(|_| unusual())?)
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<V::Value, E> {
        self.guide.text(value)?;
        self.inner.visit_str(value)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(self.guide.over(some))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(self.guide.over(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let Kind::List { member, min, max } = self.guide.shape.kind else {
            return Err(unusual());
        };
        let mut items = Items {
            guide: self.guide.to(member),
            count: 0,
            inner,
        };
        let value = self.inner.visit_seq(&mut items)?;
        let Items {
            mut guide, count, ..
        } = items;
        guide.length(count, min, max)?;
        Ok(value)
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        match self.guide.shape.kind {
            Kind::Structure(members) => self.inner.visit_map(Fields {
                check: self.guide.check,
                members,
                next: None,
                inner,
            }),
            Kind::Map {
                key,
                value,
                min,
                max,
            } => {
                let mut entries = Entries {
                    check: self.guide.check,
                    key,
                    value,
                    count: 0,
                    inner,
                };
                let all = self.inner.visit_map(&mut entries)?;
                let Entries { check, count, .. } = entries;
                // A repeated key counts twice here.
                if min.is_some_and(|min| min > 1) {
                    return Err(unusual());
                }
                Guide { shape: key, check }.length(count, min, max)?;
                Ok(all)
            }
            Kind::Union(_)
            | Kind::List { .. }
            | Kind::String { .. }
            | Kind::Integer { .. }
            | Kind::Long { .. }
            | Kind::Boolean => Err(unusual()),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        match self.guide.shape.kind {
            Kind::Union(members) => self.inner.visit_enum(Variants {
                check: self.guide.check,
                members,
                inner,
            }),
            Kind::Structure(_)
            | Kind::List { .. }
            | Kind::Map { .. }
            | Kind::String { .. }
            | Kind::Integer { .. }
            | Kind::Long { .. }
            | Kind::Boolean => Err(unusual()),
        }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guided<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(self.guide.over(deserializer))
    }
}

/// An enum whose variants are texts.
struct Choice<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Choice<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        self.0.visit_enum(value.into_deserializer())
    }
}

#[cfg(test)]
mod tests;
