//! Transactions (spec D.2), as far as the text tells.

use pg_query::Node;
use pg_query::NodeEnum;
use pg_query::protobuf::{TransactionStmt, TransactionStmtKind as Kind};

use super::{Judgement, Verdict, tree, wrong};
use crate::Effect;
use crate::refuse::unsupported;

/// The only isolation level.
const LEVEL: &str = "repeatable read";

pub(super) fn judge(node: &NodeEnum) -> Verdict {
    let NodeEnum::TransactionStmt(statement) = node else {
        return Err(wrong());
    };
    let refused = |name: &str| {
        Err(unsupported(format!(
            "unsupported transaction statement: {name}"
        )))
    };
    match statement.kind() {
        Kind::TransStmtBegin | Kind::TransStmtStart => begin(statement),
        Kind::TransStmtCommit if !statement.chain => Ok(Judgement::of(Effect::Commit)),
        Kind::TransStmtRollback if !statement.chain => Ok(Judgement::of(Effect::Rollback)),
        Kind::TransStmtCommit => refused("COMMIT AND CHAIN"),
        Kind::TransStmtRollback => refused("ROLLBACK AND CHAIN"),
        Kind::TransStmtSavepoint => refused("SAVEPOINT"),
        Kind::TransStmtRelease => refused("RELEASE"),
        Kind::TransStmtRollbackTo => refused("ROLLBACK TO"),
        Kind::TransStmtPrepare => refused("PREPARE TRANSACTION"),
        Kind::TransStmtCommitPrepared => refused("COMMIT PREPARED"),
        Kind::TransStmtRollbackPrepared => refused("ROLLBACK PREPARED"),
        Kind::Undefined => Err(wrong()),
    }
}

fn begin(statement: &TransactionStmt) -> Verdict {
    isolation(&statement.options)?;
    if tree::option(&statement.options, "transaction_deferrable").is_some() {
        return Err(unsupported("DEFERRABLE transactions not supported"));
    }
    Ok(Judgement::of(Effect::Begin))
}

/// Whether the transaction modes name no level but the only one. Recorded: the level is checked
/// before anything else about the statement.
pub(super) fn isolation(modes: &[Node]) -> Result<(), crate::Refusal> {
    let levels = tree::options(modes).filter(|(name, _)| *name == "transaction_isolation");
    for (_, level) in levels {
        let level = level.and_then(tree::constant).unwrap_or_default();
        if level != LEVEL {
            let level = level.to_uppercase();
            return Err(unsupported(format!("Unsupported isolation level: {level}")));
        }
    }
    Ok(())
}
