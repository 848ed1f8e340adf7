//! Cedar: statements become compiled policies, requests become decisions.

pub(crate) mod compiled_schema;
pub(crate) mod decide;
pub(crate) mod snapshot;
pub(crate) mod snapshots;
pub(crate) mod statement;
pub(crate) mod translate;
