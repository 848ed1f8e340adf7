//! Temporary credentials of assumed roles, without a table of sessions: the security token carries
//! all that a session is, sealed with a key of the server. Credentials outlive a restart, and
//! every server that has the key accepts them.

mod directory;
mod live;
mod seal;
mod token;

pub use directory::Directory;
pub use live::LiveDirectory;
pub use seal::SessionKey;
pub use token::{IssuedCredentials, NewSession, OpenedSession, PackedPolicyTooLarge, issue, open};

#[cfg(test)]
mod tests;
