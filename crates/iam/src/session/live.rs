use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Directory;
use crate::{Credential, Keys};

/// The directory that is in force. Whoever holds the one before goes on with it; new requests find
/// the new one.
pub struct LiveDirectory(ArcSwap<Directory>);

impl LiveDirectory {
    /// Puts the first directory in force.
    pub fn new(directory: Directory) -> Self {
        Self(ArcSwap::from_pointee(directory))
    }

    /// The directory that is in force.
    pub fn load(&self) -> Arc<Directory> {
        self.0.load_full()
    }

    /// Puts another directory in force.
    pub fn replace(&self, directory: Directory) {
        self.0.store(Arc::new(directory));
    }
}

impl Keys for Arc<LiveDirectory> {
    fn find(&self, access_key_id: &str, security_token: Option<&str>) -> Option<Arc<Credential>> {
        self.0.load().find(access_key_id, security_token)
    }
}
