//! The signature keys of identity providers, and JSON Web Tokens verified against them.
//!
//! [`Providers`] is the whole of it: keys are fetched from where a [`KeySource`] says (only over
//! TLS, only from addresses that may be contacted), remembered as long as the provider allows, and
//! [`Providers::verify`] checks a token's issuer, signature and times. What the claims mean is the
//! caller's business.

mod algorithms;
mod cache;
mod claims;
mod connect;
mod documents;
mod error;
#[cfg(any(test, fuzzing))]
mod examples;
mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod json;
mod keys;
mod network;
mod options;
mod providers;
mod token;

pub use error::{Document, FetchError, Reason, TokenError};
pub use options::{InvalidCertificate, KeySource, Limits, Options};
pub use providers::{KeysVersion, Providers, Verified};
