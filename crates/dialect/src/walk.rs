//! Going through a syntax tree.
//!
//! The tree is walked through its `serde` serialization, which is derived for every node and every
//! field: there is no list of places to look at that could be incomplete.

use std::fmt::Error;

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};

/// In place of the node inside a constant: its text is data.
pub(crate) const CONSTANT: &str = "constant";

/// Who goes through a tree.
pub(crate) trait Visitor: Sized {
    /// A node's name where nodes of any kind may stand; the first is the statement's.
    fn root(&mut self, _: &'static str) {}

    /// An identifier or another text.
    fn text(&mut self, _: &str) {}

    /// A node begins.
    fn enter(&mut self, _: &'static str) {}

    /// A field of a node; what is inside is for [`walk`].
    ///
    /// # Errors
    /// The tree has another shape than was thought.
    fn field<T: Serialize + ?Sized>(
        &mut self,
        node: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<(), Error>;

    /// A node ends.
    ///
    /// # Errors
    /// The tree has another shape than was thought.
    fn leave(&mut self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }
}

/// Goes through what is inside a value.
///
/// # Errors
/// The tree has another shape than was thought.
pub(crate) fn walk<V, T>(visitor: &mut V, value: &T) -> Result<(), Error>
where
    V: Visitor,
    T: Serialize + ?Sized,
{
    value.serialize(Walker {
        visitor,
        constant: false,
    })
}

/// A number.
///
/// # Errors
/// It is none.
pub(crate) fn number(value: &(impl Serialize + ?Sized)) -> Result<i64, Error> {
    let value = serde_json::to_value(value).map_err(|_| Error)?;
    value.as_i64().ok_or(Error)
}

struct Walker<'v, V> {
    visitor: &'v mut V,
    /// Whether the next struct is the value of a constant.
    constant: bool,
}

/// The fields of a node, or the elements of a list.
struct Parts<'v, V> {
    visitor: &'v mut V,
    node: &'static str,
}

impl<V: Visitor> ser::SerializeStruct for Parts<'_, V> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.visitor.field(self.node, key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.visitor.leave(self.node)
    }
}

impl<V: Visitor> ser::SerializeSeq for Parts<'_, V> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        walk(self.visitor, value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

macro_rules! nothing_in {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), Error> { Ok(()) })*
    };
}

impl<'v, V: Visitor> Serializer for Walker<'v, V> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'v, V>;
    type SerializeStruct = Parts<'v, V>;
    // The generated types have none of these; if they ever do, the walk must learn of them.
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    nothing_in! {
        serialize_bool: bool, serialize_char: char, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64,
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.visitor.text(text);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.visitor.root(variant);
        // `Val` is the value of `A_Const`.
        let constant = name == "Val";
        value.serialize(Walker { constant, ..self })
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'v, V>, Error> {
        let (visitor, node) = (self.visitor, "");
        Ok(Parts { visitor, node })
    }

    fn serialize_struct(self, node: &'static str, _: usize) -> Result<Parts<'v, V>, Error> {
        let visitor = self.visitor;
        // The struct inside a constant is not walked any further.
        let node = if self.constant { CONSTANT } else { node };
        visitor.enter(node);
        Ok(Parts { visitor, node })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Err(Error)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(Error)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Err(Error)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(Error)
    }
}
