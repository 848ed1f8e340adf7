//! Whole policy stores at once: files into a store and a store into files.
//!
//! [`read`] turns files into [`Item`]s. An [`Import`] takes items, a few thousand to a transaction,
//! and leaves each as it is, creates it or changes it, by the rules of the operations that do so
//! one at a time. [`export()`] writes what [`read`] reads back.
//!
//! # What is the same thing
//! So that repeating an import changes nothing, a thing in a file is looked for in the store by
//! its id; else by its name (`name/…`; the annotation `@id("x")` of Cedar text stands for
//! `name/x`); else, when a file gives neither, a link by its template, principal and resource, and
//! a statement by its text without the space around it.

mod batch;
mod contents;
mod counts;
mod export;
mod find;
mod import;
mod item;
mod ledger;
mod policies;
mod read;
mod remove;
mod templates;

pub use counts::{Counts, Difference, Event, How, Tally};
pub use export::{ExportError, FILES, Output, export};
pub use find::{Found, NewStore, find};
pub use import::{Batch, Destination, Failure, Import, ImportOptions};
pub use item::{Item, Kind};
pub use read::{Format, ReadError, check, read};
