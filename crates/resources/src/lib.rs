//! What services that keep resources in a store have in common: idempotency tokens, pages of
//! lists, timestamps in records, names of KMS keys.
//!
//! Nothing here knows a service: what differs between them are parameters, and the errors here are
//! values that a service turns into its own.

pub mod idempotency;
pub mod kms;
pub mod micros;
pub mod page;

#[cfg(test)]
mod tests;
