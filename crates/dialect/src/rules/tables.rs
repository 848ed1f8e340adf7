//! `CREATE TABLE`, `CREATE VIEW`, `CREATE DOMAIN` (spec D.5 to D.7, D.9).

use pg_query::protobuf::{
    ColumnDef, ConstrType, Constraint, CreateStmt, OnCommitAction, RangeVar, ViewCheckOption,
};
use pg_query::{Node, NodeEnum};

use super::{Judgement, Verdict, sequences, systems, tree, types, wrong};
use crate::refuse::unsupported;
use crate::{Effect, Refusal};

pub(super) fn table(node: &NodeEnum) -> Verdict {
    let NodeEnum::CreateStmt(create) = node else {
        return Err(wrong());
    };
    persistence(create.relation.as_ref(), "table", "CREATE TABLE")?;
    systems::schema(tree::schema(create.relation.as_ref()))?;
    clauses(create)?;
    for element in create.table_elts.iter().filter_map(tree::inner) {
        if let NodeEnum::ColumnDef(column) = element {
            self::column(column)?;
        } else if let NodeEnum::Constraint(constraint) = element {
            self::constraint(constraint)?;
        }
    }
    Ok(Judgement::of(Effect::Ddl))
}

/// Whether a relation is to be an ordinary one: `p` of `p`, `t` (temporary) and `u` (unlogged).
pub(super) fn persistence(
    relation: Option<&RangeVar>,
    kind: &str,
    statement: &str,
) -> Result<(), Refusal> {
    let temporary = systems::is_temporary(tree::schema(relation));
    match relation.map(|relation| relation.relpersistence.as_str()) {
        Some(persistence) if temporary || persistence == "t" => Err(unsupported(format!(
            "TEMPORARY or TEMP {kind} not supported for {statement}"
        ))),
        Some("u") => Err(unsupported(format!(
            "UNLOGGED {kind} not supported for {statement}"
        ))),
        _ => Ok(()),
    }
}

/// The clauses around the columns, by the words that begin them.
fn clauses(create: &CreateStmt) -> Result<(), Refusal> {
    let on_commit = !matches!(
        create.oncommit(),
        OnCommitAction::Undefined | OnCommitAction::OncommitNoop
    );
    let present = [
        ("PARTITION BY", create.partspec.is_some()),
        ("PARTITION OF", create.partbound.is_some()),
        ("INHERITS", !create.inh_relations.is_empty()),
        ("OF", create.of_typename.is_some()),
        ("USING", !create.access_method.is_empty()),
        ("WITH", !create.options.is_empty()),
        ("ON COMMIT", on_commit),
        ("TABLESPACE", !create.tablespacename.is_empty()),
    ];
    match present.iter().find(|(_, present)| *present) {
        Some((clause, _)) => Err(unsupported(format!(
            "{clause} clause not supported for CREATE TABLE"
        ))),
        None => Ok(()),
    }
}

/// Storage strategies of columns.
const STORAGE: &[&str] = &["", "plain", "default"];

fn column(column: &ColumnDef) -> Result<(), Refusal> {
    let constraints = || constraints_of(&column.constraints);
    if let Some(identity) = constraints().find(|c| c.contype() == ConstrType::ConstrIdentity) {
        if let Err(printed) = types::is_bigint(column.type_name.as_ref()) {
            types::storable(column.type_name.as_ref())?;
            return Err(unsupported(format!(
                "datatype {printed} not supported, identity column type must be bigint"
            )));
        }
        sequences::identity(&identity.options)?;
    }
    bare_column(column)?;
    constraints().try_for_each(constraint)
}

/// A column without its constraints.
pub(super) fn bare_column(column: &ColumnDef) -> Result<(), Refusal> {
    types::storable(column.type_name.as_ref())?;
    if column.coll_clause.is_some() {
        return Err(unsupported("COLLATE clause not supported for columns"));
    }
    if !column.compression.is_empty() {
        return Err(unsupported("COMPRESSION clause not supported for columns"));
    }
    if !STORAGE.contains(&column.storage_name.to_ascii_lowercase().as_str()) {
        let storage = column.storage_name.to_uppercase();
        return Err(unsupported(format!("STORAGE {storage} not supported")));
    }
    Ok(())
}

pub(super) fn constraints_of(nodes: &[Node]) -> impl Iterator<Item = &Constraint> {
    nodes.iter().filter_map(|node| {
        let NodeEnum::Constraint(constraint) = tree::inner(node)? else {
            return None;
        };
        Some(&**constraint)
    })
}

fn constraint(constraint: &Constraint) -> Result<(), Refusal> {
    if constraint.contype() == ConstrType::ConstrExclusion {
        return Err(unsupported("EXCLUDE constraint not supported"));
    }
    let is_key = matches!(
        constraint.contype(),
        ConstrType::ConstrPrimary | ConstrType::ConstrUnique
    );
    if is_key && !constraint.options.is_empty() {
        return Err(unsupported("WITH clause not supported for constraints"));
    }
    if !constraint.indexspace.is_empty() {
        return Err(unsupported("USING INDEX TABLESPACE clause not supported"));
    }
    Ok(())
}

pub(super) fn view(node: &NodeEnum) -> Verdict {
    let NodeEnum::ViewStmt(view) = node else {
        return Err(wrong());
    };
    persistence(view.view.as_ref(), "view", "CREATE VIEW")?;
    systems::schema(tree::schema(view.view.as_ref()))?;
    if !view.options.is_empty() {
        return Err(unsupported("WITH clause not supported for CREATE VIEW"));
    }
    let check = !matches!(
        view.with_check_option(),
        ViewCheckOption::Undefined | ViewCheckOption::NoCheckOption
    );
    if check {
        return Err(unsupported(
            "WITH CHECK OPTION not supported for CREATE VIEW",
        ));
    }
    Ok(Judgement::of(Effect::Ddl))
}

pub(super) fn domain(node: &NodeEnum) -> Verdict {
    let NodeEnum::CreateDomainStmt(domain) = node else {
        return Err(wrong());
    };
    systems::schema(tree::schema_of(&tree::names(&domain.domainname)))?;
    types::storable(domain.type_name.as_ref())?;
    if domain.coll_clause.is_some() {
        return Err(unsupported(
            "COLLATE clause not supported for CREATE DOMAIN",
        ));
    }
    Ok(Judgement::of(Effect::Ddl))
}
