//! Reading many documents.

use rusqlite::Connection;

use super::rows::Reader;
use crate::{DocumentRef, Revision, StoreError, Visit};

// In this order the table is read from one end to the other, and nothing is sorted.
pub(super) const SCAN: &str = "
    SELECT id, created, revision, version, body FROM documents
    WHERE parent = ?1 AND kind = ?2 ORDER BY created, id";

/// What a connection that reads may keep of the database in memory, in the unit of SQLite's
/// `cache_size`: KiB, below zero. The inner pages of the indexes over a million documents fit.
const CACHE: i64 = -8 << 10;

/// The same during a scan. Documents of one transaction stand in the table as they were inserted,
/// but are read by id: the pages of all of them should stay until the last was read.
const SCAN_CACHE: i64 = -32 << 10;

/// Sets up a connection that reads.
pub(super) fn limit_cache(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", CACHE)
}

impl Reader<'_> {
    /// Shows the documents of a kind under a parent, with memory that is given back.
    pub(super) fn scan_with_cache(
        &self,
        kind: &str,
        parent: &str,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let grown = self.0.pragma_update(None, "cache_size", SCAN_CACHE);
        grown.map_err(StoreError::driver)?;
        let result = self.show(kind, parent, visit);
        limit_cache(self.0).map_err(StoreError::driver)?;
        result
    }

    pub(super) fn show(
        &self,
        kind: &str,
        parent: &str,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let mut show = || -> rusqlite::Result<()> {
            let mut statement = self.0.prepare_cached(SCAN)?;
            let mut rows = statement.query([parent, kind])?;
            while let Some(row) = rows.next()? {
                let document = DocumentRef {
                    id: row.get_ref(0)?.as_str()?,
                    created: Revision::new(row.get(1)?),
                    revision: Revision::new(row.get(2)?),
                    version: row.get(3)?,
                    body: row.get_ref(4)?.as_str()?,
                };
                if visit(document).is_break() {
                    break;
                }
            }
            Ok(())
        };
        show().map_err(StoreError::driver)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::open;
    use super::*;

    #[test]
    fn a_scan_gives_its_memory_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let writer = open::writer(&path).unwrap();
        let insert = "INSERT INTO documents VALUES ('p', 'k', ?1, 1, 1, 1, '{}', '')";
        for id in ["a", "b"] {
            writer.execute(insert, [id]).unwrap();
        }
        let reader = open::reader(&path).unwrap();
        let cache = || -> i64 {
            reader
                .pragma_query_value(None, "cache_size", |row| row.get(0))
                .unwrap()
        };
        assert_eq!(cache(), CACHE);
        let mut during = Vec::new();
        let shown = Reader(&reader).scan_with_cache("k", "p", &mut |_| {
            during.push(cache());
            ControlFlow::Break(())
        });
        shown.unwrap();
        assert_eq!((during, cache()), (vec![SCAN_CACHE], CACHE));
    }
}
