//! AWS Security Token Service: the two operations that clients of the other services need.
//!
//! Credentials are stateless: the security token carries the session under a key of the server
//! (`iam::session`), so nothing is stored and nothing has to be cleaned up.

mod error;
mod ops;
mod state;

pub use error::Error;
pub use ops::service;
pub use state::Sts;
