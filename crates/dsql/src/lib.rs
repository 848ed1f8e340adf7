//! Amazon Aurora DSQL, the control plane: clusters, cluster policies, streams and tags.
//!
//! `ops/` has one file per operation, named after it; the nouns beside it hold the shared rules.
//! Nothing happens in the background: the state of a cluster or stream follows from its record and
//! the time of the request ([`lifecycle`]), and one whose deletion is over does not exist for
//! anybody, though a later write removes what is left of it.
//!
//! Four kinds of type are never mixed: *wire* (`model::dsql::types`), *record* (the nouns'
//! `…Record`, persisted), *engine* (`iam::policy`), and the errors of [`Error`].

mod access;
mod action_pattern;
mod arn;
mod cluster;
mod cluster_policy;
mod database;
mod encryption;
mod error;
mod idempotency;
mod lifecycle;
mod metric_groups;
mod multi_region;
mod operator;
mod ops;
mod page;
mod quota;
mod state;
mod stream;
mod tags;
mod vpc_endpoint;

pub use access::{PolicyAndTags, policy_and_tags};
pub use action_pattern::is_action;
pub use database::Endpoint;
pub use error::{Error, Reason, ResourceType};
pub use ops::service;
pub use quota::Quotas;
pub use state::{Dsql, Options};
