//! Schemas and roles that are the system's own (spec C.8, D.11).

use crate::Refusal;
use crate::refuse::{denied, undefined, unsupported, with_state};

/// Schemas in which nothing can be created, altered or dropped.
const CLOSED: &[&str] = &["sys"];

/// Schemas that cannot themselves be granted, altered or dropped.
const SYSTEM: &[&str] = &["public", "sys"];

/// The superuser of a cluster's instance, as whom nobody logs in.
const SUPERUSER: &str = "treeline";

fn system_entity() -> Refusal {
    unsupported("feature not supported on system entity")
}

/// Whether PostgreSQL takes the schema for the session's temporary one.
pub(super) fn is_temporary(name: &str) -> bool {
    name == "pg_temp" || name.starts_with("pg_temp_")
}

/// Whether something in the schema can be changed.
pub(super) fn schema(name: &str) -> Result<(), Refusal> {
    if is_temporary(name) {
        return Err(unsupported("TEMPORARY or TEMP objects not supported"));
    }
    if CLOSED.contains(&name) {
        Err(system_entity())
    } else {
        Ok(())
    }
}

/// Whether the schema itself can be changed.
pub(super) fn schema_itself(name: &str) -> Result<(), Refusal> {
    if SYSTEM.contains(&name) {
        Err(system_entity())
    } else {
        Ok(())
    }
}

/// Whether a role may be named where roles are.
pub(super) fn role(name: &str) -> Result<(), Refusal> {
    if name == SUPERUSER {
        return Err(undefined(format!("role \"{name}\" does not exist")));
    }
    if name.starts_with("pg_") {
        return Err(denied(format!("permission denied for role \"{name}\"")));
    }
    Ok(())
}

/// Whether a role may be given the name.
pub(super) fn new_role(name: &str) -> Result<(), Refusal> {
    if name == SUPERUSER || name.starts_with("pg_") {
        return Err(with_state(
            "42939",
            format!("role name \"{name}\" is reserved"),
        ));
    }
    Ok(())
}
