//! The front door: every HTTP request passes one pipeline before an operation sees it, and every
//! answer leaves through one exit.
//!
//! ```text
//! limits -> operation (target) -> signature -> shape -> decision -> operation -> response
//! ```
//!
//! The front door knows no service: a service hands it a [`Service`], the list of its operations.

mod access;
mod operation;
mod pipeline;
mod serve;

pub use access::{AccessRequest, AuthorizeAccess, Authorized, OwnAccount};
pub use operation::{Operation, RequestContext, Scope, Service, Throttle};
pub use pipeline::{FrontDoor, Health};
pub use serve::{MAX_BODY_BYTES, serve};
