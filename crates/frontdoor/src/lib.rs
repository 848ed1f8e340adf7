//! The front door: every HTTP request passes one pipeline before an operation sees it, and every
//! answer leaves through one exit.
//!
//! ```text
//! limits -> operation -> signature -> shape -> rate -> decision -> operation -> response
//! ```
//!
//! The front door knows no service: a service hands it a [`Service`], the list of its operations.

mod access;
mod listener;
mod operation;
mod pipeline;
mod serve;

pub use access::{Asked, Authorized, FetchTags, Permission, ResourceTags};
pub use listener::{ClientAddress, InvalidListener, Listener};
pub use operation::{Operation, RequestContext, Scope, Service, Throttle};
pub use pipeline::{FrontDoor, Health};
pub use serve::{MAX_BODY_BYTES, serve};
