//! Session parameters (spec D.4).

use pg_query::NodeEnum;
use pg_query::protobuf::{VariableSetKind as Kind, VariableSetStmt};

use super::{Judgement, Scope, Verdict, transactions, tree, wrong};
use crate::quote::{identifier, literal};
use crate::refuse::{undefined, unsupported, with_state};
use crate::{Effect, Refusal, Reply};

/// The parameters that clients may set, in lower case. Not `role`: the docs list it, and the service
/// was seen to refuse it. Source: the user guide, "Session parameters".
pub const SETTABLE: &[&str] = &[
    "application_name",
    "client_encoding",
    "datestyle",
    "dsql.enable_batched_nestloop",
    "enable_bitmapscan",
    "enable_hashjoin",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_material",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_seqscan",
    "extra_float_digits",
    "intervalstyle",
    "search_path",
    "timezone",
];

/// DSQL's own parameter, which PostgreSQL does not know. Only its default is supported: `off` would
/// permit a plain `CREATE INDEX` on an empty table.
const SYNC_INDEX: &str = "disable_sync_create_index";

/// Whether PostgreSQL itself finds no such parameter in DSQL. Recorded for `lc_collate`.
const UNKNOWN: &[&str] = &["lc_collate", "lc_ctype"];

/// The connections of a cluster's instance are the engine's affair; this is what a client reads.
const MAX_CONNECTIONS: &str = "20";

/// Stands for a statement that does nothing.
pub(super) const NOTHING: &str = "SELECT 1 WHERE false";

pub(super) fn judge(node: &NodeEnum) -> Verdict {
    let NodeEnum::VariableSetStmt(set) = node else {
        return Err(wrong());
    };
    set_is_supported(set)?;
    if set.kind() == Kind::VarResetAll {
        // PostgreSQL's own would also reset what the database counts a transaction by.
        let reset = "SELECT pg_treeline.reset_all()";
        let reply = Reply::TagOnly("RESET");
        return Ok(Judgement::rewritten(Effect::Read, reset, reply));
    }
    if set.name.eq_ignore_ascii_case(SYNC_INDEX) {
        let tag = if set.kind() == Kind::VarReset {
            "RESET"
        } else {
            "SET"
        };
        return Ok(Judgement::rewritten(
            Effect::Read,
            NOTHING,
            Reply::TagOnly(tag),
        ));
    }
    Ok(Judgement::of(Effect::Read))
}

/// Whether a `SET` or `RESET` may run, as a statement or as a clause of `CREATE FUNCTION`.
pub(super) fn set_is_supported(set: &VariableSetStmt) -> Result<(), Refusal> {
    let name = set.name.to_ascii_lowercase();
    match (set.kind(), name.as_str()) {
        (Kind::VarResetAll, _) => return Ok(()),
        (Kind::VarSetMulti, "session characteristics") => {
            transactions::isolation(&set.args)?;
            let deferrable = tree::option(&set.args, "transaction_deferrable").is_some();
            return if deferrable {
                Err(not_settable(&set.name))
            } else {
                Ok(())
            };
        }
        (Kind::VarSetMulti, _) => {
            // `SET TRANSACTION …`, also `SNAPSHOT`.
            transactions::isolation(&set.args)?;
            return Err(not_settable("TRANSACTION"));
        }
        (Kind::VarSetDefault | Kind::VarReset, "session_authorization") => return Ok(()),
        _ => {}
    }
    let values: Vec<Option<&str>> = set
        .args
        .iter()
        .map(|value| tree::inner(value).and_then(tree::constant))
        .collect();
    value_is_supported(&set.name, &values)
}

/// Whether a parameter may have these values; `None` is a number or something computed.
pub(super) fn value_is_supported(name: &str, values: &[Option<&str>]) -> Result<(), Refusal> {
    let lower = name.to_ascii_lowercase();
    if lower == SYNC_INDEX {
        let on = |value: &Option<&str>| value.is_none_or(is_true);
        return if values.iter().all(on) {
            Ok(())
        } else {
            Err(not_settable(name))
        };
    }
    if !SETTABLE.contains(&lower.as_str()) {
        return Err(not_settable(name));
    }
    match lower.as_str() {
        "client_encoding" => values.iter().try_for_each(|value| encoding(*value)),
        "search_path" => values
            .iter()
            .flatten()
            .try_for_each(|value| search_path(value)),
        _ => Ok(()),
    }
}

fn is_true(value: &str) -> bool {
    ["on", "true", "yes", "1"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(value))
}

pub(super) fn not_settable(name: &str) -> Refusal {
    unsupported(format!(
        "setting configuration parameter \"{name}\" not supported"
    ))
}

/// Only UTF-8: in another encoding the backend would read other statements than this crate did.
fn encoding(value: Option<&str>) -> Result<(), Refusal> {
    let value = value.unwrap_or_default();
    let letters = value.chars().filter(char::is_ascii_alphanumeric);
    let plain = letters.collect::<String>().to_ascii_lowercase();
    if ["utf8", "unicode"].contains(&plain.as_str()) {
        return Ok(());
    }
    let message = format!("invalid value for parameter \"client_encoding\": \"{value}\"");
    Err(with_state("22023", message))
}

fn search_path(value: &str) -> Result<(), Refusal> {
    if value
        .to_ascii_lowercase()
        .contains(crate::facts::RESERVED_SCHEMA)
    {
        return Err(super::reserved_schema());
    }
    Ok(())
}

pub(super) fn show(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::VariableShowStmt(show) = node else {
        return Err(wrong());
    };
    let name = show.name.to_ascii_lowercase();
    if UNKNOWN.contains(&name.as_str()) {
        let message = format!("unrecognized configuration parameter \"{}\"", show.name);
        return Err(undefined(message));
    }
    let value = match name.as_str() {
        "server_version" => literal(&scope.options.server_version),
        "server_version_num" => literal(&scope.options.server_version_num),
        "max_connections" => literal(MAX_CONNECTIONS),
        SYNC_INDEX => literal("on"),
        "dsql.enable_batched_nestloop" => {
            format!(
                "coalesce(nullif(current_setting({}, true), ''), 'on')",
                literal(&name)
            )
        }
        _ => return Ok(Judgement::of(Effect::Read)),
    };
    let sql = format!("SELECT {value}::text AS {}", identifier(&name));
    Ok(Judgement::rewritten(Effect::Read, sql, Reply::Tag("SHOW")))
}
