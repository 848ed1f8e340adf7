//! Whom the processes of PostgreSQL run as: it refuses to run as root.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::{Gid, Uid, User, geteuid};
use tokio::process::Command;

use crate::Error;

/// Whom children run as when the server runs as root and nobody is named.
const USUAL: [&str; 3] = ["treeline", "postgres", "nobody"];

/// The user of the children: another one if the server is root, the same one if not.
#[derive(Clone, Debug)]
pub(crate) struct RunAs(Option<User>);

impl RunAs {
    /// Chooses `wanted`, or the first usual one that exists.
    ///
    /// # Errors
    /// [`Error::Io`] when there is none, or it is root itself.
    pub(crate) fn choose(wanted: Option<&str>) -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let names = wanted.map_or(USUAL.to_vec(), |name| vec![name]);
        let failed = Error::io(format!("run PostgreSQL as user {}", names.join(" or ")));
        for name in names {
            let found = User::from_name(name).map_err(|cause| failed(cause.into()))?;
            let Some(user) = found else { continue };
            if user.uid.is_root() {
                let cause = "PostgreSQL refuses to run as root";
                return Err(failed(std::io::Error::other(cause)));
            }
            if wanted.is_none() && name == "nobody" {
                tracing::warn!("there is no user treeline or postgres: PostgreSQL runs as nobody");
            }
            return Ok(Self(Some(user)));
        }
        Err(failed(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "there is no such user",
        )))
    }

    /// A command that has nothing of the server's: not its environment, its input, its terminal's
    /// signals, nor, when it is root, its groups.
    pub(crate) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir(directory)
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(user) = &self.0 {
            // The standard library drops the supplementary groups along with root.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// The owner that files of the children need, if it is not the server's user anyway.
    pub(crate) fn owner(&self) -> Option<(Uid, Gid)> {
        self.0.as_ref().map(|user| (user.uid, user.gid))
    }

    /// Gives a file or directory, never what a link points to, to the children.
    pub(crate) fn give(&self, path: &Path) -> std::io::Result<()> {
        match self.owner() {
            Some((uid, gid)) => {
                std::os::unix::fs::lchown(path, Some(uid.as_raw()), Some(gid.as_raw()))
            }
            None => Ok(()),
        }
    }

    /// Tries whether children can work below `directory`, with a program that they can run.
    ///
    /// # Errors
    /// [`Error::Io`] that names the closed directory.
    pub(crate) async fn check(&self, directory: &Path, program: &Path) -> Result<(), Error> {
        let mut command = self.command(program, directory);
        match command.arg("--version").output().await {
            Ok(_) => Ok(()),
            Err(cause) => {
                let explained = std::io::Error::new(cause.kind(), self.explain(directory, &cause));
                Err(Error::io(format!("use {}", directory.display()))(explained))
            }
        }
    }

    /// Why children cannot use `path`: the first component that is closed to them.
    pub(crate) fn explain(&self, path: &Path, cause: &std::io::Error) -> String {
        match (&self.0, self.closed(path)) {
            (Some(user), Some(closed)) => format!(
                "user {}, which PostgreSQL runs as, cannot pass through {}: open it (chmod o+x), \
                 or use another place",
                user.name,
                closed.display()
            ),
            _ => cause.to_string(),
        }
    }

    fn closed(&self, path: &Path) -> Option<PathBuf> {
        let (uid, gid) = self.owner()?;
        let components: Vec<&Path> = path.ancestors().collect();
        let closed = components.into_iter().rev().find(|component| {
            component.metadata().is_ok_and(|known| {
                let bit = match (known.uid() == uid.as_raw(), known.gid() == gid.as_raw()) {
                    (true, _) => 0o100,
                    (false, true) => 0o010,
                    (false, false) => 0o001,
                };
                known.mode() & bit == 0
            })
        });
        closed.map(Path::to_owned)
    }
}
