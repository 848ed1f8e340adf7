//! What is within lists, maps, structures and unions, under guidance.

use std::fmt;

use model::shape::{Member, Shape};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Guide, Guided, unusual};
use crate::shape_check::Check;

/// The items of a list.
pub(super) struct Items<'a, A> {
    pub(super) guide: Guide<'a>,
    pub(super) count: usize,
    pub(super) inner: A,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let guide = self.guide.again();
        let item = self.inner.next_element_seed(guide.over(seed))?;
        self.count += usize::from(item.is_some());
        Ok(item)
    }
}

/// The entries of a map.
pub(super) struct Entries<'a, A> {
    pub(super) check: &'a mut Check,
    pub(super) key: &'static Shape,
    pub(super) value: &'static Shape,
    pub(super) count: usize,
    pub(super) inner: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let guide = Guide {
            shape: self.key,
            check: self.check,
        };
        let key = self.inner.next_key_seed(guide.over(seed))?;
        self.count += usize::from(key.is_some());
        Ok(key)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let guide = Guide {
            shape: self.value,
            check: self.check,
        };
        self.inner.next_value_seed(guide.over(seed))
    }
}

/// The members of a structure. That the required ones are there is in the typed input.
pub(super) struct Fields<'a, A> {
    pub(super) check: &'a mut Check,
    pub(super) members: &'static [Member],
    pub(super) next: Option<&'static Shape>,
    pub(super) inner: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(Named {
            members: self.members,
            found: &mut self.next,
            inner: seed,
        })
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let guide = Guide {
            shape: self.next.take().ok_or_else(unusual)?,
            check: self.check,
        };
        self.inner.next_value_seed(guide.over(seed))
    }
}

/// The member of a union.
pub(super) struct Variants<'a, A> {
    pub(super) check: &'a mut Check,
    pub(super) members: &'static [Member],
    pub(super) inner: A,
}

impl<'a, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Variants<'a, A> {
    type Error = A::Error;
    type Variant = Guided<'a, A::Variant>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), A::Error> {
        let mut found = None;
        let (value, variant) = self.inner.variant_seed(Named {
            members: self.members,
            found: &mut found,
            inner: seed,
        })?;
        let guide = Guide {
            shape: found.ok_or_else(unusual)?,
            check: self.check,
        };
        Ok((value, guide.over(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guided<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        Err(unusual())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(self.guide.over(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, A::Error> {
        Err(unusual())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, A::Error> {
        Err(unusual())
    }
}

/// The name of a member, which says what its value must look like.
struct Named<'a, T> {
    members: &'static [Member],
    found: &'a mut Option<&'static Shape>,
    inner: T,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Named<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Named {
            members: self.members,
            found: self.found,
            inner: deserializer,
        })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Named<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(Named {
            members: self.members,
            found: self.found,
            inner: visitor,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Named<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        let member = self.members.iter().find(|member| member.name == name);
        *self.found = Some(member.ok_or_else(unusual)?.shape);
        self.inner.visit_str(name)
    }
}
