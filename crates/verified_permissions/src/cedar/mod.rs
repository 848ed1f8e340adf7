//! Cedar: statements become compiled policies, requests become decisions.

mod ancestors;
pub(crate) mod asked;
mod compiled_policy;
pub(crate) mod compiled_schema;
pub(crate) mod decide;
pub(crate) mod depth;
pub(crate) mod entity_types;
mod hierarchy;
mod schema_bounds;
mod scope;
mod slice;
pub(crate) mod snapshot;
pub(crate) mod snapshots;
pub(crate) mod statement;
pub(crate) mod translate;
pub(crate) mod values;
