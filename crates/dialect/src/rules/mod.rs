//! The rules: one place for each, in files by kind. This file says which statement has which.

mod alter_table;
pub(crate) mod functions;
mod index;
mod objects;
mod queries;
pub(crate) mod roles;
mod routines;
mod sequences;
mod settings;
mod systems;
mod tables;
mod transactions;
pub(crate) mod tree;
mod types;

use pg_query::NodeEnum;

use crate::facts::{Facts, RESERVED_SCHEMA, facts};
use crate::lex::has_name;
use crate::refuse::{denied, unsupported};
use crate::{Effect, Options, Refusal, Reply};

/// The day of the recordings that the rules follow.
pub const VERSION: &str = "2026-09-18";

pub use settings::SETTABLE;

/// What becomes of a statement.
pub(crate) struct Judgement {
    pub(crate) effect: Effect,
    pub(crate) reply: Reply,
    /// What runs in its place.
    pub(crate) rewrite: Option<String>,
}

impl Judgement {
    fn of(effect: Effect) -> Self {
        Self {
            effect,
            reply: Reply::AsIs,
            rewrite: None,
        }
    }

    fn rewritten(effect: Effect, sql: impl Into<String>, reply: Reply) -> Self {
        Self {
            effect,
            reply,
            rewrite: Some(sql.into()),
        }
    }
}

type Verdict = Result<Judgement, Refusal>;

/// Where a statement stands.
pub(crate) struct Scope<'s> {
    pub(crate) options: &'s Options,
    pub(crate) facts: &'s Facts,
    /// Its text.
    pub(crate) text: &'s str,
    /// Whether it was written with `ASYNC`.
    pub(crate) asynchronous: bool,
    /// In how many bodies of functions it stands.
    pub(crate) nesting: u8,
}

enum Rule {
    Accept(Effect),
    Refuse(&'static str),
    Judge(fn(&NodeEnum) -> Verdict),
    /// With where it stands.
    JudgeIn(fn(&NodeEnum, &Scope<'_>) -> Verdict),
}

use Rule::{Accept, Judge, JudgeIn, Refuse};

/// Statements by the name of their node. What is missing here is refused by its name.
const STATEMENTS: &[(&str, Rule)] = &[
    ("SelectStmt", JudgeIn(queries::query)),
    ("InsertStmt", Accept(Effect::Write)),
    ("UpdateStmt", Accept(Effect::Write)),
    ("DeleteStmt", Accept(Effect::Write)),
    ("TransactionStmt", Judge(transactions::judge)),
    ("VariableSetStmt", Judge(settings::judge)),
    ("VariableShowStmt", JudgeIn(settings::show)),
    ("ConstraintsSetStmt", Accept(Effect::Read)),
    ("ExplainStmt", JudgeIn(queries::explain)),
    ("CopyStmt", JudgeIn(queries::copy)),
    ("VacuumStmt", Judge(queries::vacuum)),
    ("CallStmt", Accept(Effect::Read)),
    ("DeallocateStmt", Judge(queries::deallocate)),
    ("CreateStmt", Judge(tables::table)),
    ("ViewStmt", Judge(tables::view)),
    ("CreateDomainStmt", Judge(tables::domain)),
    ("AlterDomainStmt", Judge(objects::alter_domain)),
    ("AlterTableStmt", JudgeIn(alter_table::judge)),
    ("IndexStmt", JudgeIn(index::judge)),
    ("CreateSeqStmt", Judge(sequences::create)),
    ("AlterSeqStmt", Judge(sequences::alter)),
    ("CreateSchemaStmt", JudgeIn(objects::schema)),
    ("CreateFunctionStmt", JudgeIn(routines::create)),
    ("CreateStatsStmt", Judge(objects::statistics)),
    ("AlterStatsStmt", Judge(objects::statistics)),
    ("DropStmt", Judge(objects::drop)),
    ("RenameStmt", Judge(objects::rename)),
    ("AlterObjectSchemaStmt", Judge(objects::set_schema)),
    ("AlterOwnerStmt", Judge(objects::owner)),
    ("CommentStmt", Judge(objects::comment)),
    ("CreateRoleStmt", Judge(roles::create)),
    ("AlterRoleStmt", Judge(roles::alter)),
    ("DropRoleStmt", Judge(roles::drop)),
    ("GrantRoleStmt", Judge(roles::grant_role)),
    ("GrantStmt", Judge(roles::grant)),
    (
        "AlterDefaultPrivilegesStmt",
        Judge(roles::default_privileges),
    ),
    // Refused in other words than by their names.
    ("CreateTrigStmt", Refuse("CREATE TRIGGER not supported")),
    ("CreateEnumStmt", Refuse("CREATE TYPE not supported")),
    ("AlterEnumStmt", Refuse("ALTER TYPE not supported")),
    ("AlterTypeStmt", Refuse("ALTER TYPE not supported")),
    // Their nodes are spelt otherwise in PostgreSQL.
    (
        "AlterTsconfigurationStmt",
        Refuse("unsupported statement: AlterTSConfiguration"),
    ),
    (
        "AlterTsdictionaryStmt",
        Refuse("unsupported statement: AlterTSDictionary"),
    ),
    (
        "CreatePlangStmt",
        Refuse("unsupported statement: CreatePLang"),
    ),
];

/// Any reference to the schema of the database's own machinery.
fn reserved_schema() -> Refusal {
    denied(format!("permission denied for schema {RESERVED_SCHEMA}"))
}

/// A tree of another shape than its parser makes.
fn wrong() -> Refusal {
    unsupported("unsupported statement")
}

/// Judges a statement of a query string.
pub(crate) fn judge(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    queries::everywhere(scope.facts)?;
    let judgement = by_name(node, scope)?;
    // Where the tree has it as a text, as in `SET a = pg_treeline`.
    if has_name(scope.text, RESERVED_SCHEMA) {
        return Err(reserved_schema());
    }
    if scope.nesting > 0 {
        routines::stands_in_body(scope.facts.root)?;
    }
    Ok(judgement)
}

/// Judges a statement inside another, for which [`queries::everywhere`] has been done.
fn judge_nested(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let inner = facts(node);
    let scope = Scope {
        facts: &inner,
        asynchronous: false,
        ..*scope
    };
    by_name(node, &scope)
}

fn by_name(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let name = scope.facts.root;
    let rule = STATEMENTS.iter().find(|(own, _)| *own == name);
    match rule.map(|(_, rule)| rule) {
        Some(Accept(effect)) => Ok(Judgement::of(*effect)),
        Some(Refuse(message)) => Err(unsupported(*message)),
        Some(Judge(judge)) => judge(node),
        Some(JudgeIn(judge)) => judge(node, scope),
        None => {
            let name = name.strip_suffix("Stmt").unwrap_or(name);
            Err(unsupported(format!("unsupported statement: {name}")))
        }
    }
}
