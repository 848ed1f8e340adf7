//! Which rows have been locked `FOR KEY SHARE` by transactions that were committed of late.
//! PostgreSQL forgets such a lock at COMMIT; in DSQL it still counts for whoever has an older
//! snapshot, and deletes the row, changes its keys or reads it `FOR UPDATE` (spec E.2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Conflicts;
use super::clock::{Clock, Last};

/// How many rows are told apart.
const MOST: usize = 1 << 17;
/// For how long a row is remembered: no transaction becomes as old.
const KEEP: Duration = Duration::from_mins(6);
/// How long it is not looked again for rows to forget: it takes some milliseconds.
const REST: Duration = Duration::from_secs(5);
/// Stands for all rows of a table.
const ANY: &str = "";

/// A row: its table, and what identifies it there.
pub(crate) type Key = (u32, Box<str>);

/// The rows, and when they were last locked by a transaction that was committed.
pub(crate) struct Shares {
    clock: Clock,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    any: Last,
    tables: HashMap<u32, Table>,
    /// How many rows there are.
    count: usize,
    /// When it was last looked for rows to forget.
    pruned: Option<Instant>,
}

#[derive(Default)]
struct Table {
    any: Last,
    rows: HashMap<Box<str>, (Last, Option<Instant>)>,
}

impl Tables {
    /// Which row it is told apart as.
    fn change(&mut self, (relation, row): &Key, at: u64, running: i32) -> Key {
        self.any.change(at, running);
        let known = self.tables.get(relation);
        let known = known.is_some_and(|table| table.rows.contains_key(row));
        if !known && self.count >= MOST {
            self.prune();
        }
        let row: Box<str> = if known || self.count < MOST {
            row.clone()
        } else {
            ANY.into()
        };
        let table = self.tables.entry(*relation).or_default();
        table.any.change(at, running);
        let before = table.rows.len();
        let (last, when) = table.rows.entry(row.clone()).or_default();
        last.change(at, running);
        *when = Some(Instant::now());
        self.count += table.rows.len() - before;
        (*relation, row)
    }

    /// Forgets what no transaction is old enough for.
    fn prune(&mut self) {
        if self.pruned.is_some_and(|at| at.elapsed() < REST) {
            return;
        }
        self.pruned = Some(Instant::now());
        let is_young = |(last, when): &(Last, Option<Instant>)| {
            last.is_running() || when.is_some_and(|when| when.elapsed() < KEEP)
        };
        for table in self.tables.values_mut() {
            table.rows.retain(|_, row| is_young(row));
        }
        self.tables.retain(|_, table| !table.rows.is_empty());
        self.count = self.tables.values().map(|table| table.rows.len()).sum();
    }
}

/// Rows of a transaction that is being committed. It is over when this is dropped.
pub(crate) struct Sharing {
    conflicts: Arc<Conflicts>,
    rows: Vec<Key>,
}

impl Sharing {
    /// Rows of the transaction.
    pub(crate) fn of(conflicts: &Arc<Conflicts>, rows: &[Key]) -> Self {
        let rows = conflicts.shares.change(rows, 1);
        let conflicts = Arc::clone(conflicts);
        Self { conflicts, rows }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.conflicts.shares.change(&self.rows, -1);
    }
}

impl Shares {
    /// None yet.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            tables: Mutex::default(),
        }
    }

    /// A COMMIT begins or ends.
    fn change(&self, rows: &[Key], running: i32) -> Vec<Key> {
        let mut tables = self.tables();
        let at = self.clock.tick();
        let rows = rows.iter();
        rows.map(|row| tables.change(row, at, running)).collect()
    }

    /// Whether rows of a table were locked since then.
    pub(crate) fn since(&self, then: u64, relation: u32) -> bool {
        let tables = self.tables();
        let table = tables.tables.get(&relation);
        tables.any.is_since(then) && table.is_some_and(|table| table.any.is_since(then))
    }

    /// Whether one of these rows was locked since then.
    pub(crate) fn include(&self, then: u64, rows: &[Key]) -> bool {
        let tables = self.tables();
        rows.iter().any(|(relation, row)| {
            let table = tables.tables.get(relation);
            [row, ANY].into_iter().any(|row| {
                let found = table.and_then(|table| table.rows.get(row));
                found.is_some_and(|(last, _)| last.is_since(then))
            })
        })
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(relation: u32, row: usize) -> Key {
        (relation, format!("row {row}").into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_counts_from_the_begin_of_its_commit() {
        let clock = Clock::default();
        let shares = Shares::new(clock.clone());
        let before = clock.now();
        assert!(!shares.since(before, 7));
        shares.change(&[row(7, 1)], 1);
        let meanwhile = clock.now();
        for then in [before, meanwhile] {
            assert!(shares.since(then, 7) && shares.include(then, &[row(7, 2), row(7, 1)]));
            assert!(!shares.since(then, 8) && !shares.include(then, &[row(7, 2), row(8, 1)]));
        }
        shares.change(&[row(7, 1)], -1);
        assert!(shares.include(meanwhile, &[row(7, 1)]));
        let after = clock.now();
        assert!(!shares.since(after, 7) && !shares.include(after, &[row(7, 1)]));
    }

    #[tokio::test(start_paused = true)]
    async fn rows_beyond_those_that_are_told_apart_count_for_all() {
        let clock = Clock::default();
        let shares = Shares::new(clock.clone());
        let share = |rows: &[Key]| {
            let rows = shares.change(rows, 1);
            shares.change(&rows, -1);
        };
        let all: Vec<Key> = (0..MOST).map(|at| row(7, at)).collect();
        share(&all);
        let then = clock.now();
        share(&[row(7, 0)]);
        assert!(!shares.include(then, &[row(7, 1)]), "a known one");
        share(&[row(7, MOST)]);
        assert!(shares.include(then, &[row(7, 1)]));
        tokio::time::advance(KEEP).await;
        share(&[row(8, 0)]);
        assert_eq!(shares.tables().count, 1, "the others are too old");
        assert!(shares.include(then, &[row(8, 0)]));
    }
}
