//! Sequences and identity columns (spec D.9).

use pg_query::{Node, NodeEnum};

use super::{Judgement, Verdict, systems, tables, tree, types, wrong};
use crate::refuse::unsupported;
use crate::{Effect, Refusal};

/// Recorded; `{}` is what lacks a cache size.
const CACHE: &str = "is not supported without an explicit cache size. please define CACHE greater \
                     than or equal to 65536 or equal to 1";

/// Caches are this large, or of one value.
const LEAST: i64 = 65_536;

fn cache(options: &[Node], what: &str, must: bool) -> Result<(), Refusal> {
    let size = tree::option(options, "cache").map(|size| size.and_then(tree::integer));
    match size {
        Some(Some(size)) if size == 1 || size >= LEAST => Ok(()),
        None if !must => Ok(()),
        _ => Err(unsupported(format!("{what} {CACHE}"))),
    }
}

/// The options of a new identity column.
pub(super) fn identity(options: &[Node]) -> Result<(), Refusal> {
    cache(options, "identity column", true)
}

/// The options that an identity column is altered with.
pub(super) fn altered_identity(options: &[Node]) -> Result<(), Refusal> {
    cache(options, "identity column", false)
}

fn is_bigint(options: &[Node]) -> Result<(), Refusal> {
    let Some(Some(NodeEnum::TypeName(type_name))) = tree::option(options, "as") else {
        return Ok(());
    };
    types::is_bigint(Some(type_name)).map_err(|printed| {
        unsupported(format!(
            "datatype {printed} not supported, sequence type must be bigint"
        ))
    })
}

pub(super) fn create(node: &NodeEnum) -> Verdict {
    let NodeEnum::CreateSeqStmt(create) = node else {
        return Err(wrong());
    };
    tables::persistence(create.sequence.as_ref(), "sequence", "CREATE SEQUENCE")?;
    systems::schema(tree::schema(create.sequence.as_ref()))?;
    is_bigint(&create.options)?;
    cache(&create.options, "CREATE SEQUENCE", true)?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn alter(node: &NodeEnum) -> Verdict {
    let NodeEnum::AlterSeqStmt(alter) = node else {
        return Err(wrong());
    };
    systems::schema(tree::schema(alter.sequence.as_ref()))?;
    is_bigint(&alter.options)?;
    cache(&alter.options, "ALTER SEQUENCE", false)?;
    Ok(Judgement::of(Effect::Ddl))
}
