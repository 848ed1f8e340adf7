use std::cell::Cell;
use std::ops::ControlFlow;

use crate::{Change, Document, DocumentRef, ListKey, NewDocument, Position, Revision, StoreError};

/// Runs on the writer thread after its transaction is durable and before the transaction's future
/// resolves, in the order of the commits. It is given the transaction's revision, or the newest one
/// that the transaction saw if it changed nothing. It must be short and must not wait for a write.
pub type AfterCommit = Box<dyn FnOnce(Revision) + Send>;

/// What [`ReadTx::scan`] calls with each document; it goes on until it is told to break off.
pub type Visit<'a> = &'a mut dyn FnMut(DocumentRef<'_>) -> ControlFlow<()>;

/// A consistent view of the whole store.
pub trait ReadTx {
    /// The document, if there is one.
    fn get(&self, kind: &str, parent: &str, id: &str) -> Result<Option<Document>, StoreError>;

    /// At most `limit` documents of a kind under a parent that come after `after`, in the order of
    /// their [`Position`]s: as they were inserted, and by id (byte by byte) within a transaction.
    /// Documents that come and go between two pages disturb no others.
    fn list(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError>;

    /// At most `limit` positions from `from` on, in order, at which `parent` has documents with
    /// this key.
    fn positions(
        &self,
        parent: &str,
        key: ListKey,
        from: &Position,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError>;

    /// Shows every document of a kind under a parent to `visit`, in no particular order. It is the
    /// quickest way to read many: nothing is copied.
    fn scan(&self, kind: &str, parent: &str, visit: Visit<'_>) -> Result<(), StoreError>;

    /// How many documents of a kind a parent has. The cost grows with the number.
    fn count(&self, kind: &str, parent: &str) -> Result<u64, StoreError>;

    /// What the `limit` transactions that follow `after` have changed, in order of revision; a
    /// transaction's changes are never torn apart. A document that a transaction changed repeatedly
    /// is named once.
    ///
    /// # Errors
    /// [`StoreError::FeedGap`] if the feed no longer reaches back that far, or `after` is newer than
    /// the store.
    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// The newest revision that this view shows: within a transaction that has changed something,
    /// its own.
    fn revision(&self) -> Result<Revision, StoreError>;
}

/// A transaction that sees its own changes. It is kept if its closure returns `Ok`, else nothing of
/// it remains.
pub trait WriteTx: ReadTx {
    /// Stores a new document and returns the transaction's revision.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`]; the transaction may go on after it.
    fn insert(&mut self, document: NewDocument<'_>) -> Result<Revision, StoreError>;

    /// Stores a document, replacing the body and, where new ones are given, the keys of one that is there already (which keeps its
    /// `created`, and so its place in lists). Returns the transaction's revision.
    fn put(&mut self, document: NewDocument<'_>) -> Result<Revision, StoreError>;

    /// Deletes a document; `false` if there is none.
    fn delete(&mut self, kind: &str, parent: &str, id: &str) -> Result<bool, StoreError>;

    /// Deletes the documents of every kind that have this parent, and returns how many there were.
    /// Documents that have one of the deleted ones as their parent stay.
    fn delete_children(&mut self, parent: &str) -> Result<u64, StoreError>;

    /// Has `hook` run if and when this transaction is committed.
    fn after_commit(&mut self, hook: AfterCommit);
}

/// What a backend implements: changes that are given their revision.
pub(crate) trait Rows: ReadTx {
    /// `false`, and no change, if the document is there.
    fn insert(&mut self, at: Revision, document: &NewDocument<'_>) -> Result<bool, StoreError>;
    fn put(&mut self, at: Revision, document: &NewDocument<'_>) -> Result<(), StoreError>;
    fn delete(
        &mut self,
        at: Revision,
        kind: &str,
        parent: &str,
        id: &str,
    ) -> Result<bool, StoreError>;
    fn delete_children(&mut self, at: Revision, parent: &str) -> Result<u64, StoreError>;
}

/// One job's transaction on the writer thread.
///
/// After a failed statement a database may have rolled back more than the statement, so that the
/// next one would run outside the transaction. Hence a job in which a statement failed can do
/// nothing more and is not kept, whatever its closure returns.
pub(crate) struct JobTx<'a> {
    rows: &'a mut dyn Rows,
    seen: Revision,
    changed: bool,
    failed: Cell<bool>,
    hooks: Vec<AfterCommit>,
}

impl<'a> JobTx<'a> {
    /// `seen` is the newest revision in `rows`.
    pub(crate) fn new(rows: &'a mut dyn Rows, seen: Revision) -> Self {
        Self {
            rows,
            seen,
            changed: false,
            failed: Cell::new(false),
            hooks: Vec::new(),
        }
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.get()
    }

    pub(crate) fn into_hooks(self) -> (Revision, Vec<AfterCommit>) {
        (
            if self.changed {
                self.seen.next()
            } else {
                self.seen
            },
            self.hooks,
        )
    }

    fn reading<T>(
        &self,
        statement: impl FnOnce(&dyn Rows) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.failed.get() {
            return Err(StoreError::FailedBefore);
        }
        let result = statement(self.rows);
        self.failed
            .set(matches!(result, Err(StoreError::Driver(_))));
        result
    }

    fn writing<T>(
        &mut self,
        statement: impl FnOnce(&mut dyn Rows, Revision) -> Result<T, StoreError>,
        changes: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError> {
        if self.failed.get() {
            return Err(StoreError::FailedBefore);
        }
        let result = statement(self.rows, self.seen.next());
        self.failed
            .set(matches!(result, Err(StoreError::Driver(_))));
        self.changed |= result.as_ref().is_ok_and(changes);
        result
    }
}

impl ReadTx for JobTx<'_> {
    fn get(&self, kind: &str, parent: &str, id: &str) -> Result<Option<Document>, StoreError> {
        self.reading(|rows| rows.get(kind, parent, id))
    }

    fn list(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        self.reading(|rows| rows.list(kind, parent, after, limit))
    }

    fn positions(
        &self,
        parent: &str,
        key: ListKey,
        from: &Position,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError> {
        self.reading(|rows| rows.positions(parent, key, from, limit))
    }

    fn scan(&self, kind: &str, parent: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        self.reading(|rows| rows.scan(kind, parent, visit))
    }

    fn count(&self, kind: &str, parent: &str) -> Result<u64, StoreError> {
        self.reading(|rows| rows.count(kind, parent))
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.reading(|rows| rows.changes(after, limit))
    }

    fn revision(&self) -> Result<Revision, StoreError> {
        self.reading(|rows| rows.revision())
    }
}

impl WriteTx for JobTx<'_> {
    fn insert(&mut self, document: NewDocument<'_>) -> Result<Revision, StoreError> {
        check_texts(&document)?;
        let inserted = self.writing(|rows, at| rows.insert(at, &document), |inserted| *inserted)?;
        if inserted {
            Ok(self.seen.next())
        } else {
            Err(StoreError::AlreadyExists)
        }
    }

    fn put(&mut self, document: NewDocument<'_>) -> Result<Revision, StoreError> {
        check_texts(&document)?;
        self.writing(|rows, at| rows.put(at, &document), |()| true)?;
        Ok(self.seen.next())
    }

    fn delete(&mut self, kind: &str, parent: &str, id: &str) -> Result<bool, StoreError> {
        self.writing(
            |rows, at| rows.delete(at, kind, parent, id),
            |deleted| *deleted,
        )
    }

    fn delete_children(&mut self, parent: &str) -> Result<u64, StoreError> {
        self.writing(
            |rows, at| rows.delete_children(at, parent),
            |deleted| *deleted > 0,
        )
    }

    fn after_commit(&mut self, hook: AfterCommit) {
        self.hooks.push(hook);
    }
}

fn check_texts(document: &NewDocument<'_>) -> Result<(), StoreError> {
    let NewDocument {
        kind,
        parent,
        id,
        version: _,
        body,
        keys: _,
    } = *document;
    for (part, text) in [
        ("kind", kind),
        ("parent", parent),
        ("id", id),
        ("body", body),
    ] {
        if text.contains('\0') {
            return Err(StoreError::IllegalText { part });
        }
    }
    Ok(())
}

/// Whether a feed that holds the changes of `oldest..=newest` continues `after`. `oldest` is `None`
/// for an empty feed.
pub(crate) fn check_feed(
    after: Revision,
    oldest: Option<Revision>,
    newest: Revision,
) -> Result<(), StoreError> {
    let start = oldest.map_or(newest, |oldest| oldest.minus(1));
    if (start..=newest).contains(&after) {
        Ok(())
    } else {
        Err(StoreError::FeedGap { after })
    }
}
