//! Where things are: names below the engine's directory, and the directories of sockets.
//!
//! ```text
//! <directory>/lock                             held by the server that uses the directory
//!            /postgresql.conf, pg_hba.conf     of all instances
//!            /template-<version>-<schema>/     data, manifest
//!            /<database>/                      data, schema, log, log.1
//!            /making-<name>/, removing-<n>/    half-made, half-removed: cleared at the start
//!            /sockets/<database>/              or wherever `socket-directory` says
//! ```

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{geteuid, mkdtemp};

use super::account::RunAs;
use super::files;
use crate::Error;

/// A socket address has room for this many bytes and a zero.
const LONGEST_SOCKET: usize = 107;
/// The name of the socket in its directory: it has the port, and the port is always this one.
const SOCKET: &str = ".s.PGSQL.5432";
/// The name that the template's server has instead of a database's.
pub(crate) const TEMPLATE: &str = "template";
/// Directories that are made of a path that is too deep for sockets are found by this file.
const REMEMBERED: &str = "socket-directory";
/// What they are called, where they can be; `mkdtemp` makes the rest of the name up.
const SHORT: [&str; 2] = ["/run/treeline-XXXXXX", "/tmp/treeline-XXXXXX"];

/// 26 characters `a-z0-9`: the only names that become paths.
pub(crate) fn is_database(name: &str) -> bool {
    name.len() == 26
        && name
            .bytes()
            .all(|each| each.is_ascii_lowercase() || each.is_ascii_digit())
}

/// Everything an instance, or the template while it is made, has.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    /// The database, or [`TEMPLATE`].
    pub(crate) name: String,
    /// The directory that has the rest; it belongs to the server.
    pub(crate) root: PathBuf,
    /// The directory of the socket; it belongs to the children.
    pub(crate) sockets: PathBuf,
}

impl Home {
    /// PostgreSQL's data directory; it belongs to the children.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Where the instance listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.join(SOCKET)
    }

    /// What the instance has said since its last start.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Which schema the database has.
    pub(crate) fn schema(&self) -> PathBuf {
        self.root.join("schema")
    }

    /// Makes the directory of the socket anew, for nobody but the children and the server.
    pub(crate) fn open_sockets(&self, run_as: &RunAs) -> std::io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.sockets) {
            Err(cause) if cause.kind() != ErrorKind::AlreadyExists => return Err(cause),
            Ok(()) | Err(_) => {}
        }
        run_as.give(&self.sockets)?;
        let known = self.sockets.symlink_metadata()?;
        if !known.is_dir() || known.mode() & 0o777 != 0o700 {
            return Err(std::io::Error::other(
                "something else is in the place of its socket",
            ));
        }
        Ok(())
    }
}

/// The directory that has those of the sockets, by database.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn socket_directory(directory: &Path) -> Result<PathBuf, Error> {
    let near = directory.join("sockets");
    let longest = near.as_os_str().len() + "/".len() + 26 + "/".len() + SOCKET.len();
    let failed = |path: &Path| Error::io(format!("make directory {}", path.display()));
    if longest <= LONGEST_SOCKET {
        files::make_passage(&near).map_err(failed(&near))?;
        return Ok(near);
    }
    let memory = directory.join(REMEMBERED);
    if let Ok(text) = fs::read_to_string(&memory) {
        let path = PathBuf::from(text.trim_end());
        if is_ours(&path) {
            return Ok(path);
        }
    }
    let mut result = Err(failed(&near)(ErrorKind::InvalidFilename.into()));
    for pattern in SHORT {
        let pattern = Path::new(pattern);
        result = mkdtemp(pattern).map_err(|cause| failed(pattern)(cause.into()));
        if result.is_ok() {
            break;
        }
    }
    let path = result?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).map_err(failed(&path))?;
    files::replace(&memory, &format!("{}\n", path.display())).map_err(failed(&memory))?;
    tracing::info!(
        path = %path.display(),
        "the path of the engine's directory is too long for sockets: they are elsewhere"
    );
    Ok(path)
}

/// Nobody else could have made or changed it: its parents are open to all.
fn is_ours(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|known| {
        known.is_dir() && known.uid() == geteuid().as_raw() && known.mode() & 0o022 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::is_database;

    #[test]
    fn names_of_databases() {
        let good = ["abcdefghijklmnopqrstuvwxyz", "01234567890123456789abcdef"];
        let bad = [
            "",
            "a",
            "..",
            "abcdefghijklmnopqrstuvwxy/",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ];
        assert!(good.into_iter().all(is_database));
        assert!(!bad.into_iter().any(is_database));
    }
}
