//! Where rows have been deleted of late. PostgreSQL lets a transaction write a key that its own
//! snapshot shows, if another has deleted that row since; DSQL finds the key taken. So it is looked
//! at what a statement has written where something was deleted since the snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Conflicts;
use super::clock::{Clock, Last};

/// How many tables are told apart.
const MOST: usize = 4096;
/// Stands for all tables.
const ANY: &str = "";

/// When rows of tables were last deleted, by the tables' own names.
pub(crate) struct Deletions {
    clock: Clock,
    last: Mutex<HashMap<Box<str>, Last>>,
}

/// Deletions that are under way until this is dropped.
pub(crate) struct Deleting {
    conflicts: Arc<Conflicts>,
    tables: Vec<Option<String>>,
}

impl Deleting {
    /// Rows of these tables are about to be deleted, in a way that others see; without a name of
    /// any.
    pub(crate) fn from(conflicts: &Arc<Conflicts>, tables: Vec<Option<String>>) -> Self {
        for table in &tables {
            conflicts.deletions.change(table.as_deref(), 1);
        }
        Self {
            conflicts: Arc::clone(conflicts),
            tables,
        }
    }
}

impl Drop for Deleting {
    fn drop(&mut self) {
        for table in &self.tables {
            self.conflicts.deletions.change(table.as_deref(), -1);
        }
    }
}

impl Deletions {
    /// None yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            last: Mutex::default(),
        }
    }

    /// A deletion begins or ends.
    fn change(&self, table: Option<&str>, running: i32) {
        let mut last = self.last();
        let at = self.clock.tick();
        let known = |table: &&str| last.len() < MOST || last.contains_key(*table);
        let table = table.filter(known).unwrap_or(ANY);
        last.entry(table.into()).or_default().change(at, running);
    }

    /// Whether rows of a table were deleted since then.
    pub(crate) fn since(&self, then: u64, table: Option<&str>) -> bool {
        let last = self.last();
        let of = |table: &str| last.get(table).is_some_and(|it| it.is_since(then));
        match table {
            Some(table) => of(table) || of(ANY),
            None => last.values().any(|it| it.is_since(then)),
        }
    }

    fn last(&self) -> MutexGuard<'_, HashMap<Box<str>, Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table that a statement deletes from: `None` if it does not, `Some(None)` if it is not plain
/// which.
pub(crate) fn deleted_from(sql: &str) -> Option<Option<String>> {
    target(sql, "delete", "from")
}

/// The table that a statement writes new rows to, in the same way.
pub(crate) fn written_to(sql: &str) -> Option<Option<String>> {
    match target(sql, "insert", "into") {
        Some(Some(table)) => Some(Some(table)),
        inserts => match (target(sql, "update", ""), inserts) {
            (Some(Some(table)), None) => Some(Some(table)),
            (None, None) => None,
            _ => Some(None),
        },
    }
}

fn target(sql: &str, verb: &str, preposition: &str) -> Option<Option<String>> {
    let mut words = sql.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    if !first.eq_ignore_ascii_case(verb) {
        let has = sql.to_ascii_lowercase().contains(verb);
        return has.then_some(None);
    }
    if !preposition.is_empty() && !words.next()?.eq_ignore_ascii_case(preposition) {
        return Some(None);
    }
    let name = words.next()?.split(['(', ';']).next()?.rsplit('.').next()?;
    let name = match name.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').unwrap_or_default().to_owned(),
        None => name.to_ascii_lowercase(),
    };
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    // PostgreSQL cuts longer names.
    let is_plain = name != "only" && (1..64).contains(&name.len()) && name.chars().all(is_name);
    Some(is_plain.then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_a_statement() {
        for (sql, expected) in [
            ("select 1", None),
            ("delete from T where id = 1", Some(Some("t"))),
            ("DELETE FROM public.t", Some(Some("t"))),
            ("delete from \"Two\";", Some(Some("Two"))),
            ("delete from only t", Some(None)),
            ("delete /* */ from t", Some(None)),
            (
                "with x as (delete from t returning id) select 1",
                Some(None),
            ),
        ] {
            let expected = expected.map(|name| name.map(str::to_owned));
            assert_eq!(deleted_from(sql), expected, "{sql}");
        }
        for (sql, expected) in [
            ("INSERT INTO public.t(id) values (1)", Some(Some("t"))),
            ("update T set v = 1", Some(Some("t"))),
            (
                "insert into t values (1) on conflict do nothing",
                Some(Some("t")),
            ),
            (
                "with x as (update t set v = 1) insert into u select 1",
                Some(None),
            ),
            ("delete from t", None),
        ] {
            let expected = expected.map(|name| name.map(str::to_owned));
            assert_eq!(written_to(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_was_deleted_since() {
        let clock = Clock::default();
        let deletions = Deletions::new(clock.clone());
        let start = clock.now();
        assert!(!deletions.since(start, Some("t")));
        deletions.change(Some("t"), 1);
        assert!(deletions.since(start, Some("t")));
        assert!(!deletions.since(start, Some("u")));
        assert!(deletions.since(start, None));
        let meanwhile = clock.now();
        assert!(deletions.since(meanwhile, Some("t")), "it is under way");
        deletions.change(Some("t"), -1);
        let later = clock.now();
        assert!(!deletions.since(later, Some("t")));
        deletions.change(None, 1);
        assert!(deletions.since(later, Some("u")));
    }
}
