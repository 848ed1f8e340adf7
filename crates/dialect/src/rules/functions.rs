//! Functions that cannot be called, or not with every argument (spec D.5, D.7; traps 47, 48).

use serde_json::Value;

use super::{settings, types};
use crate::Refusal;
use crate::facts::Call;
use crate::refuse::{undefined, unsupported};

/// Functions that DSQL does not have, that reach out of the database, or that run SQL of their own
/// arguments, which would pass by every rule.
const REFUSED: &[&str] = &[
    "lastval",
    "pg_cancel_backend",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_create_restore_point",
    "pg_current_logfile",
    "pg_database_size",
    "pg_drop_replication_slot",
    "pg_export_snapshot",
    "pg_indexes_size",
    "pg_logical_emit_message",
    "pg_notify",
    "pg_promote",
    "pg_relation_filepath",
    "pg_relation_size",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_stat_file",
    "pg_switch_wal",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_terminate_backend",
    "pg_total_relation_size",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
    "ts_rewrite",
    "ts_stat",
];

/// Families of such functions, by how their names begin.
const REFUSED_PREFIXES: &[&str] = &[
    "brin_",
    "cursor_to_xml",
    "database_to_xml",
    "dblink",
    "gin_clean_pending",
    "lo_",
    "loread",
    "lowrite",
    "pg_advisory_",
    "pg_backup_",
    "pg_file_",
    "pg_ls_",
    "pg_read_",
    "pg_replication_",
    "pg_stat_reset",
    "pg_try_advisory_",
    "query_to_xml",
    "schema_to_xml",
    "table_to_xml",
];

/// Functions whose first argument can be a text search configuration.
const TEXT_SEARCH: &[&str] = &[
    "json_to_tsvector",
    "jsonb_to_tsvector",
    "phraseto_tsquery",
    "plainto_tsquery",
    "to_tsquery",
    "to_tsvector",
    "ts_headline",
    "websearch_to_tsquery",
];

/// The only text search configuration.
const CONFIGURATIONS: &[&str] = &["simple", "pg_catalog.simple"];

pub(crate) const SET_CONFIG: &str = "set_config";

/// Whether [`judge`] looks at the arguments of a function of this name.
pub(crate) fn arguments_matter(name: &str) -> bool {
    name == SET_CONFIG || TEXT_SEARCH.contains(&name)
}

/// Whether any rule is about a word of this name; in lower case.
pub(crate) fn is_of_interest(name: &str) -> bool {
    arguments_matter(name) || is_refused(name) || types::GEOMETRIC.contains(&name)
}

fn is_refused(name: &str) -> bool {
    REFUSED.binary_search(&name).is_ok()
        || REFUSED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether a call may run. Functions of other schemas are the clients' own.
pub(super) fn judge(call: &Call) -> Result<(), Refusal> {
    let name = match call.name.as_slice() {
        [name] => name.as_str(),
        [schema, name] if schema == "pg_catalog" => name.as_str(),
        _ => return Ok(()),
    };
    if is_refused(name) {
        return Err(unsupported(format!("function {name} not supported")));
    }
    if types::GEOMETRIC.contains(&name) {
        return Err(types::unsupported_type(name));
    }
    let arguments = call.arguments.as_array().map_or(&[][..], Vec::as_slice);
    if name == SET_CONFIG {
        return set_config(arguments);
    }
    if TEXT_SEARCH.contains(&name) && arguments.len() > 1 {
        return text_search(arguments);
    }
    Ok(())
}

/// `set_config(name, value, is_local)`, in this order or by the names of the arguments.
fn set_config(arguments: &[Value]) -> Result<(), Refusal> {
    let named = |name: &str, at: usize| {
        let wanted = arguments
            .iter()
            .find(|argument| argument_name(argument) == Some(name));
        wanted.or_else(|| {
            arguments
                .get(at)
                .filter(|argument| argument_name(argument).is_none())
        })
    };
    let Some(name) = named("setting_name", 0).and_then(constant) else {
        return Err(unsupported(
            "set_config with a computed parameter name not supported",
        ));
    };
    let value = named("new_value", 1).and_then(constant);
    // asyncpg turns `jit` off before it looks a type up, and gives up if it may not. It is off.
    if name.eq_ignore_ascii_case("jit") {
        return Ok(());
    }
    settings::value_is_supported(name, &[value])
}

fn text_search(arguments: &[Value]) -> Result<(), Refusal> {
    let configuration = arguments.first().and_then(constant);
    match configuration {
        Some(name) if !CONFIGURATIONS.contains(&name) => {
            let message = format!("text search configuration \"{name}\" does not exist");
            Err(undefined(message))
        }
        _ => Ok(()),
    }
}

fn node<'v>(value: &'v Value, kind: &str) -> Option<&'v Value> {
    value.get("node")?.get(kind)
}

fn argument_name(argument: &Value) -> Option<&str> {
    node(argument, "NamedArgExpr")?.get("name")?.as_str()
}

/// The text of a constant, also under a cast.
fn constant(argument: &Value) -> Option<&str> {
    if let Some(named) = node(argument, "NamedArgExpr") {
        return constant(named.get("arg")?);
    }
    if let Some(cast) = node(argument, "TypeCast") {
        return constant(cast.get("arg")?);
    }
    node(argument, "AConst")?
        .get("val")?
        .get("Sval")?
        .get("sval")?
        .as_str()
}
