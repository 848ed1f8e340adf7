//! Test support: the services in process, with a clock that only tests move, seeded ids, and the
//! official AWS SDK for Rust connected to the front door without a socket.
//!
//! ```no_run
//! # async fn scenario() {
//! let app = testkit::App::new();
//! let client = app.client(testkit::ADMIN);
//! let stores = client.list_policy_stores().send().await.expect("an empty list");
//! assert!(stores.policy_stores().is_empty());
//! # }
//! ```
#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod accounts;
mod app;
mod clock;
mod connector;
mod coverage;
mod entropy;
mod faults;
mod identity_provider;
mod signer;

pub use accounts::{ADMIN, LIMITED, LIMITED_ARN, OTHER_ACCOUNT, User, account_file, limited_to};
pub use app::{App, REGION, Setup, identity_providers, local, question};
pub use clock::ManualClock;
pub use coverage::assert_every_operation_has_a_scenario;
pub use entropy::SeededEntropy;
pub use faults::{FAULTS, Fault};
pub use identity_provider::{Behaviour, IdentityProvider, Page};
pub use signer::{Signer, signed_request, unsigned_request};
