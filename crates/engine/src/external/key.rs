//! The secret of the engine's directory: it makes the passwords of roles, and tells the databases
//! of this engine from others' on the same server.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base::Entropy;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::managed::files;

/// What is in a directory.
const FILE: &str = "external.key";
const LENGTH: usize = 32;

/// The secret.
#[derive(Clone)]
pub(crate) struct Key([u8; LENGTH]);

impl Key {
    /// Reads the key of `directory`, or makes one.
    ///
    /// # Errors
    /// The file cannot be used, or has something else in it.
    pub(crate) fn load(directory: &Path, entropy: &dyn Entropy) -> std::io::Result<Self> {
        let path = directory.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => match bytes.try_into() {
                Ok(key) => Ok(Self(key)),
                Err(_) => Err(std::io::Error::new(
                    ErrorKind::InvalidData,
                    "external.key is not of this engine",
                )),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Self::make(&path, entropy),
            Err(error) => Err(error),
        }
    }

    fn make(path: &Path, entropy: &dyn Entropy) -> std::io::Result<Self> {
        let mut key = [0; LENGTH];
        entropy.fill(&mut key);
        let making = path.with_extension("new");
        files::forget(&making)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&making)?;
        file.write_all(&key)?;
        file.sync_all()?;
        files::settle(&making, path)?;
        Ok(Self(key))
    }

    /// The password of a role.
    pub(crate) fn password(&self, role: &str) -> String {
        self.derive("password", role)
    }

    /// What databases of this engine are marked with.
    pub(crate) fn mark(&self) -> String {
        format!("treeline {}", self.derive("owner", ""))
    }

    fn derive(&self, purpose: &str, of: &str) -> String {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of every length: RFC 2104, section 2"
        )]
        let mut keyed = Hmac::<Sha256>::new_from_slice(&self.0).expect("every length is valid");
        keyed.update(purpose.as_bytes());
        keyed.update(b"\0");
        keyed.update(of.as_bytes());
        hex::encode(keyed.finalize().into_bytes())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}
