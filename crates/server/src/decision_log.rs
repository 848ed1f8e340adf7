//! The decision log: a file with a line of JSON for every refusal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use iam::decision_log::{DecisionLog, Refusal};

use crate::data_dir::warn_if_others_may_use;
use crate::error::Error;

/// A file that has grown to this many bytes is renamed to `….1`, in the place of the one before:
/// whoever is refused for ever cannot fill the disk.
const LONGEST: u64 = 64 << 20;

/// The decision log in a file that only its owner may read.
pub(crate) struct FileLog(Mutex<Open>);

struct Open {
    path: PathBuf,
    file: File,
    length: u64,
}

impl FileLog {
    /// Opens or creates the file, and appends to it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = Error::io("open the decision log", path);
        warn_if_others_may_use(path);
        Open::new(path.to_owned())
            .map(|open| Self(Mutex::new(open)))
            .map_err(failed)
    }
}

impl DecisionLog for FileLog {
    fn refused(&self, refusal: &Refusal<'_>) {
        let line = refusal.to_json_line() + "\n";
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = open.append(line.as_bytes()) {
            tracing::error!(%error, "the decision log cannot be written");
        }
    }
}

impl Open {
    fn new(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file, length })
    }

    /// Writes a line in one call, so that no reader sees half of it.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let more = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(more) > LONGEST {
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            fs::rename(&self.path, old)?;
            // Until the new file can be opened, the renamed one goes on growing.
            match Self::new(self.path.clone()) {
                Ok(new) => *self = new,
                Err(error) => tracing::warn!(%error, "no new decision log can be opened"),
            }
        }
        self.file.write_all(line)?;
        self.length = self.length.saturating_add(more);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_makes_place_for_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("decisions.jsonl");
        let mut open = Open::new(path.clone()).unwrap();
        open.append(b"one\n").unwrap();
        drop(open);
        let mut open = Open::new(path.clone()).unwrap();
        open.append(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        open.length = LONGEST;
        open.append(b"three\n").unwrap();
        open.append(b"four\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\nfour\n");
        let old = dir.path().join("decisions.jsonl.1");
        assert_eq!(fs::read_to_string(old).unwrap(), "one\ntwo\n");
    }
}
