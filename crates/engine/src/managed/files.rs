//! Directories that are complete or not there: written under another name, synchronized, renamed.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid};

/// How many files are written to disk at once.
const SYNCHRONIZERS: usize = 8;

/// Makes a directory that others can pass through but not list, with its parents.
pub(crate) fn make_passage(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o711).create(path)
}

/// Replaces a small file, which everybody may read.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    forget(&new)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), synchronize)
}

/// Removes a file that may not exist.
pub(crate) fn forget(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path))
}

/// Removes a directory that may not exist. Links are not followed.
pub(crate) fn clear(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_dir_all(path))
}

fn absent_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Renames, and returns when the new name is on disk.
pub(crate) fn settle(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), synchronize)
}

/// Writes what is known of a file or directory to disk.
pub(crate) fn synchronize(path: &Path) -> Result<()> {
    open(path)?.sync_all()
}

/// Opens a file or directory to read it. The directories of instances belong to another user than
/// root, who may have put anything there: links are not followed, and nothing waits for a writer.
fn open(path: &Path) -> Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
}

/// Writes all files and directories below `path` to disk: after they are all written, and many at
/// once, as file systems commit together what waits together. One by one takes seconds on a disk
/// that is in use.
pub(crate) fn synchronize_all(path: &Path) -> Result<()> {
    let mut paths = vec![path.to_owned()];
    list(path, &mut paths)?;
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            synchronize(path)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..SYNCHRONIZERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(std::io::Error::other("a thread panicked")))
        })
    })
}

fn list(path: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        paths.push(entry.path());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), paths)?;
        }
    }
    Ok(())
}

/// Copies a directory with the modes of everything in it, for `owner`. What is neither file nor
/// directory has no place in a data directory and is refused.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<(Uid, Gid)>) -> Result<()> {
    let give = |file: &File| match owner {
        Some((uid, gid)) => fchown(file, Some(uid.as_raw()), Some(gid.as_raw())),
        None => Ok(()),
    };
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target, owner)?;
        } else if kind.is_file() {
            let mut source = open(&entry.path())?;
            let mode = source.metadata()?.mode() & 0o777;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(&target)?;
            std::io::copy(&mut source, &mut file)?;
            give(&file)?;
        } else {
            return Err(std::io::Error::other(format!(
                "{} is no file",
                entry.path().display()
            )));
        }
    }
    let directory = File::open(to)?;
    directory.set_permissions(Permissions::from_mode(from.metadata()?.mode() & 0o777))?;
    give(&directory)
}

/// How many files are below `path`, and how many bytes they have.
pub(crate) fn weigh(path: &Path) -> Result<(u64, u64)> {
    let mut sum = (0, 0);
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let (files, bytes) = match entry.file_type()?.is_dir() {
            true => weigh(&entry.path())?,
            false => (1, entry.metadata()?.len()),
        };
        sum = (sum.0 + files, sum.1 + bytes);
    }
    Ok(sum)
}
