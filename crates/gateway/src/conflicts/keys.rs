//! What is known of the unique keys of tables, and of who refers to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Keys;
use tokio::time::Instant;

use super::Conflicts;

/// For how long what is known of a table holds: an index that is built in the background does not
/// tell when it is done.
const FRESH: Duration = Duration::from_secs(10);

/// What is known, by table.
#[derive(Default)]
pub(super) struct Known(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    tables: HashMap<u32, Table>,
    /// Whether the database was asked to make anything.
    made: bool,
}

#[derive(Clone, Copy)]
struct Table {
    keys: Keys,
    at: Instant,
    /// Whether the database has made what it takes to look at rows.
    made: bool,
}

impl Known {
    /// Forgets all, as the catalog changes. Whether the database had made anything.
    pub(super) fn forget(&self) -> bool {
        std::mem::take(&mut *self.tables()).made
    }

    fn fresh(&self, relation: u32) -> Option<Table> {
        let tables = self.tables();
        let table = tables.tables.get(&relation).copied();
        table.filter(|table| table.at.elapsed() < FRESH)
    }

    fn know(&self, relation: u32, table: Table) {
        let mut tables = self.tables();
        tables.tables.insert(relation, table);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conflicts {
    /// Whether it is not known of a table that its keys cannot change unnoticed: that a key is
    /// updated that rows may refer to by another.
    pub(crate) fn doubts(&self, relation: u32) -> bool {
        let known = self.known.fresh(relation);
        known.is_none_or(|table| table.keys.referenced && table.keys.several)
    }

    /// The keys of a table.
    pub(crate) async fn keys(&self, relation: u32) -> Result<Keys, engine::Error> {
        if let Some(table) = self.known.fresh(relation) {
            return Ok(table.keys);
        }
        let at = Instant::now();
        let keys = self.backends.keys(&self.database, relation).await?;
        // What was made may be older than an index.
        let made = false;
        self.known.know(relation, Table { keys, at, made });
        Ok(keys)
    }

    /// Has the database make what it takes to look at the keys of rows. Whether it is there: not if
    /// the catalog is about to change.
    pub(crate) async fn make_keys(self: &Arc<Self>, relation: u32) -> Result<bool, engine::Error> {
        let keys = self.keys(relation).await?;
        let known = self.known.fresh(relation);
        if known.is_some_and(|table| table.made) {
            return Ok(true);
        }
        let at = known.map_or_else(Instant::now, |table| table.at);
        let Ok(making) = Arc::clone(&self.making).try_read_owned() else {
            return Ok(false);
        };
        let all = Arc::clone(self);
        let made = tokio::spawn(async move {
            let (_making, made) = (making, true);
            all.known.tables().made = true;
            all.backends.keys_make(&all.database, relation).await?;
            all.known.know(relation, Table { keys, at, made });
            Ok(true)
        });
        made.await.unwrap_or(Ok(false))
    }

    /// References to rows that were committed and may not be in a snapshot. `quick`: an index finds
    /// them.
    pub(crate) async fn references_since(
        &self,
        snapshot: &str,
        rows: &[String],
        quick: bool,
    ) -> Result<Option<String>, engine::Error> {
        let backends = &self.backends;
        let found = backends.references_since(&self.database, snapshot, rows, quick);
        found.await
    }
}
