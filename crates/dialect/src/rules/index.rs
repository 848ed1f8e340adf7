//! `CREATE INDEX ASYNC` (spec D.6, D.7, D.10).

use pg_query::NodeEnum;
use pg_query::protobuf::{IndexElem, IndexStmt, SortByDir};

use super::{Judgement, Scope, Verdict, systems, tree, wrong};
use crate::lex::{Kind, Token, tokens};
use crate::quote::{literal, qualified};
use crate::refuse::{unsupported, with_state};
use crate::{Effect, Refusal, Reply};

/// Key columns of an index. Recorded: SQLSTATE and message.
const MOST_KEYS: usize = 8;

pub(super) fn judge(node: &NodeEnum, scope: &Scope<'_>) -> Verdict {
    let NodeEnum::IndexStmt(index) = node else {
        return Err(wrong());
    };
    systems::schema(tree::schema(index.relation.as_ref()))?;
    if index.concurrent {
        return Err(unsupported("CONCURRENTLY not supported for CREATE INDEX"));
    }
    if !scope.asynchronous {
        return Err(unsupported(
            "unsupported mode. please use CREATE INDEX ASYNC.",
        ));
    }
    let tokens = tokens(scope.text).unwrap_or_default();
    clauses(index, scope.text, &tokens)?;
    let elements = index
        .index_params
        .iter()
        .chain(&index.index_including_params);
    for element in elements.filter_map(tree::inner) {
        let NodeEnum::IndexElem(element) = element else {
            return Err(wrong());
        };
        self::element(element)?;
    }
    if index.index_params.len() > MOST_KEYS {
        let message = format!("more than {MOST_KEYS} column keys in an index are not supported");
        return Err(with_state("54011", message));
    }
    Ok(rewrite(index, scope.text, &tokens))
}

fn clauses(index: &IndexStmt, text: &str, tokens: &[Token]) -> Result<(), Refusal> {
    // The parser gives the default for a missing `USING`.
    let using = outside_brackets(tokens).any(|token| token.is(text, "using"));
    let only = index
        .relation
        .as_ref()
        .is_some_and(|relation| !relation.inh);
    let present = [
        ("USING", using),
        ("WITH", !index.options.is_empty()),
        ("TABLESPACE", !index.table_space.is_empty()),
        ("ONLY", only),
    ];
    match present.iter().find(|(_, present)| *present) {
        Some((clause, _)) => Err(unsupported(format!(
            "{clause} not supported for CREATE INDEX"
        ))),
        None => Ok(()),
    }
}

fn element(element: &IndexElem) -> Result<(), Refusal> {
    let sorted = !matches!(
        element.ordering(),
        SortByDir::Undefined | SortByDir::SortbyDefault
    );
    if sorted {
        return Err(unsupported(
            "specifying sort order not supported for index keys",
        ));
    }
    if !element.opclass.is_empty() {
        return Err(unsupported("opclass not supported for index keys"));
    }
    if !element.collation.is_empty() {
        return Err(unsupported("collation not supported for index keys"));
    }
    Ok(())
}

/// The tokens that no bracket is around.
fn outside_brackets(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let mut depth = 0_usize;
    tokens.iter().filter(move |token| {
        let bracket = matches!(token.kind, Kind::Open | Kind::Close);
        if token.kind == Kind::Open {
            depth += 1;
        } else if token.kind == Kind::Close {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && !bracket
    })
}

/// The statement that the backend runs at once makes an index of no row; the job that follows
/// builds the real one. The client's own text is kept: both are it with another predicate.
fn rewrite(index: &IndexStmt, text: &str, tokens: &[Token]) -> Judgement {
    let end = tokens.last().map_or(0, |token| token.end);
    let clause = outside_brackets(tokens).find(|token| token.is(text, "where"));
    let predicate = clause
        .and_then(|clause| text.get(clause.end..end))
        .map(str::trim);
    let head = text
        .get(..clause.map_or(end, |clause| clause.start))
        .unwrap_or_default();
    let head = head.trim_end();
    let placeholder = match predicate {
        Some(predicate) => format!("{head}\nWHERE ({predicate}\n) AND false"),
        None => format!("{head}\nWHERE false"),
    };
    let relation = index.relation.as_ref();
    let name = relation.map_or("", |relation| &relation.relname);
    let table = literal(&qualified(tree::schema(relation), name));
    let placeholder = literal(&placeholder);
    let predicate = predicate.map_or("NULL".to_owned(), literal);
    let sql =
        format!("SELECT pg_treeline.create_index({table}, {placeholder}, {predicate}) AS job_id");
    Judgement::rewritten(Effect::Job, sql, Reply::Tag("CREATE INDEX"))
}
