//! The statements. They are portable: another SQL backend can use the same texts.

use std::cell::RefCell;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::keys::{DROP_CHILDREN, NewKey};
use crate::keys::to_text;
use crate::tx::{Rows, check_feed};
use crate::{
    Change, Document, ListKey, NewDocument, Position, ReadTx, Revision, StoreError, Visit,
};

/// A connection within a transaction.
pub(super) struct Reader<'a>(pub(super) &'a Connection);

/// The connection that writes.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// Keys that the running job has given to documents, not yet in the table.
    pub(super) new_keys: RefCell<Vec<NewKey>>,
}

pub(super) const GET: &str = "
    SELECT id, created, revision, version, body FROM documents
    WHERE parent = ?1 AND kind = ?2 AND id = ?3";
pub(super) const LIST: &str = "
    SELECT id, created, revision, version, body FROM documents
    WHERE parent = ?1 AND kind = ?2 AND (created, id) > (?3, ?4)
    ORDER BY created, id LIMIT ?5";
pub(super) const COUNT: &str = "SELECT COUNT(*) FROM documents WHERE parent = ?1 AND kind = ?2";
pub(super) const CHANGES: &str = "
    SELECT revision, parent, kind, id FROM changes
    WHERE revision > ?1 AND revision <= ?2
    ORDER BY revision, parent, kind, id";
// Two queries in one: a minimum and a maximum of one query would read the whole table.
pub(super) const FEED_RANGE: &str = "
    SELECT (SELECT MIN(revision) FROM changes), (SELECT MAX(revision) FROM changes)";
// The feed always holds the newest revision, so there is no other counter to keep in step.
pub(super) const NEWEST: &str = "SELECT MAX(revision) FROM changes";

const INSERT: &str = "
    INSERT INTO documents (parent, kind, id, created, revision, version, body, keys)
    VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)
    ON CONFLICT (parent, kind, id) DO NOTHING";
const PUT: &str = "
    INSERT INTO documents (parent, kind, id, created, revision, version, body, keys)
    VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)
    ON CONFLICT (parent, kind, id) DO UPDATE SET
        revision = excluded.revision, version = excluded.version, body = excluded.body,
        keys = excluded.keys";
const PUT_WITHOUT_KEYS: &str = "
    INSERT INTO documents (parent, kind, id, created, revision, version, body, keys)
    VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)
    ON CONFLICT (parent, kind, id) DO UPDATE SET
        revision = excluded.revision, version = excluded.version, body = excluded.body";
pub(super) const DELETE: &str = "DELETE FROM documents WHERE parent = ?1 AND kind = ?2 AND id = ?3";
pub(super) const DELETE_CHILDREN: &str = "DELETE FROM documents WHERE parent = ?1";
const NOTE: &str = "
    INSERT INTO changes (revision, parent, kind, id) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (revision, parent, kind, id) DO NOTHING";
const NOTE_CHILDREN: &str = "
    INSERT INTO changes (revision, parent, kind, id)
    SELECT ?1, parent, kind, id FROM documents WHERE parent = ?2
    ON CONFLICT (revision, parent, kind, id) DO NOTHING";
pub(super) const IS_LONG: &str = "
    SELECT (SELECT MIN(revision) FROM changes) <= (SELECT MAX(revision) FROM changes) - ?1 - ?1 / 512";
pub(super) const TRIM: &str = "
    DELETE FROM changes WHERE revision <= (SELECT MAX(revision) FROM changes) - ?1";

/// Runs a statement that takes and returns nothing.
pub(super) fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

impl Reader<'_> {
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let query = || {
            self.0
                .prepare_cached(sql)?
                .query_row(params, read)
                .optional()
        };
        query().map_err(StoreError::driver)
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let query = || {
            self.0
                .prepare_cached(sql)?
                .query_map(params, read)?
                .collect::<Result<_, _>>()
        };
        query().map_err(StoreError::driver)
    }
}

impl ReadTx for Reader<'_> {
    fn get(&self, kind: &str, parent: &str, id: &str) -> Result<Option<Document>, StoreError> {
        self.one(GET, [parent, kind, id], document)
    }

    fn list(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        // Revisions start at 1, so nothing comes before this.
        let (created, id) = after.map_or((0, ""), |after| (after.created.get(), &after.id));
        self.all(
            LIST,
            params![parent, kind, created, id, to_i64(limit)],
            document,
        )
    }

    fn positions(
        &self,
        parent: &str,
        key: ListKey,
        from: &Position,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError> {
        self.positions_of(parent, key, from, to_i64(limit))
    }

    fn scan(&self, kind: &str, parent: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        self.scan_with_cache(kind, parent, visit)
    }

    fn count(&self, kind: &str, parent: &str) -> Result<u64, StoreError> {
        let count = self.one(COUNT, [parent, kind], |row| row.get::<_, i64>(0))?;
        Ok(count.map_or(0, i64::unsigned_abs))
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        let range = self.one(FEED_RANGE, [], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
        let (oldest, newest) = range.unwrap_or_default();
        check_feed(
            after,
            oldest.map(Revision::new),
            Revision::new(newest.unwrap_or(0)),
        )?;
        // Revisions are dense: the next `limit` of them are these.
        let last = after.plus(to_i64(limit));
        self.all(CHANGES, [after.get(), last.get()], |row| {
            Ok(Change {
                revision: Revision::new(row.get(0)?),
                parent: row.get(1)?,
                kind: row.get(2)?,
                id: row.get(3)?,
            })
        })
    }

    fn revision(&self) -> Result<Revision, StoreError> {
        let newest = self.one(NEWEST, [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(newest.flatten().map_or(Revision::ZERO, Revision::new))
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            new_keys: RefCell::default(),
        }
    }

    fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    fn store(
        &self,
        sql: &str,
        at: Revision,
        new: &NewDocument<'_>,
        keys: &str,
    ) -> rusqlite::Result<bool> {
        let NewDocument {
            kind,
            parent,
            id,
            version,
            body,
            keys: _,
        } = *new;
        let row = params![parent, kind, id, at.get(), version, body, keys];
        let stored = self.execute(sql, row)? > 0;
        if stored {
            self.note(at, kind, parent, id)?;
        }
        Ok(stored)
    }

    fn note(&self, at: Revision, kind: &str, parent: &str, id: &str) -> rusqlite::Result<()> {
        self.execute(NOTE, params![at.get(), parent, kind, id])
            .map(drop)
    }

    /// Leaves the changes of the newest `length` revisions in the feed, once it is longer by one
    /// part in 512: looking costs a commit less than deleting.
    pub(super) fn trim(&self, length: i64) -> rusqlite::Result<()> {
        let mut is_long = self.connection.prepare_cached(IS_LONG)?;
        let is_long: Option<bool> = is_long.query_row([length], |row| row.get(0))?;
        if is_long == Some(true) {
            self.execute(TRIM, [length])?;
        }
        Ok(())
    }
}

impl ReadTx for Writer {
    fn get(&self, kind: &str, parent: &str, id: &str) -> Result<Option<Document>, StoreError> {
        Reader(&self.connection).get(kind, parent, id)
    }

    fn list(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        Reader(&self.connection).list(kind, parent, after, limit)
    }

    fn positions(
        &self,
        parent: &str,
        key: ListKey,
        from: &Position,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError> {
        self.flush_keys().map_err(StoreError::driver)?;
        Reader(&self.connection).positions(parent, key, from, limit)
    }

    fn scan(&self, kind: &str, parent: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        Reader(&self.connection).show(kind, parent, visit)
    }

    fn count(&self, kind: &str, parent: &str) -> Result<u64, StoreError> {
        Reader(&self.connection).count(kind, parent)
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        Reader(&self.connection).changes(after, limit)
    }

    fn revision(&self) -> Result<Revision, StoreError> {
        Reader(&self.connection).revision()
    }
}

impl Rows for Writer {
    fn insert(&mut self, at: Revision, document: &NewDocument<'_>) -> Result<bool, StoreError> {
        let keys = document.keys.map(to_text).unwrap_or_default();
        let insert = || {
            let inserted = self.store(INSERT, at, document, &keys)?;
            if inserted {
                self.add_keys(document.parent, at, document.id, &keys);
            }
            Ok::<_, rusqlite::Error>(inserted)
        };
        insert().map_err(StoreError::driver)
    }

    fn put(&mut self, at: Revision, document: &NewDocument<'_>) -> Result<(), StoreError> {
        let NewDocument {
            kind, parent, id, ..
        } = *document;
        let Some(keys) = document.keys.map(to_text) else {
            let put = self.store(PUT_WITHOUT_KEYS, at, document, "");
            return put.map(drop).map_err(StoreError::driver);
        };
        let (created, old) = match Reader(&self.connection).held(kind, parent, id)? {
            Some(held) => (held.created, held.keys),
            None => (at, String::new()),
        };
        let put = || {
            self.store(PUT, at, document, &keys)?;
            if keys != old {
                self.drop_keys(parent, created, id, &old)?;
                self.add_keys(parent, created, id, &keys);
            }
            Ok::<_, rusqlite::Error>(())
        };
        put().map_err(StoreError::driver)
    }

    fn delete(
        &mut self,
        at: Revision,
        kind: &str,
        parent: &str,
        id: &str,
    ) -> Result<bool, StoreError> {
        let Some(held) = Reader(&self.connection).held(kind, parent, id)? else {
            return Ok(false);
        };
        let delete = || {
            self.drop_keys(parent, held.created, id, &held.keys)?;
            self.execute(DELETE, [parent, kind, id])?;
            self.note(at, kind, parent, id)
        };
        delete().map(|()| true).map_err(StoreError::driver)
    }

    fn delete_children(&mut self, at: Revision, parent: &str) -> Result<u64, StoreError> {
        let delete = || {
            self.execute(NOTE_CHILDREN, params![at.get(), parent])?;
            self.flush_keys()?;
            self.execute(DROP_CHILDREN, [parent])?;
            self.execute(DELETE_CHILDREN, [parent])
        };
        delete()
            .map(|deleted| deleted as u64)
            .map_err(StoreError::driver)
    }
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        id: row.get(0)?,
        created: Revision::new(row.get(1)?),
        revision: Revision::new(row.get(2)?),
        version: row.get(3)?,
        body: row.get(4)?,
    })
}

fn to_i64(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
