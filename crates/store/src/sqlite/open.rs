use std::error::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{scan, schema};
use crate::StoreError;

/// How long a statement waits for another connection's lock. Only this process has connections,
/// and its one writer excludes nobody; recovery after a crash does, for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// More than there are statements, so that each is compiled once per connection.
const STATEMENTS: usize = 32;

/// What the connection that writes may keep of the database in memory, in KiB below zero. Ids and
/// keys are random, so many writes in one transaction touch most pages of their indexes.
const WRITER_CACHE: i64 = -64 << 10;

/// Pages in the write-ahead log after which a commit copies them into the database file. Pages that
/// many commits change are copied once for all of them.
const LOG_PAGES: i64 = 8_192;

/// A write-ahead log that a long reader let grow is cut back to this many bytes.
const LOG_BYTES: i64 = 64 << 20;

/// Excludes other processes while it lives. The operating system drops it with the process, so that
/// none is left behind by a crash.
pub(super) struct LockFile(File);

impl Drop for LockFile {
    fn drop(&mut self) {
        // Closing the file is not enough while a child process that is being started has it too.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the database's lock file cannot be unlocked");
        }
    }
}

/// Takes the lock of the database at `path`, and returns the path without symbolic links: however
/// a database is called, it has one lock.
pub(super) fn lock_file(path: &Path) -> Result<(PathBuf, LockFile), StoreError> {
    let path = resolve(path).map_err(|error| cannot_open(path, error))?;
    let mut name = path.clone().into_os_string();
    name.push(".lock");
    let file = create(Path::new(&name)).map_err(|error| cannot_open(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok((path, LockFile(file))),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(cannot_open(&path, error)),
    }
}

/// Opens the connection that writes, and creates the database or brings it up to date.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    // SQLite would create the file with the permissions of the umask. Its log and index files get
    // those of the database.
    create(path)
        .and_then(|_| sync_directory(path))
        .map_err(|error| cannot_open(path, error))?;
    let open = || {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // On macOS fsync does not reach the disk.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
        // What savepoints keep to go back to would be written to temporary files.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok((connection, mode))
    };
    let (mut connection, mode) = open().map_err(|error| opening_failed(path, error))?;
    if mode != "wal" {
        let cause = "its file system does not support a write-ahead log";
        return Err(StoreError::CannotOpen {
            path: path.to_owned(),
            cause: Arc::from(Box::from(cause)),
        });
    }
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        scan::limit_cache(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| opening_failed(path, error))
}

pub(super) fn opening_failed(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::NotADatabase {
            path: path.to_owned(),
            reason: error.to_string(),
        },
        _ => cannot_open(path, error),
    }
}

fn connect(path: &Path, mode: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn cannot_open(path: &Path, cause: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::CannotOpen {
        path: path.to_owned(),
        cause: Arc::new(cause),
    }
}

fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            Ok(fs::canonicalize(parent.unwrap_or(Path::new(".")))?.join(name))
        }
        resolved => resolved,
    }
}

/// Opens a file for writing, and creates it for its owner only if it is not there.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new file's name as durable as its content.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_wait_for_the_disk_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let writer = writer(&path).unwrap();
        for (setting, expected) in [
            ("synchronous", 2),
            ("fullfsync", 1),
            ("checkpoint_fullfsync", 1),
            ("temp_store", 2),
        ] {
            let value: i64 = writer
                .pragma_query_value(None, setting, |row| row.get(0))
                .unwrap();
            assert_eq!(value, expected, "{setting}");
        }
        let reader = reader(&path).unwrap();
        let mode: String = reader
            .pragma_query_value(None, "journal_mode", |r| r.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
        let error = reader.execute("DELETE FROM documents", []).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly));
    }
}
