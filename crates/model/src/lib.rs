//! Wire types, shape tables and operation tables, generated from the service models by
//! `cargo xtask codegen` (see `models/`).
//!
//! - `<service>::types`: what an operation takes and gives, as serde types. They have no `Debug`,
//!   because most of what they carry is sensitive.
//! - `<service>::shapes`: what an input must look like, as tables that `wire` checks a JSON value
//!   against before it becomes a typed input.
//! - `<service>::{SERVICE, OPERATIONS}`: the protocol's names and the list of operations.

pub mod dsql;
mod operation;
pub mod shape;
pub mod sts;
mod timestamp;
pub mod verified_permissions;

pub use operation::{HttpBinding, OperationModel, Protocol, QueryBinding, Segment, ServiceModel};
