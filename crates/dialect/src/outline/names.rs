//! Going through a statement for relations, with the CTEs that hide them.

use std::fmt::Error;

use serde::Serialize;

use super::Role;
use crate::walk::{CONSTANT, Visitor, number, walk};

/// A relation, as the parser has it.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) role: Role,
    /// Where it begins in the text.
    pub(super) location: i64,
    /// How many names are before its own.
    pub(super) before: usize,
    /// The statement in which it stands.
    scope: Option<usize>,
}

/// A statement that can have a `WITH` clause.
#[derive(Default)]
struct Scope {
    outer: Option<usize>,
    /// Of the outer one's CTEs only those before this one are seen, unless they are `RECURSIVE`.
    cte: Option<usize>,
    ctes: Vec<String>,
    recursive: bool,
    /// The number of the relation that it inserts into.
    target: Option<usize>,
}

/// The statements that can have one.
const WITH_CTES: &[&str] = &[
    "SelectStmt",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
];

/// Relations that are written to; no CTE hides them.
const TARGETS: &[(&str, &str)] = &[
    ("InsertStmt", "relation"),
    ("UpdateStmt", "relation"),
    ("DeleteStmt", "relation"),
    ("MergeStmt", "relation"),
];

/// What was found.
#[derive(Default)]
pub(super) struct Names {
    named: Vec<Named>,
    pub(super) columns: Vec<Named>,
    pub(super) upserts: bool,
    scopes: Vec<Scope>,
    /// The innermost statement.
    scope: Option<usize>,
    /// Whether the next statement is the body of the CTE of this number.
    cte: Option<usize>,
    /// What the next relation is.
    role: Option<Role>,
    /// The texts since a capture began.
    captured: Vec<String>,
    /// Whether a column is `*`.
    star: bool,
    /// The parts of the relation or column that is walked.
    parts: Vec<String>,
    /// Where it is.
    location: i64,
}

impl Names {
    pub(super) fn of(node: &impl Serialize) -> Option<Self> {
        let mut names = Self::default();
        walk(&mut names, node).ok()?;
        Some(names)
    }

    /// What is no CTE.
    pub(super) fn relations(&self) -> impl Iterator<Item = &Named> {
        let named = self.named.iter();
        named.filter(|named| named.role != Role::Read || !self.is_cte(named))
    }

    fn is_cte(&self, named: &Named) -> bool {
        if !named.schema.is_empty() {
            return false;
        }
        let mut at = named.scope;
        let mut seen = usize::MAX;
        while let Some(scope) = at.and_then(|at| self.scopes.get(at)) {
            let seen_here = if scope.recursive { usize::MAX } else { seen };
            let mut ctes = scope.ctes.iter().take(seen_here);
            if ctes.any(|cte| *cte == named.name) {
                return true;
            }
            seen = scope.cte.unwrap_or(usize::MAX);
            at = scope.outer;
        }
        false
    }

    fn innermost(&mut self) -> Option<&mut Scope> {
        self.scope.and_then(|at| self.scopes.get_mut(at))
    }

    fn captured<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<Vec<String>, Error> {
        self.captured.clear();
        walk(self, value)?;
        Ok(std::mem::take(&mut self.captured))
    }

    /// The last of `parts` is the relation, before it its schema.
    fn relation(&mut self) -> Option<Named> {
        let name = self.parts.pop()?;
        let before = self.parts.len();
        Some(Named {
            schema: self.parts.pop().unwrap_or_default(),
            name,
            role: self.role.take().unwrap_or(Role::Read),
            location: self.location,
            before,
            scope: self.scope,
        })
    }
}

impl Visitor for Names {
    fn text(&mut self, text: &str) {
        self.captured.push(text.to_owned());
    }

    fn enter(&mut self, node: &'static str) {
        match node {
            "AStar" => self.star = true,
            "RangeVar" | "ColumnRef" => (self.parts, self.star) = (Vec::new(), false),
            "OnConflictClause" => {
                self.upserts = true;
                let target = self.innermost().and_then(|scope| scope.target);
                if let Some(target) = target.and_then(|at| self.named.get_mut(at)) {
                    target.role = Role::Upsert;
                }
            }
            _ if WITH_CTES.contains(&node) => {
                self.scopes.push(Scope {
                    outer: self.scope,
                    cte: self.cte.take(),
                    ..Scope::default()
                });
                self.scope = Some(self.scopes.len() - 1);
            }
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
            // What is locked is named by what `FROM` has.
            (CONSTANT, _) | ("LockingClause", "locked_rels") => {}
            _ if TARGETS.contains(&(node, field)) => {
                self.role = Some(Role::Write);
                walk(self, value)?;
                let target = self.named.len().checked_sub(1);
                self.innermost().ok_or(Error)?.target = target;
            }
            ("RangeVar", "catalogname" | "schemaname" | "relname") => {
                let part = self.captured(value)?.concat();
                if !part.is_empty() {
                    self.parts.push(part);
                }
            }
            ("ColumnRef", "fields") => self.parts = self.captured(value)?,
            ("RangeVar" | "ColumnRef", "location") => self.location = number(value)?,
            ("CommonTableExpr", "ctename") => {
                let name = self.captured(value)?.concat();
                self.innermost().ok_or(Error)?.ctes.push(name);
            }
            ("CommonTableExpr", "ctequery") => {
                let scope = self.innermost().ok_or(Error)?;
                self.cte = scope.ctes.len().checked_sub(1);
                walk(self, value)?;
            }
            ("WithClause", "recursive") => {
                let value = serde_json::to_value(value).map_err(|_| Error)?;
                self.innermost().ok_or(Error)?.recursive = value.as_bool().ok_or(Error)?;
            }
            _ => walk(self, value)?,
        }
        Ok(())
    }

    fn leave(&mut self, node: &'static str) -> Result<(), Error> {
        match node {
            "RangeVar" => {
                let named = self.relation().ok_or(Error)?;
                self.named.push(named);
            }
            "ColumnRef" => {
                // Of `schema.t.a` and `schema.t.*`, the column is no part of the relation.
                if !self.star {
                    self.parts.pop();
                }
                if self.parts.len() > 1 {
                    let named = self.relation().ok_or(Error)?;
                    self.columns.push(named);
                }
            }
            _ if WITH_CTES.contains(&node) => {
                let scope = self.scope.and_then(|at| self.scopes.get(at));
                self.scope = scope.and_then(|scope| scope.outer);
            }
            _ => {}
        }
        Ok(())
    }
}
