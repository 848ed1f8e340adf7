//! The operations, one file each, named after them; and the one list of them.

use std::sync::Arc;

use frontdoor::Service;
use model::sts::{OPERATIONS, SERVICE};

use crate::state::Sts;

mod assume_role;
mod get_caller_identity;

/// The service with all its operations.
pub fn service(state: &Arc<Sts>) -> Service {
    Service::new(&SERVICE, OPERATIONS)
        .with::<assume_role::AssumeRole>(state)
        .with::<get_caller_identity::GetCallerIdentity>(state)
}
