//! The account file: reading it, creating it on the first start, following its changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base::{Entropy, Secret};
use iam::account::{Accounts, initial_account_file};
use iam::session::{Directory, LiveDirectory, SessionKey};

use crate::config::Config;
use crate::data_dir::{warn_if_others_may_use, write_private};
use crate::error::Error;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Reads the accounts, after creating the data directory's own account file if it is missing. The
/// caller holds the lock of the data directory.
pub(crate) fn read_or_create(
    config: &Config,
    entropy: &dyn Entropy,
) -> Result<(Accounts, Followed), Error> {
    let path = &config.iam_file;
    if config.owns_iam_file() && missing(path) {
        let text = Secret::new(initial_account_file(entropy));
        write_private(path, text.expose().as_bytes())
            .map_err(Error::io("write the account file", path))?;
        tracing::info!(path = %path.display(), "created the account file");
    }
    let followed = Followed::new(path);
    let accounts = read(path)?;
    warn_if_others_may_use(path);
    Ok((accounts, followed))
}

/// Reads the accounts.
pub(crate) fn read(path: &Path) -> Result<Accounts, Error> {
    let text = fs::read_to_string(path).map_err(Error::io("read the account file", path))?;
    let text = Secret::new(text);
    let accounts = Accounts::parse(text.expose()).map_err(|cause| Error::AccountFile {
        path: path.to_owned(),
        cause,
    })?;
    for warning in accounts.warnings() {
        tracing::warn!(path = %path.display(), warning, "account file");
    }
    Ok(accounts)
}

/// What tells one state of a file from the next without reading it.
#[derive(Clone, PartialEq, Eq)]
struct Stamp(Option<(SystemTime, u64, u64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        let stamp = |file: fs::Metadata| Some((file.modified().ok()?, file.len(), inode(&file)));
        Self(fs::metadata(path).ok().and_then(stamp))
    }
}

#[cfg(unix)]
fn inode(file: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn inode(_file: &fs::Metadata) -> u64 {
    0
}

/// An account file whose changes are followed for as long as the server runs.
pub(crate) struct Followed {
    path: PathBuf,
    seen: Stamp,
}

impl Followed {
    /// Begins before the file is read for the first time, so that no change is missed.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            seen: Stamp::of(path),
        }
    }

    /// Puts every good state of the file into `live`. A state that cannot be read or is wrong
    /// leaves the last good one in place, and the log says so.
    pub(crate) async fn follow(mut self, live: Arc<LiveDirectory>, key: Arc<SessionKey>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let stamp = Stamp::of(&self.path);
            if stamp == self.seen {
                continue;
            }
            let path = self.path.clone();
            match tokio::task::spawn_blocking(move || read(&path)).await {
                Ok(Ok(accounts)) => {
                    self.seen = stamp;
                    warn_if_others_may_use(&self.path);
                    live.replace(Directory::new(accounts, Arc::clone(&key)));
                    tracing::info!(path = %self.path.display(), "read the changed account file");
                }
                Ok(Err(error)) => {
                    // What could not be read is tried again; what is wrong waits for a change.
                    if matches!(error, Error::AccountFile { .. }) {
                        self.seen = stamp;
                    }
                    tracing::error!(
                        %error,
                        "the account file is broken: the last good one stays in force"
                    );
                }
                Err(error) => tracing::error!(%error, "the account file could not be read"),
            }
        }
    }
}

/// A dangling symbolic link is not missing: someone has decided where the file is.
fn missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
