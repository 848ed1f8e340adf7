//! The parts of a locking `SELECT` (spec D.6, E.2): without its clauses, and with the places of the
//! rows that it locks.

use std::ops::Range;

use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, LockClauseStrength, RangeVar, SelectStmt, SetOperation};

use crate::Effect;
use crate::edit::{Edit, blanked, edited};
use crate::lex::{Kind, Token, after_name, dotted, tokens};
use crate::quote::{identifier, qualified};
use crate::rules::{Judgement, tree};
use crate::suffix::Written;

/// The parts of a locking `SELECT` that are run beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    /// Whether any of its clauses is `FOR UPDATE`; otherwise all are `FOR KEY SHARE`.
    pub for_update: bool,
    /// The same statement with blanks in place of its locking clauses: positions stay.
    pub unlocked: String,
    /// A `SELECT` without locking that returns the columns of the original and after them, for each
    /// table that is locked, `tableoid, ctid` of its row. It has the same parameters, and whatever
    /// else the original computes is computed again. `None` unless all locking clauses are at the
    /// top level of a `SELECT`, lock nothing but what is written as a table, and nothing is written
    /// beside it. A table may yet turn out to be a view, which has no `ctid`.
    pub rows: Option<String>,
    /// How many pairs `rows` returns.
    pub pairs: usize,
}

/// What a statement locks when it runs.
pub(crate) fn of(judgement: &Judgement, written: &Written<'_>) -> Option<Locking> {
    let locks = &written.facts.locks;
    if locks.is_empty() || judgement.effect != Effect::Write || judgement.rewrite.is_some() {
        return None;
    }
    let text = written.text;
    let tokens = tokens(text)?;
    let clauses = clauses(text, &tokens);
    // Otherwise the text is one that this module does not understand.
    if clauses.len() != locks.len() {
        return None;
    }
    let blanks: Vec<Edit> = clauses
        .into_iter()
        .map(|clause| blanked(text, clause))
        .collect::<Option<_>>()?;
    let unlocked = edited(text, blanks.clone())?;
    let locked = locked(written);
    let pairs = locked.as_ref().map_or(0, Vec::len);
    let rows = locked.and_then(|locked| {
        let addition = addition(written, &tokens, &locked)?;
        edited(text, blanks.into_iter().chain(addition).collect())
    });
    Some(Locking {
        for_update: locks.contains(&(LockClauseStrength::LcsForupdate as i64)),
        unlocked,
        pairs: if rows.is_some() { pairs } else { 0 },
        rows,
    })
}

/// Functions with `FOR` between their arguments, which may be a column `update`.
const WITH_FOR: &[&str] = &["substring", "overlay"];

/// Where locking clauses stand: the parser does not tell.
fn clauses(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(text, word));
    let mut found = Vec::new();
    let mut opened: Vec<bool> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.wrapping_sub(1);
        match token.kind {
            Kind::Open => opened.push(WITH_FOR.iter().any(|name| is(before, name))),
            Kind::Close => drop(opened.pop()),
            Kind::Word if token.is(text, "for") => {
                // A name: `t.for`, `AS for`.
                let dot = tokens.get(before).is_some_and(|it| it.kind == Kind::Dot);
                let argument = opened.last() == Some(&true);
                let strength = if is(at + 1, "update") {
                    at + 2
                } else if is(at + 1, "key") && is(at + 2, "share") {
                    at + 3
                } else {
                    continue;
                };
                if !dot && !argument && !is(before, "as") {
                    let last = end_of_clause(text, tokens, strength).saturating_sub(1);
                    let end = tokens.get(last).map_or(token.end, |last| last.end);
                    found.push(token.start..end);
                }
            }
            Kind::Word | Kind::Quoted | Kind::Plain | Kind::Special | Kind::Number => {}
            Kind::Parameter | Kind::Comma | Kind::Semicolon | Kind::Dot | Kind::Operator => {}
        }
    }
    found
}

/// The token after `[OF name, …] [NOWAIT | SKIP LOCKED]`.
fn end_of_clause(text: &str, tokens: &[Token], mut at: usize) -> usize {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(text, word));
    if is(at, "of") {
        loop {
            let Some(last) = dotted(text, tokens, at + 1).pop() else {
                return at + 1;
            };
            at = after_name(text, tokens, last);
            let comma = tokens.get(at).is_some_and(|it| it.kind == Kind::Comma);
            if !comma {
                break;
            }
        }
    }
    if is(at, "nowait") {
        at + 1
    } else if is(at, "skip") {
        at + 2
    } else {
        at
    }
}

/// A table in `FROM`.
struct Table {
    /// By which `OF` names it.
    name: String,
    /// How a column of it is written.
    prefix: String,
}

/// What stands in `FROM`.
#[derive(Default)]
struct From<'s> {
    /// Names that are no tables.
    ctes: Vec<&'s str>,
    tables: Vec<Table>,
    /// Whether there is also what may have tables inside that cannot be named.
    opaque: bool,
}

impl<'s> From<'s> {
    fn of(select: &'s SelectStmt) -> Self {
        let with = select.with_clause.iter().flat_map(|with| &with.ctes);
        let mut from = Self {
            ctes: with.filter_map(name_of_cte).collect(),
            ..Self::default()
        };
        let items = select.from_clause.iter().filter_map(tree::inner);
        items.for_each(|item| from.item(item));
        from
    }

    fn item(&mut self, node: &NodeEnum) {
        if let NodeEnum::RangeVar(table) = node {
            self.table(table);
        } else if let NodeEnum::JoinExpr(join) = node {
            // Its alias hides the names inside.
            self.opaque |= join.alias.is_some();
            if join.alias.is_none() {
                let sides = [join.larg.as_deref(), join.rarg.as_deref()];
                let sides = sides.into_iter().filter_map(tree::boxed);
                sides.for_each(|side| self.item(side));
            }
        } else if let NodeEnum::RangeSubselect(inner) = node {
            self.opaque |= !tree::boxed(inner.subquery.as_deref()).is_some_and(reads_nothing);
        } else {
            // A function's rows cannot be locked.
            let function = matches!(
                node,
                NodeEnum::RangeFunction(_) | NodeEnum::RangeTableFunc(_)
            );
            self.opaque |= !function;
        }
    }

    fn table(&mut self, table: &RangeVar) {
        if table.schemaname.is_empty() && self.ctes.contains(&table.relname.as_str()) {
            return;
        }
        let alias = table.alias.as_ref();
        self.opaque |= alias.is_some_and(hides_places);
        self.tables.push(match alias {
            Some(alias) => Table {
                name: alias.aliasname.clone(),
                prefix: identifier(&alias.aliasname),
            },
            None => Table {
                name: table.relname.clone(),
                prefix: qualified(&table.schemaname, &table.relname),
            },
        });
    }
}

fn name_of_cte(node: &pg_query::Node) -> Option<&str> {
    let NodeEnum::CommonTableExpr(cte) = tree::inner(node)? else {
        return None;
    };
    Some(&cte.ctename)
}

/// Whether columns have the names of what tells a row's place.
fn hides_places(alias: &Alias) -> bool {
    let columns = tree::names(&alias.colnames);
    columns.contains(&"ctid") || columns.contains(&"tableoid")
}

/// Whether a query in `FROM` has none itself.
fn reads_nothing(query: &NodeEnum) -> bool {
    if let NodeEnum::SelectStmt(select) = query {
        select.from_clause.is_empty() && select.op() == SetOperation::SetopNone
    } else {
        false
    }
}

/// How columns of the tables are written that a `SELECT` locks, if it locks nothing else.
fn locked(written: &Written<'_>) -> Option<Vec<String>> {
    let NodeEnum::SelectStmt(select) = written.node else {
        return None;
    };
    let facts = written.facts;
    let inside = select.locking_clause.len() != facts.locks.len();
    if facts.writes || inside || select.op() != SetOperation::SetopNone {
        return None;
    }
    let from = From::of(select);
    let mut all = false;
    let mut named = Vec::new();
    for clause in select.locking_clause.iter().filter_map(tree::inner) {
        let NodeEnum::LockingClause(clause) = clause else {
            return None;
        };
        all |= clause.locked_rels.is_empty();
        for node in clause.locked_rels.iter().filter_map(tree::inner) {
            let NodeEnum::RangeVar(table) = node else {
                return None;
            };
            named.push(&table.relname);
        }
    }
    let known = |name: &&String| from.tables.iter().any(|table| table.name == **name);
    if from.opaque && all || !named.iter().all(known) {
        return None;
    }
    let tables = from.tables.iter();
    let locked = tables.filter(|table| all || named.contains(&&table.name));
    Some(locked.map(|table| table.prefix.clone()).collect())
}

/// What makes a `SELECT` return the places of rows.
fn addition(written: &Written<'_>, tokens: &[Token], locked: &[String]) -> Option<Option<Edit>> {
    let NodeEnum::SelectStmt(select) = written.node else {
        return None;
    };
    if locked.is_empty() {
        return Some(None);
    }
    let pairs = locked.iter();
    let pairs = pairs.map(|prefix| format!("{prefix}.tableoid, {prefix}.ctid"));
    let pairs = pairs.collect::<Vec<_>>().join(", ");
    let text = written.text;
    let NodeEnum::ResTarget(first) = select.target_list.first().and_then(tree::inner)? else {
        return None;
    };
    if first.location >= 0 {
        let start = usize::try_from(first.location).ok()?;
        let from = from_after(text, tokens, start.checked_sub(written.at)?)?;
        return Some(Some((from..from, format!(", {pairs} "))));
    }
    // `TABLE t` is `SELECT * FROM t`.
    let NodeEnum::RangeVar(table) = select.from_clause.first().and_then(tree::inner)? else {
        return None;
    };
    let start = usize::try_from(table.location).ok()?;
    let start = start.checked_sub(written.at)?;
    let before = tokens.iter().rev().filter(|token| token.start < start);
    let word = before.into_iter().find(|token| token.is(text, "table"))?;
    Some(Some((
        word.start..word.end,
        format!("SELECT *, {pairs} FROM"),
    )))
}

/// Where `FROM` is that ends the list whose first token is at `start`.
fn from_after(text: &str, tokens: &[Token], start: usize) -> Option<usize> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(text, word));
    let mut depth = 0_usize;
    let listed = tokens.iter().enumerate();
    for (at, token) in listed.skip_while(|(_, token)| token.start < start) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.checked_sub(1)?,
            Kind::Word if depth == 0 && token.is(text, "from") => {
                let before = at.checked_sub(1)?;
                let name =
                    tokens.get(before).is_some_and(|it| it.kind == Kind::Dot) || is(before, "as");
                if !name && !is_distinct(is, before) {
                    return Some(token.start);
                }
            }
            Kind::Word | Kind::Quoted | Kind::Plain | Kind::Special | Kind::Number => {}
            Kind::Parameter | Kind::Comma | Kind::Semicolon | Kind::Dot | Kind::Operator => {}
        }
    }
    None
}

/// Whether `IS [NOT] DISTINCT` ends at a token.
fn is_distinct(is: impl Fn(usize, &str) -> bool, at: usize) -> bool {
    let before = at.wrapping_sub(1);
    is(at, "distinct")
        && (is(before, "is") || is(before, "not") && is(before.wrapping_sub(1), "is"))
}
