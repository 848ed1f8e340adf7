//! The data directory: its files, and how they are written.
//!
//! ```text
//! treeline.db    the database, with treeline.db.lock, which one server at a time holds
//! iam.json       the account file, unless another one is configured
//! session.key    what session credentials of AssumeRole are made with
//! decisions.jsonl  the decision log, unless another one is configured
//! tls/           the certificate authority that PostgreSQL clients trust
//! clusters/      the PostgreSQL instances, one per cluster that was connected to
//! postgresql/    a PostgreSQL, if `cargo xtask serve` had to install one
//! server.json    where the running server is; gone after a clean end
//! operator.sock  where it takes the operator's commands; likewise
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base::Entropy;
use iam::session::SessionKey;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Creates the directory, for its owner only, and its parents, if they are missing. Root's lets
/// others through, but not look: PostgreSQL has its data below and never runs as root.
pub(crate) fn create(dir: &Path) -> Result<(), Error> {
    let root = nix::unistd::geteuid().is_root();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, if root { 0o711 } else { 0o700 });
    builder
        .create(dir)
        .map_err(Error::io("create the data directory", dir))
}

/// Where the certificate authority is.
pub(crate) fn tls(dir: &Path) -> PathBuf {
    dir.join("tls")
}

/// The database file.
pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join("treeline.db")
}

/// The key that session credentials are made with, created on the first start. Whoever replaces it
/// ends all sessions.
pub(crate) fn session_key(dir: &Path, entropy: &dyn Entropy) -> Result<SessionKey, Error> {
    let path = dir.join("session.key");
    warn_if_others_may_use(&path);
    match fs::read(&path) {
        Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) => Ok(SessionKey::new(bytes)),
            Err(_) => Err(Error::SessionKey { path }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            write_private(&path, &bytes).map_err(Error::io("write", path))?;
            Ok(SessionKey::new(bytes))
        }
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Where the running server is, for `treeline env`, which cannot ask the database: the server has
/// it locked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ServerFile {
    /// The address it listens on; a port of 0 has been replaced by the chosen one.
    pub(crate) http: SocketAddr,
    /// Its Region.
    pub(crate) region: String,
    /// Its account file.
    pub(crate) iam_file: PathBuf,
    /// The address for PostgreSQL clients.
    #[serde(default)]
    pub(crate) postgres: Option<SocketAddr>,
    /// The certificate that they have to trust.
    #[serde(default)]
    pub(crate) tls_authority: Option<PathBuf>,
}

impl ServerFile {
    /// Writes it into the data directory.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), Error> {
        let path = server_file(dir);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        text.and_then(|text| write_private(&path, &text))
            .map_err(Error::io("write", path))
    }

    /// Reads it; `None` if no server runs there.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, Error> {
        let path = server_file(dir);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|cause| Error::ServerFile { path, cause }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// Removes it from the data directory.
    pub(crate) fn remove(dir: &Path) {
        let path = server_file(dir);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove the file");
        }
    }
}

fn server_file(dir: &Path) -> PathBuf {
    dir.join("server.json")
}

/// Says in the log when other users of the machine may read or write a file that is for its owner.
#[cfg(unix)]
pub(crate) fn warn_if_others_may_use(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "other users may use this file: chmod 600 it");
    }
}

#[cfg(not(unix))]
pub(crate) fn warn_if_others_may_use(_path: &Path) {}

/// Writes a file that only its owner may read, as a whole or not at all: whatever happens, `path`
/// is as it was or has all of `content`, and it stays so over a loss of power.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // What an interrupted write left behind may have other permissions.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_private_file_replaces_what_was_there_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("iam.json");
        fs::write(&path, "old").unwrap();
        fs::write(dir.path().join("iam.json.new"), "left behind").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_server_file_is_read_as_written_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ServerFile::read(dir.path()).unwrap(), None);
        let file = ServerFile {
            http: "[::1]:4100".parse().unwrap(),
            region: "us-east-1".to_owned(),
            iam_file: "/a b/iam.json".into(),
            postgres: Some("127.0.0.1:5432".parse().unwrap()),
            tls_authority: Some("/a b/ca.pem".into()),
        };
        file.write(dir.path()).unwrap();
        assert_eq!(ServerFile::read(dir.path()).unwrap(), Some(file));
        ServerFile::remove(dir.path());
        assert_eq!(ServerFile::read(dir.path()).unwrap(), None);
    }

    #[test]
    fn a_broken_server_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("server.json"), "{").unwrap();
        let error = ServerFile::read(dir.path()).unwrap_err().to_string();
        let start = format!(
            "{}/server.json is not what a server writes: ",
            dir.path().display()
        );
        assert!(error.starts_with(&start), "{error}");
    }
}
