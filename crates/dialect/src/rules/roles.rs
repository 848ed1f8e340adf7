//! Roles and privileges (spec C.8, D.6, D.7).

use pg_query::protobuf::{GrantStmt, GrantTargetType, ObjectType, RoleSpecType, RoleStmtType};
use pg_query::{Node, NodeEnum};

use super::{Judgement, Verdict, systems, tree, wrong};
use crate::quote::literal;
use crate::refuse::{unsupported, with_state};
use crate::{Effect, Refusal, Reply};

/// The options of `CREATE ROLE` and `ALTER ROLE`, as the parser calls them.
const OPTIONS: &[&str] = &[
    "canlogin",
    "inherit",
    "addroleto",
    "rolemembers",
    "adminmembers",
];

/// The others, as they are written.
const REFUSED: &[(&str, &str)] = &[
    ("superuser", "SUPERUSER"),
    ("createdb", "CREATEDB"),
    ("createrole", "CREATEROLE"),
    ("isreplication", "REPLICATION"),
    ("bypassrls", "BYPASSRLS"),
    ("connectionlimit", "CONNECTION LIMIT"),
    ("password", "PASSWORD"),
    ("validUntil", "VALID UNTIL"),
    ("sysid", "SYSID"),
];

fn options(options: &[Node], statement: &str) -> Result<(), Refusal> {
    for (name, _) in tree::options(options) {
        if !OPTIONS.contains(&name) {
            let written = REFUSED.iter().find(|(own, _)| *own == name);
            let written = written.map_or(name, |(_, written)| written);
            return Err(unsupported(format!(
                "{written} not supported for {statement}"
            )));
        }
    }
    Ok(())
}

pub(super) fn create(node: &NodeEnum) -> Verdict {
    let NodeEnum::CreateRoleStmt(create) = node else {
        return Err(wrong());
    };
    match create.stmt_type() {
        RoleStmtType::RolestmtUser => return Err(unsupported("CREATE USER not supported")),
        RoleStmtType::RolestmtGroup => return Err(unsupported("CREATE GROUP not supported")),
        RoleStmtType::RolestmtRole | RoleStmtType::Undefined => {}
    }
    systems::new_role(&create.role)?;
    options(&create.options, "CREATE ROLE")?;
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn alter(node: &NodeEnum) -> Verdict {
    let NodeEnum::AlterRoleStmt(alter) = node else {
        return Err(wrong());
    };
    options(&alter.options, "ALTER ROLE")?;
    Ok(Judgement::of(Effect::Ddl))
}

/// Roles are dropped by a function of the engine, which sees to it that no IAM role is mapped.
pub(super) fn drop(node: &NodeEnum) -> Verdict {
    let NodeEnum::DropRoleStmt(drop) = node else {
        return Err(wrong());
    };
    let mut names = Vec::new();
    for role in drop.roles.iter().filter_map(tree::inner) {
        let NodeEnum::RoleSpec(role) = role else {
            return Err(wrong());
        };
        if role.roletype() != RoleSpecType::RolespecCstring {
            let message = "cannot use special role specifier in DROP ROLE";
            return Err(with_state("22023", message));
        }
        names.push(literal(&role.rolename));
    }
    let (names, missing) = (names.join(", "), drop.missing_ok);
    let sql = format!("SELECT pg_treeline.drop_roles(ARRAY[{names}], {missing})");
    Ok(Judgement::rewritten(
        Effect::Ddl,
        sql,
        Reply::TagOnly("DROP ROLE"),
    ))
}

pub(super) fn grant_role(node: &NodeEnum) -> Verdict {
    let NodeEnum::GrantRoleStmt(grant) = node else {
        return Err(wrong());
    };
    let statement = if grant.is_grant { "GRANT" } else { "REVOKE" };
    for role in grant.granted_roles.iter().filter_map(tree::inner) {
        if let NodeEnum::AccessPriv(role) = role {
            systems::role(&role.priv_name)?;
        }
    }
    if !grant.opt.is_empty() {
        return Err(unsupported(format!(
            "{statement} role with options not supported"
        )));
    }
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn grant(node: &NodeEnum) -> Verdict {
    let NodeEnum::GrantStmt(grant) = node else {
        return Err(wrong());
    };
    privileges(grant)?;
    Ok(Judgement::of(Effect::Ddl))
}

/// Besides schemas.
const GRANTABLE: &[ObjectType] = &[
    ObjectType::ObjectTable,
    ObjectType::ObjectSequence,
    ObjectType::ObjectFunction,
];

fn privileges(grant: &GrantStmt) -> Result<(), Refusal> {
    let statement = if grant.is_grant { "GRANT" } else { "REVOKE" };
    let objects = || grant.objects.iter().filter_map(tree::inner);
    if grant.objtype() == ObjectType::ObjectSchema {
        tree::names(&grant.objects)
            .into_iter()
            .try_for_each(systems::schema_itself)?;
    } else if !GRANTABLE.contains(&grant.objtype()) {
        return Err(unsupported(format!(
            "unsupported object in {statement} statement"
        )));
    }
    if grant.targtype() == GrantTargetType::AclTargetAllInSchema {
        tree::names(&grant.objects)
            .into_iter()
            .try_for_each(systems::schema)?;
    }
    objects().try_for_each(|object| systems::schema(super::objects::schema_of(object)))
}

pub(super) fn default_privileges(node: &NodeEnum) -> Verdict {
    let NodeEnum::AlterDefaultPrivilegesStmt(alter) = node else {
        return Err(wrong());
    };
    if let Some(Some(NodeEnum::List(schemas))) = tree::option(&alter.options, "schemas") {
        tree::names(&schemas.items)
            .into_iter()
            .try_for_each(systems::schema)?;
    }
    Ok(Judgement::of(Effect::Ddl))
}
