//! Queries, and the statements that have one inside (spec D.6, D.7).

use pg_query::NodeEnum;
use pg_query::protobuf::LockClauseStrength;

use super::{Judgement, Scope, Verdict, functions, settings, systems, tree, types, wrong};
use crate::facts::{Facts, Relation};
use crate::refuse::{syntax, unsupported};
use crate::{Effect, Refusal};

/// What holds for every statement, wherever in it something stands.
pub(super) fn everywhere(facts: &Facts) -> Result<(), Refusal> {
    if facts.reserved {
        return Err(super::reserved_schema());
    }
    if facts.json_table {
        // A part of PostgreSQL 17, which the parser knows and DSQL does not.
        return Err(syntax("42601", "syntax error at or near \"COLUMNS\"", None));
    }
    if facts.merge {
        return Err(unsupported("unsupported statement type: MERGE"));
    }
    if facts.into {
        return Err(unsupported("unsupported statement: CreateTableAs"));
    }
    if facts.sample {
        return Err(unsupported("TABLESAMPLE clause not supported"));
    }
    facts
        .locks
        .iter()
        .try_for_each(|strength| lock(*strength))?;
    facts
        .roles
        .iter()
        .try_for_each(|role| systems::role(&role.name))?;
    facts.updated.iter().try_for_each(updated)?;
    facts.calls.iter().try_for_each(functions::judge)?;
    facts
        .types
        .iter()
        .try_for_each(|names| types::usable(names))
}

/// Spec D.6. The service decides by the plan; here the text decides.
fn lock(strength: i64) -> Result<(), Refusal> {
    let supported = [
        LockClauseStrength::LcsForupdate,
        LockClauseStrength::LcsForkeyshare,
    ];
    if supported
        .iter()
        .any(|supported| *supported as i64 == strength)
    {
        return Ok(());
    }
    Err(unsupported(
        "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported",
    ))
}

/// An update of this view sets a parameter.
fn updated(relation: &Relation) -> Result<(), Refusal> {
    let catalog = matches!(relation.schema.as_str(), "" | "pg_catalog");
    if catalog && relation.name == "pg_settings" {
        return Err(settings::not_settable("pg_settings"));
    }
    Ok(())
}

/// What a query with these facts does.
pub(super) fn effect(facts: &Facts) -> Effect {
    if facts.writes || !facts.locks.is_empty() {
        Effect::Write
    } else {
        Effect::Read
    }
}

pub(super) fn query(_: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    Ok(Judgement::of(effect(scope.facts)))
}

pub(super) fn explain(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::ExplainStmt(explain) = node else {
        return Err(wrong());
    };
    let inner = tree::boxed(explain.query.as_deref()).ok_or_else(wrong)?;
    let inner = super::judge_nested(inner, scope)?;
    // `ANALYZE off` is rare enough to count as `ANALYZE`.
    let runs = tree::option(&explain.options, "analyze").is_some();
    Ok(Judgement::of(if runs {
        inner.effect
    } else {
        Effect::Read
    }))
}

pub(super) fn copy(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::CopyStmt(copy) = node else {
        return Err(wrong());
    };
    if copy.is_program || !copy.filename.is_empty() {
        return Err(unsupported(
            "COPY to or from a file or program not supported",
        ));
    }
    if let Some(query) = tree::boxed(copy.query.as_deref()) {
        let inner = super::judge_nested(query, scope)?;
        return Ok(Judgement::of(inner.effect));
    }
    Ok(Judgement::of(if copy.is_from {
        Effect::Write
    } else {
        Effect::Read
    }))
}

pub(super) fn vacuum(node: &NodeEnum) -> Verdict {
    let NodeEnum::VacuumStmt(vacuum) = node else {
        return Err(wrong());
    };
    if vacuum.is_vacuumcmd {
        return Err(unsupported("unsupported VACUUM statement"));
    }
    // It evaluates functions of clients, whose writes PostgreSQL does not count to the transaction's.
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn deallocate(node: &NodeEnum) -> Verdict {
    let NodeEnum::DeallocateStmt(deallocate) = node else {
        return Err(wrong());
    };
    if !deallocate.isall {
        return Err(unsupported("unsupported statement: Deallocate"));
    }
    Ok(Judgement::of(Effect::Read))
}
