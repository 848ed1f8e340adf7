//! Statements about objects of any kind: `DROP`, `RENAME`, `SET SCHEMA`, `OWNER`, `COMMENT`,
//! schemas, statistics (spec D.6, D.7).

use pg_query::NodeEnum;
use pg_query::protobuf::{DropBehavior, ObjectType};

use super::{Judgement, Scope, Verdict, settings, systems, tree, wrong};
use crate::refuse::unsupported;
use crate::{Effect, Refusal, Reply};

const DROPPABLE: &[ObjectType] = &[
    ObjectType::ObjectTable,
    ObjectType::ObjectView,
    ObjectType::ObjectIndex,
    ObjectType::ObjectSequence,
    ObjectType::ObjectSchema,
    ObjectType::ObjectDomain,
    ObjectType::ObjectFunction,
    ObjectType::ObjectStatisticExt,
];

/// Kinds of which clients have none: dropping one that need not exist does nothing. The engine has
/// some, so the backend must not be asked.
const NEVER_THERE: &[(ObjectType, &str)] = &[
    (ObjectType::ObjectTrigger, "DROP TRIGGER"),
    (ObjectType::ObjectEventTrigger, "DROP EVENT TRIGGER"),
];

const RENAMEABLE: &[ObjectType] = &[
    ObjectType::ObjectTable,
    ObjectType::ObjectColumn,
    ObjectType::ObjectTabconstraint,
    ObjectType::ObjectView,
    ObjectType::ObjectIndex,
    ObjectType::ObjectSequence,
    ObjectType::ObjectSchema,
    ObjectType::ObjectFunction,
    ObjectType::ObjectDomain,
    ObjectType::ObjectDomconstraint,
    ObjectType::ObjectStatisticExt,
];

const MOVABLE: &[ObjectType] = &[
    ObjectType::ObjectTable,
    ObjectType::ObjectView,
    ObjectType::ObjectSequence,
    ObjectType::ObjectFunction,
    ObjectType::ObjectDomain,
    ObjectType::ObjectStatisticExt,
];

const OWNED: &[ObjectType] = &[
    ObjectType::ObjectSchema,
    ObjectType::ObjectFunction,
    ObjectType::ObjectDomain,
    ObjectType::ObjectStatisticExt,
];

const COMMENTED: &[ObjectType] = &[
    ObjectType::ObjectTable,
    ObjectType::ObjectColumn,
    ObjectType::ObjectView,
    ObjectType::ObjectIndex,
    ObjectType::ObjectSequence,
    ObjectType::ObjectSchema,
    ObjectType::ObjectRole,
    ObjectType::ObjectFunction,
    ObjectType::ObjectRoutine,
    ObjectType::ObjectTabconstraint,
    ObjectType::ObjectDomain,
    ObjectType::ObjectDomconstraint,
    ObjectType::ObjectStatisticExt,
];

/// Whether the kind is one of those that the statement is about.
fn kind(kind: ObjectType, kinds: &[ObjectType], statement: &str) -> Result<(), Refusal> {
    if kinds.contains(&kind) {
        return Ok(());
    }
    Err(unsupported(format!(
        "unsupported object in {statement} statement"
    )))
}

/// The identifiers that an object is written with.
fn names_of(object: &NodeEnum) -> Vec<&str> {
    if let NodeEnum::List(list) = object {
        // `COMMENT ON CONSTRAINT … ON DOMAIN`: a type and a name.
        if let Some(NodeEnum::TypeName(of)) = list.items.first().and_then(tree::inner) {
            return tree::names(&of.names);
        }
        return tree::names(&list.items);
    }
    if let NodeEnum::ObjectWithArgs(routine) = object {
        return tree::names(&routine.objname);
    }
    if let NodeEnum::TypeName(of) = object {
        return tree::names(&of.names);
    }
    if let NodeEnum::String(name) = object {
        return vec![&name.sval];
    }
    Vec::new()
}

/// The schema that an object is written with.
pub(super) fn schema_of(object: &NodeEnum) -> &str {
    if let NodeEnum::RangeVar(relation) = object {
        return &relation.schemaname;
    }
    tree::schema_of(&names_of(object))
}

/// Whether an object of the kind can be changed, as far as its schema decides. Columns and
/// constraints are written with their table before their own name.
fn changeable(object: Option<&NodeEnum>, of: ObjectType) -> Result<(), Refusal> {
    let Some(object) = object else {
        return Ok(());
    };
    let names = names_of(object);
    if of == ObjectType::ObjectSchema {
        return names.into_iter().try_for_each(systems::schema_itself);
    }
    if of == ObjectType::ObjectRole {
        return names.into_iter().try_for_each(systems::role);
    }
    if [ObjectType::ObjectColumn, ObjectType::ObjectTabconstraint].contains(&of) {
        let relation = names.split_last().map(|(_, relation)| relation);
        return systems::schema(tree::schema_of(relation.unwrap_or_default()));
    }
    systems::schema(schema_of(object))
}

pub(super) fn drop(node: &NodeEnum) -> Verdict {
    let NodeEnum::DropStmt(drop) = node else {
        return Err(wrong());
    };
    let of = drop.remove_type();
    let never = NEVER_THERE.iter().find(|(kind, _)| *kind == of);
    if let Some((_, tag)) = never.filter(|_| drop.missing_ok) {
        let reply = Reply::TagOnly(tag);
        return Ok(Judgement::rewritten(Effect::Ddl, settings::NOTHING, reply));
    }
    kind(of, DROPPABLE, "DROP")?;
    if drop.concurrent {
        return Err(unsupported("CONCURRENTLY not supported for DROP INDEX"));
    }
    if of == ObjectType::ObjectDomain && drop.behavior() == DropBehavior::DropCascade {
        return Err(unsupported("DROP DOMAIN with CASCADE unsupported"));
    }
    let mut objects = drop.objects.iter().filter_map(tree::inner);
    objects.try_for_each(|object| changeable(Some(object), of))?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn rename(node: &NodeEnum) -> Verdict {
    let NodeEnum::RenameStmt(rename) = node else {
        return Err(wrong());
    };
    kind(rename.rename_type(), RENAMEABLE, "RENAME")?;
    systems::schema(tree::schema(rename.relation.as_ref()))?;
    if rename.rename_type() == ObjectType::ObjectSchema {
        systems::schema_itself(&rename.subname)?;
    }
    changeable(tree::boxed(rename.object.as_deref()), rename.rename_type())?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn set_schema(node: &NodeEnum) -> Verdict {
    let NodeEnum::AlterObjectSchemaStmt(alter) = node else {
        return Err(wrong());
    };
    kind(alter.object_type(), MOVABLE, "ALTER ... SET SCHEMA")?;
    systems::schema(tree::schema(alter.relation.as_ref()))?;
    systems::schema(&alter.newschema)?;
    changeable(tree::boxed(alter.object.as_deref()), alter.object_type())?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn owner(node: &NodeEnum) -> Verdict {
    let NodeEnum::AlterOwnerStmt(alter) = node else {
        return Err(wrong());
    };
    kind(alter.object_type(), OWNED, "ALTER ... OWNER")?;
    systems::schema(tree::schema(alter.relation.as_ref()))?;
    changeable(tree::boxed(alter.object.as_deref()), alter.object_type())?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn comment(node: &NodeEnum) -> Verdict {
    let NodeEnum::CommentStmt(comment) = node else {
        return Err(wrong());
    };
    kind(comment.objtype(), COMMENTED, "COMMENT")?;
    changeable(tree::boxed(comment.object.as_deref()), comment.objtype())?;
    Ok(Judgement::of(Effect::Ddl))
}

/// `CREATE SCHEMA` with the statements inside, each held to its own rules.
pub(super) fn schema(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::CreateSchemaStmt(create) = node else {
        return Err(wrong());
    };
    systems::schema(&create.schemaname)?;
    for element in create.schema_elts.iter().filter_map(tree::inner) {
        let inner = super::judge_nested(element, scope)?;
        if inner.rewrite.is_some() {
            return Err(unsupported(
                "unsupported element in CREATE SCHEMA statement",
            ));
        }
    }
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn statistics(node: &NodeEnum) -> Verdict {
    let schema = if let NodeEnum::CreateStatsStmt(create) = node {
        tree::schema_of(&tree::names(&create.defnames))
    } else if let NodeEnum::AlterStatsStmt(alter) = node {
        tree::schema_of(&tree::names(&alter.defnames))
    } else {
        return Err(wrong());
    };
    systems::schema(schema)?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn alter_domain(node: &NodeEnum) -> Verdict {
    let NodeEnum::AlterDomainStmt(alter) = node else {
        return Err(wrong());
    };
    systems::schema(tree::schema_of(&tree::names(&alter.type_name)))?;
    Ok(Judgement::of(Effect::Ddl))
}
