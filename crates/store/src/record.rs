use std::ops::ControlFlow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    Document, DocumentRef, ListKey, NewDocument, Position, ReadTx, Revision, StoreError, WriteTx,
    keys,
};

/// A type that is stored as a document.
pub trait Record: Serialize + DeserializeOwned {
    /// The kind of its documents. It must never change.
    const KIND: &'static str;

    /// The version of its shape, from 1. A program refuses records of a newer version than it
    /// knows: they might hold something that matters and that it would drop or misread. So a new
    /// field that an older program must not ignore needs a new version.
    const VERSION: u32;

    /// Reads a body that was written with `version`, which is at most [`Record::VERSION`]. A type
    /// whose shape has changed reads the older ones here.
    fn from_body(version: u32, body: &str) -> Result<Self, serde_json::Error> {
        let _ = version;
        serde_json::from_str(body)
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored<R> {
    /// The document's id.
    pub id: String,
    /// The transaction that inserted it.
    pub created: Revision,
    /// The transaction that changed it last.
    pub revision: Revision,
    /// The record.
    pub record: R,
}

impl<R> Stored<R> {
    /// Where the record stands in the order of [`ReadRecords::list_records`].
    pub fn position(&self) -> Position {
        Position {
            created: self.created,
            id: self.id.clone(),
        }
    }
}

/// A record as it was read, by [`ReadRecords::scan_records`]. The fields are those of [`Stored`].
#[expect(missing_docs, reason = "they are those of Stored")]
pub struct StoredRef<'a, R> {
    pub id: &'a str,
    pub created: Revision,
    pub revision: Revision,
    pub record: R,
}

impl<'a> DocumentRef<'a> {
    /// The body, for a caller that reads documents of the type `R` itself.
    ///
    /// # Errors
    /// [`StoreError::RecordTooNew`].
    pub fn body_of<R: Record>(&self) -> Result<&'a str, StoreError> {
        check_version::<R>(self.version)?;
        Ok(self.body)
    }
}

/// [`ReadTx`] with types. Each method fails with [`StoreError::RecordTooNew`] or
/// [`StoreError::BadRecord`] if a record on its way cannot be read.
pub trait ReadRecords: ReadTx {
    /// See [`ReadTx::get`].
    fn get_record<R: Record>(
        &self,
        parent: &str,
        id: &str,
    ) -> Result<Option<Stored<R>>, StoreError> {
        self.get(R::KIND, parent, id)?.map(decode).transpose()
    }

    /// See [`ReadTx::list`].
    fn list_records<R: Record>(
        &self,
        parent: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        self.list(R::KIND, parent, after, limit)?
            .into_iter()
            .map(decode)
            .collect()
    }

    /// The records that have, of each group, at least one key; all records if there is no group.
    /// Otherwise as [`ReadTx::list`]. Each group costs a search in an index for each of its keys,
    /// and each record one for each group; records that lack a key of another group cost steps
    /// only as far as the rarest group has them.
    fn list_keyed_records<R: Record>(
        &self,
        parent: &str,
        groups: &[Vec<ListKey>],
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Stored<R>>, StoreError> {
        keys::list(self, R::KIND, parent, groups, after, limit)?
            .into_iter()
            .map(decode)
            .collect()
    }

    /// See [`ReadTx::scan`]. Ends with the first error of `visit`.
    fn scan_records<R: Record, E: From<StoreError>>(
        &self,
        parent: &str,
        mut visit: impl FnMut(StoredRef<'_, R>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        self.scan(R::KIND, parent, &mut |document| {
            let record = from_body(document.version, document.body).map_err(E::from);
            result = record.and_then(|record| {
                visit(StoredRef {
                    id: document.id,
                    created: document.created,
                    revision: document.revision,
                    record,
                })
            });
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        result
    }

    /// See [`ReadTx::count`].
    fn count_records<R: Record>(&self, parent: &str) -> Result<u64, StoreError> {
        self.count(R::KIND, parent)
    }
}

/// [`WriteTx`] with types.
pub trait WriteRecords: WriteTx {
    /// See [`WriteTx::insert`].
    fn insert_record<R: Record>(
        &mut self,
        parent: &str,
        id: &str,
        record: &R,
    ) -> Result<Revision, StoreError> {
        let body = encode(record)?;
        self.insert(new::<R>(parent, id, &body, None))
    }

    /// See [`WriteTx::insert`]; the record is listed by `keys`.
    fn insert_keyed_record<R: Record>(
        &mut self,
        parent: &str,
        id: &str,
        record: &R,
        keys: &[ListKey],
    ) -> Result<Revision, StoreError> {
        let body = encode(record)?;
        self.insert(new::<R>(parent, id, &body, Some(keys)))
    }

    /// See [`WriteTx::put`]. A record that is there keeps its keys.
    fn put_record<R: Record>(
        &mut self,
        parent: &str,
        id: &str,
        record: &R,
    ) -> Result<Revision, StoreError> {
        let body = encode(record)?;
        self.put(new::<R>(parent, id, &body, None))
    }

    /// See [`WriteTx::put`]; the record is listed by `keys` from now on.
    fn put_keyed_record<R: Record>(
        &mut self,
        parent: &str,
        id: &str,
        record: &R,
        keys: &[ListKey],
    ) -> Result<Revision, StoreError> {
        let body = encode(record)?;
        self.put(new::<R>(parent, id, &body, Some(keys)))
    }

    /// See [`WriteTx::delete`].
    fn delete_record<R: Record>(&mut self, parent: &str, id: &str) -> Result<bool, StoreError> {
        self.delete(R::KIND, parent, id)
    }
}

impl<T: ReadTx + ?Sized> ReadRecords for T {}
impl<T: WriteTx + ?Sized> WriteRecords for T {}

fn new<'a, R: Record>(
    parent: &'a str,
    id: &'a str,
    body: &'a str,
    keys: Option<&'a [ListKey]>,
) -> NewDocument<'a> {
    NewDocument {
        kind: R::KIND,
        parent,
        id,
        version: R::VERSION,
        body,
        keys,
    }
}

fn encode<R: Record>(record: &R) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::bad_record(R::KIND, &error))
}

fn decode<R: Record>(document: Document) -> Result<Stored<R>, StoreError> {
    let Document {
        id,
        created,
        revision,
        version,
        body,
    } = document;
    let record = from_body(version, &body)?;
    Ok(Stored {
        id,
        created,
        revision,
        record,
    })
}

fn from_body<R: Record>(version: u32, body: &str) -> Result<R, StoreError> {
    check_version::<R>(version)?;
    R::from_body(version, body).map_err(|error| StoreError::bad_record(R::KIND, &error))
}

fn check_version<R: Record>(stored: u32) -> Result<(), StoreError> {
    if stored <= R::VERSION {
        return Ok(());
    }
    Err(StoreError::RecordTooNew {
        kind: R::KIND,
        stored,
        known: R::VERSION,
    })
}
