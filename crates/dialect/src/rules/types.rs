//! Data types (spec D.5): which ones a column or domain can have, and how they are spelt.

use pg_query::protobuf::TypeName;

use super::tree;
use crate::Refusal;
use crate::refuse::{undefined, unsupported};

/// Types that can be stored: as the parser or a client names them, and as PostgreSQL prints them.
const STORABLE: &[(&str, &str)] = &[
    ("int2", "smallint"),
    ("smallint", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("numeric", "numeric"),
    ("bpchar", "character"),
    ("varchar", "character varying"),
    ("text", "text"),
    ("date", "date"),
    ("time", "time without time zone"),
    ("timetz", "time with time zone"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("interval", "interval"),
    ("bool", "boolean"),
    ("bytea", "bytea"),
    ("uuid", "uuid"),
    ("json", "json"),
    ("jsonb", "jsonb"),
];

/// Types that are printed otherwise than they are named.
const PRINTED: &[(&str, &str)] = &[("varbit", "bit varying"), ("char", "\"char\"")];

/// Types of PostgreSQL that cannot be stored.
const NOT_STORABLE: &[&str] = &[
    "aclitem",
    "bit",
    "box",
    "char",
    "cid",
    "cidr",
    "circle",
    "datemultirange",
    "daterange",
    "gtsvector",
    "inet",
    "int2vector",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "nummultirange",
    "numrange",
    "oid",
    "oidvector",
    "path",
    "pg_lsn",
    "pg_snapshot",
    "point",
    "polygon",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "tid",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "varbit",
    "xid",
    "xid8",
    "xml",
];

/// What PostgreSQL's parser expands into a sequence. Recorded for `serial`.
const SERIAL: &[&str] = &[
    "serial",
    "serial2",
    "serial4",
    "serial8",
    "smallserial",
    "bigserial",
];

/// Types that cannot even be used in a query. Recorded for the functions `line` and `circle`.
pub(super) const GEOMETRIC: &[&str] =
    &["box", "circle", "line", "lseg", "path", "point", "polygon"];

/// The longest declared length: name, as the message has it, bytes.
const LENGTHS: &[(&str, &str, i64)] = &[("bpchar", "char", 4_096), ("varchar", "varchar", 65_535)];

/// The type's own name, if it is one of PostgreSQL's or could be.
fn builtin<'n>(names: &[&'n str]) -> Option<&'n str> {
    match names {
        [name] => Some(name),
        ["pg_catalog", name] => Some(name),
        _ => None,
    }
}

fn printed(name: &str) -> &str {
    let pairs = STORABLE.iter().chain(PRINTED);
    pairs
        .into_iter()
        .find(|(own, _)| *own == name)
        .map_or(name, |(_, printed)| printed)
}

fn is_builtin(name: &str) -> bool {
    NOT_STORABLE.contains(&name) || STORABLE.iter().any(|(own, _)| *own == name)
}

pub(super) fn unsupported_type(printed: &str) -> Refusal {
    unsupported(format!("datatype {printed} not supported"))
}

/// Whether a column or domain can be of the type. Types that this table does not have are domains,
/// or unknown to PostgreSQL as well.
pub(super) fn storable(type_name: Option<&TypeName>) -> Result<(), Refusal> {
    let Some(type_name) = type_name else {
        return Ok(());
    };
    let names = tree::names(&type_name.names);
    let Some(name) = builtin(&names) else {
        let printed = names.join(".");
        let array = !type_name.array_bounds.is_empty();
        return if array {
            Err(unsupported_type(&format!("{printed}[]")))
        } else {
            Ok(())
        };
    };
    if SERIAL.contains(&name) {
        return Err(undefined(format!("type \"{name}\" does not exist")));
    }
    let element = name.strip_prefix('_').filter(|element| is_builtin(element));
    if element.is_some() || !type_name.array_bounds.is_empty() {
        let element = printed(element.unwrap_or(name));
        return Err(unsupported_type(&format!("{element}[]")));
    }
    // `"char"` is written with quotes; `char` reaches this as `bpchar`.
    if NOT_STORABLE.contains(&name) {
        return Err(unsupported_type(printed(name)));
    }
    length(name, type_name)
}

fn length(name: &str, type_name: &TypeName) -> Result<(), Refusal> {
    let Some((_, shown, most)) = LENGTHS.iter().find(|(own, ..)| *own == name) else {
        return Ok(());
    };
    let declared = type_name
        .typmods
        .first()
        .and_then(tree::inner)
        .and_then(tree::integer);
    if declared.is_some_and(|declared| declared > *most) {
        let message = format!("Datatype limit greater than {most} bytes not supported for {shown}");
        return Err(unsupported(message));
    }
    Ok(())
}

/// Whether the type is `bigint`; if not, how it is printed.
pub(super) fn is_bigint(type_name: Option<&TypeName>) -> Result<(), String> {
    let names = type_name
        .map(|type_name| tree::names(&type_name.names))
        .unwrap_or_default();
    match builtin(&names) {
        Some("int8") => Ok(()),
        Some(name) => Err(printed(name).to_owned()),
        None => Err(names.join(".")),
    }
}

/// Whether a type that a query uses is one that queries have.
pub(super) fn usable(names: &[String]) -> Result<(), Refusal> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match builtin(&names) {
        Some(name) if GEOMETRIC.contains(&name) => Err(unsupported_type(name)),
        _ => Ok(()),
    }
}
