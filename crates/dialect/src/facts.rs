//! What a syntax tree contains, wherever it stands: functions, types, relations, roles, clauses.

use std::fmt::Error;

use serde::Serialize;
use serde_json::Value;

use crate::rules::functions::SET_CONFIG;
use crate::walk::{CONSTANT, Visitor, number, walk};

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
    /// The columns that `UPDATE` sets, also in `ON CONFLICT DO UPDATE`, and perhaps more names.
    pub(crate) assigned: Vec<String>,
    /// Whether what is walked is a list of assignments.
    assigns: bool,
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
    /// How many locks there were before the row that was assigned last.
    locks_before: usize,
}

/// Functions whose arguments a rule looks at.
const ARGUMENTS_MATTER: fn(&str) -> bool = crate::rules::functions::arguments_matter;

/// Walks a node.
pub(crate) fn facts(node: &impl Serialize) -> Facts {
    let mut facts = Facts::default();
    // A shape that the walk does not know hides what is inside: refused like the reserved schema.
    let known = walk(&mut facts, node).is_ok();
    facts.reserved |= !known;
    facts
}

impl Facts {
    /// Whether it is `SET` or `RESET`, or calls the function for that.
    pub(crate) fn sets(&self) -> bool {
        let mut names = self.calls.iter().filter_map(|call| call.name.last());
        self.root == "VariableSetStmt" || names.any(|name| name == SET_CONFIG)
    }

    fn capture<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Vec<String>, Error> {
        let outer = self.captured.replace(Vec::new());
        walk(self, value)?;
        Ok(std::mem::replace(&mut self.captured, outer).unwrap_or_default())
    }
}

impl Visitor for Facts {
    fn root(&mut self, root: &'static str) {
        if self.root.is_empty() {
            self.root = root;
        }
    }

    fn text(&mut self, text: &str) {
        self.reserved |= text.starts_with(RESERVED_SCHEMA);
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
                walk(self, value)?;
            }
            ("TypeName", "names") => {
                let names = self.capture(value)?;
                self.types.push(names);
            }
            ("RangeVar", "schemaname") => self.relation.schema = self.capture(value)?.concat(),
            ("RangeVar", "relname") => self.relation.name = self.capture(value)?.concat(),
            ("UpdateStmt", "relation") => {
                walk(self, value)?;
                self.updated.push(std::mem::take(&mut self.relation));
            }
            ("UpdateStmt" | "OnConflictClause", "target_list") => {
                let outer = std::mem::replace(&mut self.assigns, true);
                walk(self, value)?;
                self.assigns = outer;
            }
            ("ResTarget", "name") if self.assigns => {
                let name = self.capture(value)?.concat();
                if !name.is_empty() {
                    self.assigned.push(name);
                }
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
            // The parser repeats the row for each column of `SET (a, b) = (SELECT …)`.
            ("MultiAssignRef", "source") => {
                let before = self.locks.len();
                walk(self, value)?;
                self.locks_before = before;
            }
            ("MultiAssignRef", "colno") if number(value)? > 1 => {
                self.locks.truncate(self.locks_before);
            }
            ("LockingClause", "strength") => self.locks.push(number(value)?),
            _ => walk(self, value)?,
        }
        Ok(())
    }
}
