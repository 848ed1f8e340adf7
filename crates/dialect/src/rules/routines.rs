//! `CREATE FUNCTION`: what its body does is held to the rules as well (spec D.6, D.7; trap 48).

use pg_query::NodeEnum;
use pg_query::protobuf::CreateFunctionStmt;

use super::{Judgement, Scope, Verdict, settings, systems, tree, wrong};
use crate::refuse::{unsupported, with_state};
use crate::{Effect, Refusal};

const LANGUAGE: &str = "sql";

/// Functions in functions.
const DEEPEST: u8 = 4;

pub(super) fn create(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::CreateFunctionStmt(create) = node else {
        return Err(wrong());
    };
    if create.is_procedure {
        return Err(unsupported("PROCEDURE is not supported"));
    }
    systems::schema(tree::schema_of(&tree::names(&create.funcname)))?;
    for (name, argument) in tree::options(&create.options) {
        option(name, argument)?;
    }
    if scope.nesting >= DEEPEST {
        return Err(with_state("54001", "stack depth limit exceeded"));
    }
    body(create, scope)?;
    Ok(Judgement::of(Effect::Ddl))
}

fn option(name: &str, argument: Option<&NodeEnum>) -> Result<(), Refusal> {
    match name {
        "language" => language(argument),
        "set" => {
            let Some(NodeEnum::VariableSetStmt(set)) = argument else {
                return Err(wrong());
            };
            settings::set_is_supported(set)
        }
        "as" | "volatility" | "strict" | "security" | "leakproof" | "parallel" | "cost"
        | "rows" => Ok(()),
        _ => Err(unsupported(format!(
            "{} not supported for CREATE FUNCTION",
            name.to_uppercase()
        ))),
    }
}

fn language(argument: Option<&NodeEnum>) -> Result<(), Refusal> {
    let Some(NodeEnum::String(language)) = argument else {
        return Err(wrong());
    };
    if language.sval == LANGUAGE {
        return Ok(());
    }
    Err(unsupported(format!(
        "CREATE FUNCTION with language {} not supported",
        language.sval
    )))
}

fn body(create: &CreateFunctionStmt, scope: &Scope<'_>) -> Result<(), Refusal> {
    if let Some(body) = tree::boxed(create.sql_body.as_deref()) {
        atomic(body, scope)?;
    }
    if let Some(NodeEnum::List(texts)) = tree::option(&create.options, "as").flatten() {
        // The second text of `AS 'file', 'symbol'` is for other languages.
        let mut texts = tree::names(&texts.items).into_iter();
        return texts.try_for_each(|text| written(text, scope));
    }
    Ok(())
}

/// `RETURN …` or `BEGIN ATOMIC …`: nodes of the same tree, whose expressions have been looked at.
fn atomic(body: &NodeEnum, scope: &Scope<'_>) -> Result<(), Refusal> {
    if let NodeEnum::List(list) = body {
        let mut items = list.items.iter().filter_map(tree::inner);
        return items.try_for_each(|item| atomic(item, scope));
    }
    if matches!(body, NodeEnum::ReturnStmt(_)) {
        return Ok(());
    }
    super::judge_nested(body, scope)?;
    stands_in_body(super::facts(body).root)
}

/// A body in a string.
fn written(text: &str, scope: &Scope<'_>) -> Result<(), Refusal> {
    let statements = crate::read::statements(text, scope.options, scope.nesting + 1);
    for statement in statements.map_err(not_a_syntax_error)? {
        if let Some(refusal) = statement.refusal {
            return Err(not_a_syntax_error(refusal));
        }
        if statement.rewritten {
            return Err(not_in_body());
        }
    }
    Ok(())
}

/// The statement that has the body could be parsed.
fn not_a_syntax_error(refusal: Refusal) -> Refusal {
    Refusal {
        syntax: false,
        position: None,
        ..refusal
    }
}

/// Whether a function may run a statement of this kind. Functions read and write rows; anything
/// else would pass by what the gateway knows of the session.
pub(super) fn stands_in_body(kind: &str) -> Result<(), Refusal> {
    match kind {
        "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" => Ok(()),
        _ => Err(not_in_body()),
    }
}

fn not_in_body() -> Refusal {
    unsupported("unsupported statement in the body of a function")
}
