use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Revision;

/// Why the store could not do what it was asked.
///
/// The texts are for logs: services turn every variant but [`StoreError::AlreadyExists`] into an
/// answer that says nothing about the store. No text contains a document's body.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is a document with the kind, parent and id of the one to insert.
    #[error("the document exists already")]
    AlreadyExists,
    /// A kind, parent, id or body contains U+0000.
    #[error("the {part} of a document contains U+0000")]
    IllegalText {
        /// Which of the four.
        part: &'static str,
    },
    /// The change feed no longer holds what followed this revision, or the revision is not one of
    /// this store. The reader has to read everything anew.
    #[error("the change feed does not continue revision {after}")]
    FeedGap {
        /// The revision that was asked for.
        after: Revision,
    },
    /// A newer program has written the record.
    #[error("a stored {kind} has version {stored}, this program knows versions up to {known}")]
    RecordTooNew {
        /// The record's kind.
        kind: &'static str,
        /// The version it is stored with.
        stored: u32,
        /// The newest version that this program reads.
        known: u32,
    },
    /// A body does not have the shape of its record type, or a record cannot be written as JSON.
    #[error("a {kind} does not convert from or to JSON ({category} at {line}:{column})")]
    BadRecord {
        /// The record's kind.
        kind: &'static str,
        /// `Io`, `Syntax`, `Data` or `Eof`, as serde_json classifies.
        category: &'static str,
        /// Where in the body, from 1; 0 if unknown.
        line: usize,
        /// Where in the line, from 1; 0 if unknown.
        column: usize,
    },
    /// Another process, or another [`Store`](crate::Store) in this one, has the database open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The file is no database, is damaged, or is a database of another program.
    #[error("{} is not a readable treeline database: {reason}", path.display())]
    NotADatabase {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer program has written the database.
    #[error(
        "{} has schema version {stored}, this program knows versions up to {known}: \
         it was written by a newer release",
        path.display()
    )]
    SchemaTooNew {
        /// The database file.
        path: PathBuf,
        /// The version that it has.
        stored: i64,
        /// The newest version that this program reads.
        known: i64,
    },
    /// The operating system or the database library refuses to open the file.
    #[error("{} cannot be opened: {cause}", path.display())]
    CannotOpen {
        /// The database file.
        path: PathBuf,
        /// The refusal.
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// A record was read, but what it says cannot be: its service says which part.
    #[error("a stored {kind} is not valid: {part}")]
    Corrupt {
        /// The record's kind.
        kind: &'static str,
        /// What is wrong with it.
        part: &'static str,
    },
    /// A statement failed: the disk is full or broken, the database is damaged.
    #[error("the database failed: {0}")]
    Driver(Arc<dyn Error + Send + Sync>),
    /// The transaction went on after a statement had failed, and was rolled back for that.
    #[error("the transaction went on after a failed statement")]
    FailedBefore,
    /// Nothing of the transaction was kept, because the commit that it was part of failed.
    #[error("the transaction was not committed: {0}")]
    NotCommitted(Box<StoreError>),
    /// The closure panicked. Nothing of its transaction was kept.
    #[error("the transaction panicked")]
    Panicked,
    /// The store was closed, or the runtime is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn driver(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Driver(Arc::new(cause))
    }

    /// Takes only the place of the fault over: serde's text quotes the value that it stumbled upon.
    pub(crate) fn bad_record(kind: &'static str, error: &serde_json::Error) -> Self {
        let category = match error.classify() {
            serde_json::error::Category::Io => "Io",
            serde_json::error::Category::Syntax => "Syntax",
            serde_json::error::Category::Data => "Data",
            serde_json::error::Category::Eof => "Eof",
        };
        Self::BadRecord {
            kind,
            category,
            line: error.line(),
            column: error.column(),
        }
    }
}
