//! Getting at the parts of a syntax tree.

use pg_query::protobuf::{DefElem, RangeVar, a_const};
use pg_query::{Node, NodeEnum};

/// What a node is.
pub(crate) fn inner(node: &Node) -> Option<&NodeEnum> {
    node.node.as_ref()
}

/// What a node in a box is.
pub(crate) fn boxed(node: Option<&Node>) -> Option<&NodeEnum> {
    node.and_then(inner)
}

/// An identifier.
pub(crate) fn name(node: &Node) -> Option<&str> {
    let NodeEnum::String(string) = inner(node)? else {
        return None;
    };
    Some(&string.sval)
}

/// The identifiers of a list.
pub(crate) fn names(nodes: &[Node]) -> Vec<&str> {
    nodes.iter().filter_map(name).collect()
}

/// A string constant, or the bare word that stands for one in `SET`.
pub(crate) fn constant(node: &NodeEnum) -> Option<&str> {
    let NodeEnum::AConst(constant) = node else {
        return None;
    };
    match constant.val.as_ref()? {
        a_const::Val::Sval(string) => Some(&string.sval),
        a_const::Val::Ival(_)
        | a_const::Val::Fval(_)
        | a_const::Val::Boolval(_)
        | a_const::Val::Bsval(_) => None,
    }
}

/// An integer, as a constant or as the argument of an option.
pub(crate) fn integer(node: &NodeEnum) -> Option<i64> {
    if let NodeEnum::Integer(integer) = node {
        return Some(i64::from(integer.ival));
    }
    if let NodeEnum::Float(float) = node {
        return float.fval.parse().ok();
    }
    let NodeEnum::AConst(constant) = node else {
        return None;
    };
    match constant.val.as_ref()? {
        a_const::Val::Ival(integer) => Some(i64::from(integer.ival)),
        a_const::Val::Fval(float) => float.fval.parse().ok(),
        a_const::Val::Sval(_) | a_const::Val::Boolval(_) | a_const::Val::Bsval(_) => None,
    }
}

/// The options of a list: `(name, argument)`.
pub(crate) fn options(nodes: &[Node]) -> impl Iterator<Item = (&str, Option<&NodeEnum>)> {
    nodes.iter().filter_map(|node| {
        let NodeEnum::DefElem(option) = inner(node)? else {
            return None;
        };
        Some((option.defname.as_str(), argument(option)))
    })
}

fn argument(option: &DefElem) -> Option<&NodeEnum> {
    boxed(option.arg.as_deref())
}

/// The option of that name.
pub(crate) fn option<'n>(nodes: &'n [Node], name: &str) -> Option<Option<&'n NodeEnum>> {
    options(nodes)
        .find(|(found, _)| *found == name)
        .map(|(_, argument)| argument)
}

/// The schema that a relation is written with.
pub(crate) fn schema(relation: Option<&RangeVar>) -> &str {
    relation.map_or("", |relation| &relation.schemaname)
}

/// The schema that a qualified name is written with.
pub(crate) fn schema_of<'n>(names: &[&'n str]) -> &'n str {
    match names {
        [.., schema, _] => schema,
        _ => "",
    }
}
