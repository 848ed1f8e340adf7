//! What is known of the unique keys of tables, and of who refers to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Changes, Keys};
use tokio::time::Instant;

use super::{Conflicts, Key};

/// For how long what is known of a table holds: an index that is built in the background does not
/// tell when it is done.
const FRESH: Duration = Duration::from_secs(10);

/// What is known, by table.
#[derive(Default)]
pub(super) struct Known(Mutex<HashMap<u32, Table>>);

#[derive(Clone)]
struct Table {
    keys: Arc<Keys>,
    at: Instant,
    /// Whether the database has made what it takes to look at rows.
    made: bool,
}

impl Known {
    /// Forgets all, as the catalog changes.
    pub(super) fn forget(&self) {
        self.tables().clear();
    }

    fn fresh(&self, relation: u32) -> Option<Table> {
        let tables = self.tables();
        let table = tables.get(&relation).cloned();
        table.filter(|table| table.at.elapsed() < FRESH)
    }

    fn know(&self, relation: u32, table: Table) {
        self.tables().insert(relation, table);
    }

    fn tables(&self) -> MutexGuard<'_, HashMap<u32, Table>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conflicts {
    /// The keys of a table, if they are known.
    pub(crate) fn known_keys(&self, relation: u32) -> Option<Arc<Keys>> {
        self.known.fresh(relation).map(|table| table.keys)
    }

    /// The keys of a table.
    pub(crate) async fn keys(&self, relation: u32) -> Result<Arc<Keys>, engine::Error> {
        if let Some(table) = self.known.fresh(relation) {
            return Ok(table.keys);
        }
        let at = Instant::now();
        let keys = Arc::new(self.backends.keys(&self.database, relation).await?);
        let known = Table {
            keys: Arc::clone(&keys),
            at,
            // What was made may be older than an index.
            made: false,
        };
        self.known.know(relation, known);
        Ok(keys)
    }

    /// Has the database make what it takes to look at the keys of rows. Nothing depends on that, and
    /// no change of the catalog removes it.
    pub(crate) async fn make_keys(&self, relation: u32) -> Result<(), engine::Error> {
        let keys = self.keys(relation).await?;
        let known = self.known.fresh(relation);
        if known.as_ref().is_some_and(|table| table.made) {
            return Ok(());
        }
        let at = known.map_or_else(Instant::now, |table| table.at);
        self.backends.keys_make(&self.database, relation).await?;
        let made = true;
        self.known.know(relation, Table { keys, at, made });
        Ok(())
    }

    /// What identifies the rows that changes delete or give other keys.
    pub(crate) async fn strong_keys(&self, changes: &Changes) -> Result<Vec<Key>, engine::Error> {
        let found = self.backends.strong_keys(&self.database, changes).await?;
        let found = found.into_iter();
        Ok(found
            .map(|(relation, key)| (relation, key.into()))
            .collect())
    }

    /// References to rows that were committed and may not be in a snapshot.
    pub(crate) async fn references_since(
        &self,
        snapshot: &str,
        rows: &[String],
    ) -> Result<Option<String>, engine::Error> {
        let backends = &self.backends;
        let found = backends.references_since(&self.database, snapshot, rows);
        found.await
    }
}
