//! Who is asking: the account file and Signature Version 4, pure.
//!
//! [`account::Accounts`] reads the accounts, users and access keys from one JSON text;
//! [`sigv4::verify`] finds out which of them signed an HTTP request. Nothing here does I/O: the
//! time and the random bytes are inputs.

pub mod account;
mod identity;
pub mod sigv4;

pub use identity::{Caller, Credential, Keys, Principal, PrincipalKind, Session};
