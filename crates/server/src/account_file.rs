//! The account file: reading it, and creating it on the first start.

use std::fs;
use std::io;
use std::path::Path;

use base::{Entropy, Secret};
use iam::account::{Accounts, initial_account_file};

use crate::config::Config;
use crate::data_dir::write_private;
use crate::error::Error;

/// Reads the accounts, after creating the data directory's own account file if it is missing. The
/// caller holds the lock of the data directory.
pub(crate) fn read_or_create(config: &Config, entropy: &dyn Entropy) -> Result<Accounts, Error> {
    let path = &config.iam_file;
    if config.owns_iam_file() && missing(path) {
        let text = Secret::new(initial_account_file(entropy));
        write_private(path, text.expose().as_bytes())
            .map_err(Error::io("write the account file", path))?;
        tracing::info!(path = %path.display(), "created the account file");
    }
    let accounts = read(path)?;
    warn_if_others_may_read(path);
    Ok(accounts)
}

/// Reads the accounts.
pub(crate) fn read(path: &Path) -> Result<Accounts, Error> {
    let text = fs::read_to_string(path).map_err(Error::io("read the account file", path))?;
    let text = Secret::new(text);
    Accounts::parse(text.expose()).map_err(|cause| Error::AccountFile {
        path: path.to_owned(),
        cause,
    })
}

/// A dangling symbolic link is not missing: someone has decided where the file is.
fn missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(unix)]
fn warn_if_others_may_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "other users may read the account file: chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_if_others_may_read(_path: &Path) {}
