//! What a syntax tree contains, wherever it stands: functions, types, relations, roles, clauses.
//!
//! The tree is walked through its `serde` serialization, which is derived for every node and every
//! field: there is no list of places to look at that could be incomplete.

use std::fmt::Error;

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};
use serde_json::Value;

/// The schema of the database's own machinery.
pub(crate) const RESERVED_SCHEMA: &str = "pg_treeline";

/// A function call.
#[derive(Debug)]
pub(crate) struct Call {
    /// The name, qualified or not.
    pub(crate) name: Vec<String>,
    /// The arguments, of the functions whose arguments matter.
    pub(crate) arguments: Value,
}

/// A relation.
#[derive(Debug, Default)]
pub(crate) struct Relation {
    pub(crate) schema: String,
    pub(crate) name: String,
}

/// A `RoleSpec`; the fields of the node come in this order.
#[derive(Debug, Default)]
pub(crate) struct Role {
    /// As in `RoleSpecType`.
    pub(crate) kind: i64,
    /// Empty if it is `PUBLIC`, `CURRENT_USER` or the like.
    pub(crate) name: String,
    /// Where in the query string.
    pub(crate) location: i64,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The name of the node.
    pub(crate) root: &'static str,
    pub(crate) calls: Vec<Call>,
    /// The names of types, qualified or not.
    pub(crate) types: Vec<Vec<String>>,
    pub(crate) roles: Vec<Role>,
    /// The strengths of locking clauses, as in `LockClauseStrength`.
    pub(crate) locks: Vec<i64>,
    /// What `UPDATE` writes to.
    pub(crate) updated: Vec<Relation>,
    /// Whether an identifier names the reserved schema.
    pub(crate) reserved: bool,
    /// `INSERT`, `UPDATE`, `DELETE`
    pub(crate) writes: bool,
    pub(crate) merge: bool,
    pub(crate) into: bool,
    pub(crate) sample: bool,
    pub(crate) json_table: bool,
    /// The identifiers since a capture began.
    captured: Option<Vec<String>>,
    /// The relation that was walked last.
    relation: Relation,
}

/// Functions whose arguments a rule looks at.
const ARGUMENTS_MATTER: fn(&str) -> bool = crate::rules::functions::arguments_matter;

/// In place of the node inside a constant: its text is data.
const CONSTANT: &str = "constant";

/// Walks a node.
pub(crate) fn facts(node: &impl Serialize) -> Facts {
    let mut facts = Facts::default();
    // A shape that the walk does not know hides what is inside: refused like the reserved schema.
    let known = facts.walk(node).is_ok();
    facts.reserved |= !known;
    facts
}

impl Facts {
    fn text(&mut self, text: &str) {
        self.reserved |= text == RESERVED_SCHEMA;
        if let Some(captured) = &mut self.captured {
            captured.push(text.to_owned());
        }
    }

    fn enter(&mut self, node: &'static str) {
        match node {
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" => self.writes = true,
            "MergeStmt" => self.merge = true,
            "IntoClause" => self.into = true,
            "RangeTableSample" => self.sample = true,
            "JsonTable" => self.json_table = true,
            "RangeVar" => self.relation = Relation::default(),
            _ => {}
        }
    }

    fn capture<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Vec<String>, Error> {
        let outer = self.captured.replace(Vec::new());
        self.walk(value)?;
        Ok(std::mem::replace(&mut self.captured, outer).unwrap_or_default())
    }

    fn walk<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Walker {
            facts: self,
            constant: false,
        })
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        node: &'static str,
        field: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match (node, field) {
            (CONSTANT, _) => {}
            ("FuncCall", "funcname") => {
                let name = self.capture(value)?;
                let arguments = Value::Null;
                self.calls.push(Call { name, arguments });
            }
            ("FuncCall", "args") => {
                if let Some(call) = self.calls.last_mut()
                    && call.name.last().is_some_and(|name| ARGUMENTS_MATTER(name))
                {
                    call.arguments = serde_json::to_value(value).map_err(|_| Error)?;
                }
                self.walk(value)?;
            }
            ("TypeName", "names") => {
                let names = self.capture(value)?;
                self.types.push(names);
            }
            ("RangeVar", "schemaname") => self.relation.schema = self.capture(value)?.concat(),
            ("RangeVar", "relname") => self.relation.name = self.capture(value)?.concat(),
            ("UpdateStmt", "relation") => {
                self.walk(value)?;
                self.updated.push(std::mem::take(&mut self.relation));
            }
            ("RoleSpec", "roletype") => self.roles.push(Role {
                kind: number(value)?,
                ..Role::default()
            }),
            ("RoleSpec", "rolename") => {
                let name = self.capture(value)?.concat();
                self.roles.last_mut().ok_or(Error)?.name = name;
            }
            ("RoleSpec", "location") => {
                self.roles.last_mut().ok_or(Error)?.location = number(value)?;
            }
            ("LockingClause", "strength") => self.locks.push(number(value)?),
            _ => self.walk(value)?,
        }
        Ok(())
    }
}

fn number(value: &(impl Serialize + ?Sized)) -> Result<i64, Error> {
    let value = serde_json::to_value(value).map_err(|_| Error)?;
    value.as_i64().ok_or(Error)
}

struct Walker<'f> {
    facts: &'f mut Facts,
    /// Whether the next struct is the value of a constant.
    constant: bool,
}

/// The fields of a node, or the elements of a list.
struct Parts<'f> {
    facts: &'f mut Facts,
    node: &'static str,
}

impl ser::SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.facts.field(self.node, key, value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

impl ser::SerializeSeq for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.facts.walk(value)
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

impl<'f> Serializer for Walker<'f> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'f>;
    type SerializeStruct = Parts<'f>;
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
        self.facts.text(text);
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
        if self.facts.root.is_empty() {
            self.facts.root = variant;
        }
        // `Val` is the value of `A_Const`.
        let constant = name == "Val";
        value.serialize(Walker { constant, ..self })
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'f>, Error> {
        let (facts, node) = (self.facts, "");
        Ok(Parts { facts, node })
    }

    fn serialize_struct(self, node: &'static str, _: usize) -> Result<Parts<'f>, Error> {
        let facts = self.facts;
        // The struct inside a constant is not walked any further.
        let node = if self.constant { CONSTANT } else { node };
        facts.enter(node);
        Ok(Parts { facts, node })
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
