//! Stands in for the crate `bindgen`, whose only user here is the build script of `pg_query`.
//!
//! The real one reads a header with libclang, which a machine with a C compiler rarely has. The
//! header of `pg_query` is the same everywhere, so what it needs from there is in `bindings.txt`.
//! The header's checksum makes a build with another header fail instead of misbehave.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

const BINDINGS: &str = include_str!("bindings.txt");

/// Of `pg_query.h` in `pg_query` 6.2.1, as [`checksum`] makes it.
const HEADER: u64 = 0x14f2_faf6_916e_1f48;

/// Takes the header, as `bindgen::Builder` does.
#[derive(Clone, Default, Debug)]
pub struct Builder {
    header: PathBuf,
}

/// The bindings of the header.
#[derive(Clone, Copy, Debug)]
pub struct Bindings(());

/// Why there are no bindings.
#[derive(Debug)]
pub enum Error {
    /// The header cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The header is not the one that `bindings.txt` was written for; the checksum of this one.
    Other(u64),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, cause) => write!(f, "{}: {cause}", path.display()),
            Self::Other(sum) => write!(
                f,
                "pg_query.h has changed: compare it with vendor/bindgen/src/bindings.txt, \
                 then write {sum:#x} into vendor/bindgen/src/lib.rs"
            ),
        }
    }
}

impl Builder {
    /// Names the header.
    #[must_use]
    pub fn header(mut self, path: impl Into<PathBuf>) -> Self {
        self.header = path.into();
        self
    }

    /// Makes sure that the header is the known one.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn generate(self) -> Result<Bindings, Error> {
        let header =
            std::fs::read(&self.header).map_err(|cause| Error::Unreadable(self.header, cause))?;
        match checksum(&header) {
            HEADER => Ok(Bindings(())),
            other => Err(Error::Other(other)),
        }
    }
}

impl Bindings {
    /// Writes them as Rust.
    ///
    /// # Errors
    /// Those of writing a file.
    pub fn write_to_file(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, BINDINGS)
    }
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
