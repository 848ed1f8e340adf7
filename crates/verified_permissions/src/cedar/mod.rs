//! Cedar: statements become compiled policies, requests become decisions.

mod ancestors;
pub(crate) mod compiled_schema;
pub(crate) mod decide;
pub(crate) mod depth;
mod schema_bounds;
pub(crate) mod snapshot;
pub(crate) mod snapshots;
pub(crate) mod statement;
pub(crate) mod translate;
