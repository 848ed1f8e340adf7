//! The values every other crate speaks in: time, ids, ARNs, accounts, Regions and secrets.
//!
//! Nothing here does I/O. Time and randomness are inputs ([`Clock`], [`Entropy`]); their system
//! implementations live in the `server` crate and their seeded ones in `testkit`.

mod account;
mod arn;
mod ids;
mod secret;
mod timestamp;

pub use account::{AccountId, InvalidAccountId, InvalidRegion, Region};
pub use arn::Arn;
pub use ids::{Entropy, ResourceIds, request_id, resource_id};
pub use secret::Secret;
pub use timestamp::{Clock, Timestamp};
