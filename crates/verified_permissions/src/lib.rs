//! Amazon Verified Permissions: Cedar policy stores and the decisions over them.
//!
//! `ops/` has one file per operation, named after it; the nouns beside it hold the shared rules;
//! `cedar/` is where statements become compiled policies and requests become decisions.
//!
//! Four kinds of type are never mixed: *wire* (`model::verified_permissions::types`), *record*
//! (the nouns' `…Record`, persisted), *engine* (`cedar_policy`), and the errors of [`Error`].

mod access;
mod alias;
mod authorization;
pub mod bulk;
mod cedar;
mod entity;
mod error;
mod idempotency;
mod identity_source;
mod name;
mod ops;
mod page;
mod policy;
mod policy_store;
mod policy_template;
mod quota;
mod rates;
mod resource_bytes;
mod schema;
mod state;
mod tags;
mod token;

pub use error::{Error, ResourceType};
pub use ops::service;
pub use quota::Quotas;
pub use state::{Options, VerifiedPermissions};
pub use tags::tags_of;
#[cfg(any(test, fuzzing))]
pub use token::fuzzing;
pub use token::providers::CognitoIssuer;
