//! What a statement names: its relations, with what it does to them and where they stand.

use std::ops::Range;

use pg_query::NodeEnum;

use crate::edit::{Edit, edited};
use crate::facts::facts;
use crate::lex::{dotted, tokens};
use crate::quote::{identifier, qualified};
use crate::{depth, parse};

mod names;

/// What a statement names. It is found by parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The relations in the order of the text, as often as they are named; no names of CTEs. What
    /// stands after `FOR UPDATE OF` names one of these and is none.
    pub references: Vec<Reference>,
    /// Whether it has `INSERT … ON CONFLICT` anywhere.
    pub upserts: bool,
    /// Whether it is `COPY … FROM`.
    pub copies: bool,
    /// Whether it is `SET` or `RESET` of a session parameter, or calls `set_config`.
    pub sets: bool,
    /// Whether it is `EXPLAIN`.
    pub explains: bool,
    /// The relations of columns that are written with a schema: `public.t.a`, `public.t.*`.
    columns: Vec<Reference>,
}

/// A relation that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// As for `to_regclass`: in quotes, with the schema if it was written with one.
    pub name: String,
    /// Whether it was written with a schema.
    pub qualified: bool,
    /// What is done to it.
    pub role: Role,
    /// What stands before its own name, in bytes: `public.` or nothing.
    pub(crate) schema: Range<usize>,
}

/// What is done to a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is read, or named by DDL.
    Read,
    /// It is the target of `INSERT`, `UPDATE`, `DELETE` or `COPY … FROM`.
    Write,
    /// It is the target of `INSERT … ON CONFLICT`.
    Upsert,
}

/// The columns that a statement sets by `UPDATE`, also in `ON CONFLICT DO UPDATE`, and perhaps more
/// names; `None` for a text that is not one statement that can be parsed.
pub fn assigned(sql: &str) -> Option<Vec<String>> {
    single(sql, |node| Some(facts(node).assigned))
}

/// What is found in the only statement of a text.
fn single<T>(sql: &str, read: impl FnOnce(&NodeEnum) -> Option<T> + Send) -> Option<T> {
    if sql.contains('\0') {
        return None;
    }
    depth::with_stack(sql, || {
        let statements = parse::statements(sql).ok()?;
        let [statement] = statements.as_slice() else {
            return None;
        };
        read(parse::node(statement)?)
    })?
}

impl Outline {
    /// Reads a statement; `None` for a text that is not one statement that can be parsed.
    pub fn of(sql: &str) -> Option<Self> {
        single(sql, |node| Self::of_node(sql, node))
    }

    fn of_node(sql: &str, node: &NodeEnum) -> Option<Self> {
        let named = names::Names::of(node)?;
        let tokens = tokens(sql)?;
        let located = |named: &names::Named| {
            let start = usize::try_from(named.location).ok()?;
            let at = tokens
                .binary_search_by_key(&start, |token| token.start)
                .ok()?;
            let parts = dotted(sql, &tokens, at);
            let own = tokens.get(*parts.get(named.before)?)?;
            Some(Reference {
                name: qualified(&named.schema, &named.name),
                qualified: !named.schema.is_empty(),
                role: named.role,
                schema: start..own.start,
            })
        };
        let copies = matches!(node, NodeEnum::CopyStmt(copy) if copy.is_from);
        let mut references = distinct(named.relations().map(located))?;
        if copies {
            // `COPY … FROM` names no other.
            references
                .iter_mut()
                .for_each(|reference| reference.role = Role::Write);
        }
        Some(Self {
            references,
            upserts: named.upserts,
            copies,
            sets: facts(node).sets(),
            explains: matches!(node, NodeEnum::ExplainStmt(_)),
            columns: distinct(named.columns.iter().map(located))?,
        })
    }

    /// The text with relations renamed: where `schema` gives one for a reference, the relation is
    /// looked for in that schema. Columns that are written with a schema follow: `schema` is asked
    /// for their relations too. Names stay, so that `t.a` is found whatever the schema of `t`.
    pub fn renamed(&self, sql: &str, schema: impl Fn(&Reference) -> Option<String>) -> String {
        let named = self.references.iter().chain(&self.columns);
        let edits: Vec<Edit> = named
            .filter_map(|reference| {
                let instead = format!("{}.", identifier(&schema(reference)?));
                Some((reference.schema.clone(), instead))
            })
            .collect();
        // Only a text that is not the one that was read lacks the places.
        edited(sql, edits).unwrap_or_else(|| sql.to_owned())
    }
}

/// Each place once, in the order of the text: the parser repeats the row for each column of
/// `SET (a, b) = (SELECT …)`.
fn distinct(located: impl Iterator<Item = Option<Reference>>) -> Option<Vec<Reference>> {
    let mut references: Vec<Reference> = located.collect::<Option<_>>()?;
    references.sort_by_key(|reference| reference.schema.start);
    references.dedup_by_key(|reference| reference.schema.start);
    Some(references)
}
