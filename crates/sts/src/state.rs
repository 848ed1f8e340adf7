use std::sync::Arc;

use base::Entropy;
use iam::session::LiveDirectory;

/// The state of the service: one per server.
pub struct Sts {
    pub(crate) directory: Arc<LiveDirectory>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Sts {
    /// The service for the roles of `directory`; key ids come from `entropy`.
    pub fn new(directory: Arc<LiveDirectory>, entropy: Arc<dyn Entropy>) -> Self {
        Self { directory, entropy }
    }
}
