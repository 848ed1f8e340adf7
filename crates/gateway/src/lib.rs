//! The data plane of Aurora DSQL: PostgreSQL's wire protocol behind TLS, IAM tokens and cluster
//! policies. File order is the life of a connection: [`serve()`] accepts it, `stages` lets it in,
//! `session` serves it.

mod backends;
mod cancel;
pub mod catalog;
mod certificates;
mod conflicts;
mod endpoints;
mod faults;
mod frames;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gateway;
mod quotas;
mod refusal;
mod serve;
mod session;
mod stages;

pub use backends::{Answer, Backends};
pub use certificates::{CertificateError, Certificates};
pub use faults::{Counted, Fault, Faults, InvalidRule, Rule, When};
pub use gateway::{Gateway, Options, Parts};
pub use quotas::Quota;
pub use serve::{check, serve};

#[cfg(test)]
mod testing;
