//! `ALTER TABLE` and what the parser takes for it: `ALTER VIEW`, `ALTER SEQUENCE`, `ALTER INDEX`
//! (spec D.6, D.7).

use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType as Action, ColumnDef, ConstrType, Constraint,
    ObjectType,
};
use pg_query::{Node, NodeEnum};

use super::{Judgement, Scope, Verdict, sequences, systems, tables, tree, wrong};
use crate::quote::{literal, qualified};
use crate::refuse::unsupported;
use crate::{Effect, Refusal, Reply};

enum Rule {
    Accept,
    /// Refused: the words after `unsupported ALTER TABLE`.
    Refuse(&'static str),
    /// Accepted without an effect: clients have no triggers, and must not reach the engine's.
    Ignore,
    Check(fn(&AlterTableCmd) -> Result<(), Refusal>),
}

use Rule::{Accept, Check, Ignore, Refuse};

fn rule(action: Action) -> Rule {
    match action {
        Action::AtAddColumn => Check(add_column),
        Action::AtColumnDefault
        | Action::AtDropNotNull
        | Action::AtDropExpression
        | Action::AtDropColumn
        | Action::AtAlterConstraint
        | Action::AtDropConstraint
        | Action::AtChangeOwner
        | Action::AtDropIdentity
        | Action::AtDropOids
        | Action::AtSetStorage => Accept,
        Action::AtAddConstraint => Check(add_constraint),
        Action::AtAddIdentity => Check(add_identity),
        Action::AtSetIdentity => Check(set_identity),
        Action::AtEnableTrigAll
        | Action::AtDisableTrigAll
        | Action::AtEnableTrigUser
        | Action::AtDisableTrigUser => Ignore,
        Action::AtAlterColumnType => Refuse("ALTER COLUMN ... SET DATA TYPE"),
        Action::AtSetNotNull => Refuse("ALTER COLUMN ... SET NOT NULL"),
        Action::AtSetStatistics => Refuse("ALTER COLUMN ... SET STATISTICS"),
        Action::AtSetExpression => Refuse("ALTER COLUMN ... SET EXPRESSION"),
        Action::AtSetOptions => Refuse("ALTER COLUMN ... SET"),
        Action::AtResetOptions => Refuse("ALTER COLUMN ... RESET"),
        Action::AtSetCompression => Refuse("ALTER COLUMN ... SET COMPRESSION"),
        Action::AtAlterColumnGenericOptions => Refuse("ALTER COLUMN ... OPTIONS"),
        Action::AtValidateConstraint => Refuse("VALIDATE CONSTRAINT"),
        Action::AtClusterOn => Refuse("CLUSTER ON"),
        Action::AtDropCluster => Refuse("SET WITHOUT CLUSTER"),
        Action::AtSetLogged => Refuse("SET LOGGED"),
        Action::AtSetUnLogged => Refuse("SET UNLOGGED"),
        Action::AtSetAccessMethod => Refuse("SET ACCESS METHOD"),
        Action::AtSetTableSpace => Refuse("SET TABLESPACE"),
        Action::AtSetRelOptions => Refuse("SET"),
        Action::AtResetRelOptions => Refuse("RESET"),
        Action::AtEnableTrig => Refuse("ENABLE TRIGGER"),
        Action::AtEnableAlwaysTrig => Refuse("ENABLE ALWAYS TRIGGER"),
        Action::AtEnableReplicaTrig => Refuse("ENABLE REPLICA TRIGGER"),
        Action::AtDisableTrig => Refuse("DISABLE TRIGGER"),
        Action::AtEnableRule => Refuse("ENABLE RULE"),
        Action::AtEnableAlwaysRule => Refuse("ENABLE ALWAYS RULE"),
        Action::AtEnableReplicaRule => Refuse("ENABLE REPLICA RULE"),
        Action::AtDisableRule => Refuse("DISABLE RULE"),
        Action::AtAddInherit => Refuse("INHERIT"),
        Action::AtDropInherit => Refuse("NO INHERIT"),
        Action::AtAddOf => Refuse("OF"),
        Action::AtDropOf => Refuse("NOT OF"),
        Action::AtReplicaIdentity => Refuse("REPLICA IDENTITY"),
        Action::AtEnableRowSecurity => Refuse("ENABLE ROW SECURITY"),
        Action::AtDisableRowSecurity => Refuse("DISABLE ROW SECURITY"),
        Action::AtForceRowSecurity => Refuse("FORCE ROW SECURITY"),
        Action::AtNoForceRowSecurity => Refuse("NO FORCE ROW SECURITY"),
        Action::AtGenericOptions => Refuse("OPTIONS"),
        Action::AtAttachPartition => Refuse("ATTACH PARTITION"),
        Action::AtDetachPartition => Refuse("DETACH PARTITION"),
        Action::AtDetachPartitionFinalize => Refuse("DETACH PARTITION ... FINALIZE"),
        // What the parser never makes.
        Action::Undefined
        | Action::AtAddColumnToView
        | Action::AtCookedColumnDefault
        | Action::AtCheckNotNull
        | Action::AtAddIndex
        | Action::AtReAddIndex
        | Action::AtReAddConstraint
        | Action::AtReAddDomainConstraint
        | Action::AtAddIndexConstraint
        | Action::AtReAddComment
        | Action::AtReplaceRelOptions
        | Action::AtReAddStatistics => Refuse("internal"),
    }
}

pub(super) fn judge(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::AlterTableStmt(alter) = node else {
        return Err(wrong());
    };
    object(alter.objtype())?;
    systems::schema(tree::schema(alter.relation.as_ref()))?;
    if scope.asynchronous {
        return validate(alter);
    }
    let mut ignored = 0;
    for command in commands(&alter.cmds) {
        match rule(command.subtype()) {
            Accept => {}
            Refuse(what) => {
                return Err(unsupported(format!(
                    "unsupported ALTER TABLE {what} statement"
                )));
            }
            Check(check) => check(command)?,
            Ignore => ignored += 1,
        }
    }
    match ignored {
        0 => Ok(Judgement::of(Effect::Ddl)),
        ignored if ignored == alter.cmds.len() => Ok(without_effect(alter)),
        _ => Err(unsupported(
            "unsupported ALTER TABLE ENABLE or DISABLE TRIGGER statement",
        )),
    }
}

/// Kinds of which there is a statement that the parser takes for `ALTER TABLE`.
const OBJECTS: &[ObjectType] = &[
    ObjectType::ObjectTable,
    ObjectType::ObjectView,
    ObjectType::ObjectSequence,
];

fn object(kind: ObjectType) -> Result<(), Refusal> {
    if OBJECTS.contains(&kind) {
        return Ok(());
    }
    Err(unsupported(if kind == ObjectType::ObjectType {
        "ALTER TYPE not supported"
    } else if kind == ObjectType::ObjectIndex {
        "unsupported ALTER INDEX statement"
    } else {
        "unsupported object in ALTER statement"
    }))
}

fn commands(nodes: &[Node]) -> impl Iterator<Item = &AlterTableCmd> {
    nodes.iter().filter_map(|node| {
        let NodeEnum::AlterTableCmd(command) = tree::inner(node)? else {
            return None;
        };
        Some(&**command)
    })
}

fn name_of(alter: &AlterTableStmt) -> String {
    let relation = alter.relation.as_ref();
    let name = relation.map_or("", |relation| &relation.relname);
    qualified(tree::schema(relation), name)
}

/// An `ALTER TABLE` that changes nothing, but fails like one when there is no such table or it is
/// another's: `WITHOUT OIDS` is a relic.
fn without_effect(alter: &AlterTableStmt) -> Judgement {
    let missing = if alter.missing_ok { "IF EXISTS " } else { "" };
    let sql = format!("ALTER TABLE {missing}{} SET WITHOUT OIDS", name_of(alter));
    Judgement::rewritten(Effect::Ddl, sql, Reply::AsIs)
}

/// `ALTER TABLE ASYNC t VALIDATE CONSTRAINT c`
fn validate(alter: &AlterTableStmt) -> Verdict {
    let mut commands = commands(&alter.cmds);
    let (Some(command), None) = (commands.next(), commands.next()) else {
        return Err(unsupported("unsupported ALTER TABLE ASYNC statement"));
    };
    if command.subtype() != Action::AtValidateConstraint {
        return Err(unsupported("unsupported ALTER TABLE ASYNC statement"));
    }
    let (table, constraint) = (literal(&name_of(alter)), literal(&command.name));
    let sql = format!("SELECT pg_treeline.validate_constraint({table}, {constraint}) AS job_id");
    Ok(Judgement::rewritten(
        Effect::Job,
        sql,
        Reply::Tag("ALTER TABLE"),
    ))
}

fn add_column(command: &AlterTableCmd) -> Result<(), Refusal> {
    let Some(NodeEnum::ColumnDef(column)) = tree::boxed(command.def.as_deref()) else {
        return Err(wrong());
    };
    let column: &ColumnDef = column;
    // `NULL` says what a column is anyway, and Django writes it.
    let says_nothing = |node: &Node| matches!(&node.node, Some(NodeEnum::Constraint(it)) if it.contype() == ConstrType::ConstrNull);
    if !column.constraints.iter().all(says_nothing) {
        return Err(unsupported(
            "ALTER TABLE ADD COLUMN with constraint not supported",
        ));
    }
    tables::bare_column(column)
}

fn add_constraint(command: &AlterTableCmd) -> Result<(), Refusal> {
    let Some(constraint) = constraint_of(command) else {
        return Err(wrong());
    };
    let checks = [ConstrType::ConstrCheck, ConstrType::ConstrForeign];
    let is_unique = constraint.contype() == ConstrType::ConstrUnique;
    if checks.contains(&constraint.contype()) && constraint.skip_validation
        || is_unique && !constraint.indexname.is_empty()
    {
        return Ok(());
    }
    Err(unsupported(
        "unsupported ALTER TABLE ADD CONSTRAINT statement",
    ))
}

fn constraint_of(command: &AlterTableCmd) -> Option<&Constraint> {
    let NodeEnum::Constraint(constraint) = tree::boxed(command.def.as_deref())? else {
        return None;
    };
    Some(constraint)
}

fn add_identity(command: &AlterTableCmd) -> Result<(), Refusal> {
    let constraint = constraint_of(command).ok_or_else(wrong)?;
    sequences::identity(&constraint.options)
}

fn set_identity(command: &AlterTableCmd) -> Result<(), Refusal> {
    let Some(NodeEnum::List(options)) = tree::boxed(command.def.as_deref()) else {
        return Err(wrong());
    };
    sequences::altered_identity(&options.items)
}
