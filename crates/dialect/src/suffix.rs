//! The names of roles where clusters share a server, which has roles for all its databases: there
//! a suffix of its own follows every name of a cluster's. The names are replaced where they stand
//! in the client's text; what cannot be found there is refused.

use pg_query::NodeEnum;
use pg_query::protobuf::{ObjectType, RoleSpecType};

use crate::Refusal;
use crate::facts::Facts;
use crate::lex::{Kind, Token, after_name, extent, tokens};
use crate::quote::identifier;
use crate::refuse::{unsupported, with_state};
use crate::rules::tree;

/// PostgreSQL cuts longer names off (`NAMEDATALEN`).
const LONGEST: usize = 63;

/// A statement, and where it stands.
pub(crate) struct Written<'w> {
    pub(crate) node: &'w NodeEnum,
    pub(crate) facts: &'w Facts,
    /// Its text.
    pub(crate) text: &'w str,
    /// Where that begins in the query string.
    pub(crate) at: usize,
}

impl Written<'_> {
    /// The text with the suffix; `None` when no role is named.
    ///
    /// # Errors
    /// A name is too long for the suffix, or was not found.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Result<Option<String>, Refusal> {
        if self.facts.roles.is_empty() && self.unlocated().is_empty() {
            return Ok(None);
        }
        let tokens = tokens(self.text).ok_or_else(not_found)?;
        let mut names = self.located(&tokens)?;
        let unlocated = self.unlocated();
        let places = self
            .places(&tokens, unlocated.len())
            .ok_or_else(not_found)?;
        names.extend(places.into_iter().zip(unlocated));
        names.sort_by_key(|(at, _)| *at);
        let mut output = String::new();
        let mut done = 0;
        for (at, name) in names {
            check(name, suffix)?;
            let range = extent(self.text, &tokens, at).ok_or_else(not_found)?;
            if let Some(schema) = self.schema_of_role(&tokens, at) {
                output.push_str(self.text.get(done..schema).ok_or_else(not_found)?);
                output.push_str(&identifier(name));
                output.push(' ');
                done = schema;
            }
            output.push_str(self.text.get(done..range.start).ok_or_else(not_found)?);
            output.push_str(&identifier(&format!("{name}{suffix}")));
            done = range.end;
        }
        output.push_str(self.text.get(done..).ok_or_else(not_found)?);
        Ok(Some(output))
    }

    /// Whether the suffix fits, for a statement whose names are suffixed by the database.
    ///
    /// # Errors
    /// A name is too long.
    pub(crate) fn check(&self, suffix: &str) -> Result<(), Refusal> {
        let mut roles = self.facts.roles.iter();
        roles.try_for_each(|role| check(&role.name, suffix))
    }

    /// The names whose place the parser tells, with the numbers of their tokens.
    fn located(&self, tokens: &[Token]) -> Result<Vec<(usize, &str)>, Refusal> {
        let roles = self.facts.roles.iter();
        let named = roles.filter(|role| role.kind == RoleSpecType::RolespecCstring as i64);
        let found = named.map(|role| {
            let start = usize::try_from(role.location).ok()?.checked_sub(self.at)?;
            let at = tokens.iter().position(|token| token.start == start)?;
            Some((at, role.name.as_str()))
        });
        found.collect::<Option<_>>().ok_or_else(not_found)
    }

    /// The names whose place the parser does not tell.
    fn unlocated(&self) -> Vec<&str> {
        if let NodeEnum::CreateRoleStmt(create) = self.node {
            return vec![&create.role];
        }
        if let NodeEnum::GrantRoleStmt(grant) = self.node {
            let granted = grant.granted_roles.iter().filter_map(tree::inner);
            return granted.map(privilege).collect();
        }
        if let NodeEnum::CommentStmt(comment) = self.node
            && comment.objtype() == ObjectType::ObjectRole
        {
            let object = tree::boxed(comment.object.as_deref());
            return object.and_then(string).into_iter().collect();
        }
        Vec::new()
    }

    /// The tokens of as many such names.
    fn places(&self, tokens: &[Token], count: usize) -> Option<Vec<usize>> {
        if count == 0 {
            return Some(Vec::new());
        }
        let grant = if let NodeEnum::GrantRoleStmt(grant) = self.node {
            Some(grant)
        } else {
            None
        };
        // `GRANT name`, `CREATE ROLE name`, `COMMENT ON ROLE name`
        let creates = matches!(self.node, NodeEnum::CreateRoleStmt(_));
        let first = if grant.is_some() {
            1
        } else if creates {
            2
        } else {
            3
        };
        let mut places = Vec::new();
        let mut at = first;
        loop {
            let name = tokens.get(at)?;
            matches!(name.kind, Kind::Word | Kind::Quoted).then_some(())?;
            places.push(at);
            at = after_name(self.text, tokens, at);
            match tokens.get(at).map(|token| token.kind) {
                Some(Kind::Comma) => at += 1,
                _ => break,
            }
        }
        let ends = grant.is_none_or(|grant| {
            let end = if grant.is_grant { "to" } else { "from" };
            tokens.get(at).is_some_and(|token| token.is(self.text, end))
        });
        (ends && places.len() == count).then_some(places)
    }

    /// Where `AUTHORIZATION` is in a `CREATE SCHEMA` whose schema has the name of that role.
    fn schema_of_role(&self, tokens: &[Token], role: usize) -> Option<usize> {
        let NodeEnum::CreateSchemaStmt(create) = self.node else {
            return None;
        };
        let before = tokens.get(role.checked_sub(1)?)?;
        let is = create.schemaname.is_empty() && before.is(self.text, "authorization");
        is.then_some(before.start)
    }
}

fn privilege(node: &NodeEnum) -> &str {
    if let NodeEnum::AccessPriv(role) = node {
        &role.priv_name
    } else {
        ""
    }
}

fn string(node: &NodeEnum) -> Option<&str> {
    if let NodeEnum::String(name) = node {
        Some(&name.sval)
    } else {
        None
    }
}

fn check(name: &str, suffix: &str) -> Result<(), Refusal> {
    if name.len() + suffix.len() <= LONGEST {
        return Ok(());
    }
    let longest = LONGEST.saturating_sub(suffix.len());
    let message = format!("role name \"{name}\" is longer than {longest} bytes");
    Err(with_state("42622", message))
}

fn not_found() -> Refusal {
    unsupported("unsupported name of a role")
}
