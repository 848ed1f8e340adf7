//! Small JSON documents `(kind, parent, id) -> (revision, body)` in transactions, with a change
//! feed, over SQLite or memory.
//!
//! A [`Store`] is the handle that services hold. [`Store::read`] runs a closure over one consistent
//! snapshot; [`Store::write`] runs one on the store's only writer thread, which commits many queued
//! transactions together. A write is answered after it is durable, so what was acknowledged
//! survives the death of the process and a loss of power.
//!
//! Records are typed documents: see [`Record`], [`ReadRecords`] and [`WriteRecords`].

mod document;
mod error;
mod keys;
mod memory;
mod record;
mod sqlite;
mod store;
mod tx;
mod writer;

#[cfg(test)]
mod tests;

pub use document::{
    Change, Document, DocumentRef, InvalidPosition, NewDocument, Position, Revision,
};
pub use error::StoreError;
pub use keys::ListKey;
pub use record::{ReadRecords, Record, Stored, StoredRef, WriteRecords};
pub use store::Store;
pub use tx::{AfterCommit, ReadTx, Visit, WriteTx};
