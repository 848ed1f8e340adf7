//! The statements about documents' keys. A document has its keys in a column as well, so that they
//! are found when it goes or gets others.

use rusqlite::params;

use super::rows::{Reader, Writer};
use crate::keys::from_text;
use crate::{ListKey, Position, Revision, StoreError};

pub(super) const POSITIONS: &str = "
    SELECT created, id FROM document_keys
    WHERE parent = ?1 AND list_key = ?2 AND (created, id) >= (?3, ?4)
    ORDER BY created, id LIMIT ?5";
pub(super) const KEYS_OF: &str = "
    SELECT created, keys FROM documents WHERE parent = ?1 AND kind = ?2 AND id = ?3";
const ADD: &str = "
    INSERT INTO document_keys (parent, list_key, created, id) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (parent, list_key, created, id) DO NOTHING";
pub(super) const DROP: &str = "
    DELETE FROM document_keys
    WHERE parent = ?1 AND list_key = ?2 AND created = ?3 AND id = ?4";
pub(super) const DROP_CHILDREN: &str = "DELETE FROM document_keys WHERE parent = ?1";

/// The keys of a document that is there.
pub(super) struct Held {
    pub(super) created: Revision,
    pub(super) keys: String,
}

impl Reader<'_> {
    pub(super) fn positions_of(
        &self,
        parent: &str,
        key: ListKey,
        from: &Position,
        limit: i64,
    ) -> Result<Vec<Position>, StoreError> {
        let Position { created, id } = from;
        self.all(
            POSITIONS,
            params![parent, key.get(), created.get(), id, limit],
            |row| {
                Ok(Position {
                    created: Revision::new(row.get(0)?),
                    id: row.get(1)?,
                })
            },
        )
    }

    pub(super) fn held(
        &self,
        kind: &str,
        parent: &str,
        id: &str,
    ) -> Result<Option<Held>, StoreError> {
        self.one(KEYS_OF, [parent, kind, id], |row| {
            Ok(Held {
                created: Revision::new(row.get(0)?),
                keys: row.get(1)?,
            })
        })
    }
}

/// A key of a document, on its way into the table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NewKey {
    parent: String,
    key: i64,
    created: i64,
    id: String,
}

/// A job's new keys are written together and in order at its end, or when it asks for some: in the
/// order of its documents they would touch the table's pages at random, each of them many times.
impl Writer {
    /// Lists the document at a position by the keys of a text.
    pub(super) fn add_keys(&self, parent: &str, created: Revision, id: &str, keys: &str) {
        let new = from_text(keys).map(|key| NewKey {
            parent: parent.to_owned(),
            key: key.get(),
            created: created.get(),
            id: id.to_owned(),
        });
        self.new_keys.borrow_mut().extend(new);
    }

    pub(super) fn flush_keys(&self) -> rusqlite::Result<()> {
        let mut keys = self.new_keys.take();
        if keys.is_empty() {
            return Ok(());
        }
        keys.sort_unstable();
        let mut statement = self.connection.prepare_cached(ADD)?;
        for NewKey {
            parent,
            key,
            created,
            id,
        } in keys
        {
            statement.execute(params![parent, key, created, id])?;
        }
        Ok(())
    }

    /// Forgets what a job that is undone has not yet written.
    pub(super) fn forget_keys(&self) {
        self.new_keys.take();
    }

    /// Undoes [`Writer::add_keys`].
    pub(super) fn drop_keys(
        &self,
        parent: &str,
        created: Revision,
        id: &str,
        keys: &str,
    ) -> rusqlite::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.flush_keys()?;
        let mut statement = self.connection.prepare_cached(DROP)?;
        for key in from_text(keys) {
            statement.execute(params![parent, key.get(), created.get(), id])?;
        }
        Ok(())
    }
}
