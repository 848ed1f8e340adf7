//! The SQLite backend: one connection that writes, a few that read, and a lock file.

mod keys;
mod open;
mod rows;
mod scan;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use crate::store::lock;
use crate::tx::Rows;
use crate::writer::WriteSide;
use crate::{ReadTx, StoreError};

use open::LockFile;
use rows::{Reader, Writer, run};

/// Read connections that are kept open. More are opened when more reads run at once.
const IDLE_READERS: usize = 16;

/// The read side.
pub(crate) struct Sqlite {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    // The last field: fields are dropped in order, and the lock must outlive the connections.
    _lock: LockFile,
}

/// The write side.
pub(crate) struct SqliteWriter {
    writer: Writer,
    /// Whether the transaction has no job's changes yet. Then it is the job's savepoint itself.
    is_empty: bool,
    feed_length: i64,
    // After the connection, because it holds the lock.
    home: Arc<Sqlite>,
}

/// Runs `work` over the database at `path`, which another process may have open.
pub(crate) fn look<T, E: From<StoreError>>(
    path: &Path,
    work: impl FnOnce(&dyn ReadTx) -> Result<T, E>,
) -> Result<T, E> {
    let connection = open::reader(path)?;
    schema::check_current(&connection, path)?;
    run(&connection, "BEGIN").map_err(StoreError::driver)?;
    work(&Reader(&connection))
}

impl Sqlite {
    /// Opens the database at `path`, whose change feed holds `feed_length` revisions, at least one.
    pub(crate) fn open(
        path: &Path,
        feed_length: i64,
    ) -> Result<(Arc<Self>, SqliteWriter), StoreError> {
        let (path, file_lock) = open::lock_file(path)?;
        let writer = Writer::new(open::writer(&path)?);
        let home = Arc::new(Self {
            path,
            idle: Mutex::default(),
            _lock: file_lock,
        });
        Ok((
            Arc::clone(&home),
            SqliteWriter {
                writer,
                is_empty: true,
                feed_length,
                home,
            },
        ))
    }

    pub(crate) fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&dyn ReadTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = lock(&self.idle).pop();
        let connection = idle.map_or_else(|| open::reader(&self.path), Ok)?;
        run(&connection, "BEGIN").map_err(StoreError::driver)?;
        let reader = Reader(&connection);
        // SQLite takes a transaction's snapshot at its first read.
        reader.revision()?;
        let result = work(&reader);
        // A connection that could not end its transaction, or whose closure panicked, is closed.
        if run(&connection, "COMMIT").is_ok() {
            let mut idle = lock(&self.idle);
            if idle.len() < IDLE_READERS {
                idle.push(connection);
            }
        }
        result
    }
}

impl WriteSide for SqliteWriter {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE")?;
        self.is_empty = true;
        Ok(())
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        match self.is_empty {
            true => Ok(()),
            false => self.run("SAVEPOINT job"),
        }
    }

    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.writer
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.writer.flush_keys().map_err(StoreError::driver)?;
        match std::mem::take(&mut self.is_empty) {
            true => Ok(()),
            false => self.run("RELEASE job"),
        }
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.writer.forget_keys();
        if self.is_empty {
            self.run("ROLLBACK")?;
            return self.begin();
        }
        self.run("ROLLBACK TO job")?;
        self.run("RELEASE job")
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.writer
            .trim(self.feed_length)
            .map_err(StoreError::driver)?;
        self.run("COMMIT")
    }

    fn abort(&mut self) {
        // SQLite itself rolls back after some errors.
        if !self.writer.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "a rollback failed");
        }
    }

    fn close(&mut self) {
        // Without readers the connection is the last: closing it removes the write-ahead log.
        lock(&self.home.idle).clear();
        let path = self.home.path.display();
        match self
            .writer
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        {
            Ok(0) => {}
            Ok(_busy) => tracing::warn!(%path, "a reader held the last checkpoint up"),
            Err::<i64, _>(error) => tracing::warn!(%path, %error, "the last checkpoint failed"),
        }
    }
}

impl SqliteWriter {
    fn run(&self, sql: &str) -> Result<(), StoreError> {
        run(&self.writer.connection, sql).map_err(StoreError::driver)
    }

    /// Makes the database refuse to grow beyond `pages`, as a full disk does.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) {
        self.writer
            .connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    }
}
