//! What holds for what is known of any statement that may run.

use pg_query::NodeEnum;
use serde_json::Value;

use crate::facts::facts;
use crate::lex::{Kind, Tokens};
use crate::{Dialect, Locking, Outline, Reference, depth, parse};

/// # Panics
/// A property does not hold.
pub(super) fn check(text: &str) {
    for statement in Dialect::default().read(text).statements {
        if statement.refusal.is_some() {
            continue;
        }
        let sql = &*statement.sql;
        check_outline(sql);
        if let Some(locking) = &statement.locking {
            check_locking(sql, locking);
        }
    }
}

/// A statement that can be parsed has an outline; with the schemas that it has, it stays the same;
/// with others, it has those.
fn check_outline(sql: &str) {
    let Some(before) = tree(sql) else {
        // What went the way around the parser can be no SQL at all.
        assert_eq!(Outline::of(sql), None, "{sql:?}");
        return;
    };
    let outline = Outline::of(sql);
    assert!(outline.is_some(), "{sql:?}");
    let Some(outline) = outline else { return };
    let same = outline.renamed(sql, |reference| schema(sql, reference));
    assert_eq!(tree(&same), Some(before), "{sql:?}: {same:?}");
    let other = outline.renamed(sql, |_| Some("oth\"er".to_owned()));
    let now = Outline::of(&other).map(|outline| outline.references);
    let expected = outline.references.iter();
    let expected: Vec<_> = expected.map(|it| (own_name(it), it.role)).collect();
    let now = now.unwrap_or_default();
    assert!(now.iter().all(|it| it.name.starts_with("\"oth\"\"er\".")));
    let now: Vec<_> = now.iter().map(|it| (own_name(it), it.role)).collect();
    assert_eq!(now, expected, "{sql:?}: {other:?}");
}

/// Without its locking clauses a statement names what it named, and `rows` returns more columns.
fn check_locking(sql: &str, locking: &Locking) {
    let unlocked = &locking.unlocked;
    assert_eq!(unlocked.chars().count(), sql.chars().count(), "{sql:?}");
    let names = |sql: &str| {
        let references = Outline::of(sql)?.references.into_iter();
        Some(references.map(|it| it.name).collect::<Vec<_>>())
    };
    assert_eq!(names(unlocked), names(sql), "{sql:?}");
    let before = columns(unlocked);
    assert!(before.is_some(), "{unlocked:?}");
    if let Some(rows) = &locking.rows {
        assert_eq!(names(rows), names(sql), "{sql:?}");
        let expected = before.map(|before| before + 2 * locking.pairs);
        assert_eq!(columns(rows), expected, "{sql:?}: {rows:?}");
    }
}

/// How many targets a `SELECT` has, none for another statement; `None` if it locks anything.
fn columns(sql: &str) -> Option<usize> {
    let statements = parse::statements(sql).ok()?;
    let node = parse::node(statements.first()?)?;
    let columns = if let NodeEnum::SelectStmt(select) = node {
        select.target_list.len()
    } else {
        0
    };
    facts(node).locks.is_empty().then_some(columns)
}

/// The tree of one statement, without places.
fn tree(sql: &str) -> Option<Value> {
    depth::with_stack(sql, || {
        let statements = parse::statements(sql).ok()?;
        let [statement] = statements.as_slice() else {
            return None;
        };
        let mut tree = serde_json::to_value(parse::node(statement)?).ok()?;
        without_places(&mut tree);
        Some(tree)
    })?
}

fn without_places(tree: &mut Value) {
    if let Value::Object(fields) = tree {
        fields.retain(|name, _| !name.ends_with("location"));
        fields.values_mut().for_each(without_places);
    } else if let Value::Array(values) = tree {
        values.iter_mut().for_each(without_places);
    }
}

/// The schema that a reference is written with, unless that has a database before it.
fn schema(sql: &str, reference: &Reference) -> Option<String> {
    let written = sql.get(reference.schema.clone())?;
    let dots = Tokens::new(written).filter(|token| {
        let token = token.as_ref().ok();
        token.is_some_and(|token| token.kind == Kind::Dot)
    });
    let quoted = reference.name.strip_suffix(&own_name(reference))?;
    let schema = quoted.strip_prefix('"')?.strip_suffix("\".")?;
    (dots.count() == 1).then(|| schema.replace("\"\"", "\""))
}

/// The name without the schema, in quotes.
fn own_name(reference: &Reference) -> String {
    let mut tokens = Tokens::new(&reference.name).flatten();
    let own = tokens.find(|token| token.kind == Kind::Quoted && token.end == reference.name.len());
    own.map_or_else(String::new, |own| own.of(&reference.name).to_owned())
}
