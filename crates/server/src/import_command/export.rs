//! `treeline export`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use store::Store;
use verified_permissions::bulk::{self, FILES, Kind, Output};

use super::place::{Named, Place};
use super::print::grouped;
use crate::config::Config;
use crate::data_dir;
use crate::error::Error;

/// What is exported, and where to.
#[derive(clap::Args)]
pub(crate) struct ExportQuestion {
    #[command(flatten)]
    named: Named,
    /// The directory to write to, or a file for everything, whose name ends with .jsonl
    /// [default: standard output, as JSON Lines]
    #[arg(long, value_name = "DIR|FILE")]
    output: Option<PathBuf>,
}

/// Exports, from under a running server if there is one.
pub(crate) fn export(
    config: &Config,
    region_typed: bool,
    question: &ExportQuestion,
) -> Result<(), Error> {
    let Place::There(found) = question.named.look(config, region_typed)? else {
        return Err(question.named.unknown());
    };
    let mut out = Target::new(question.output.as_deref())?;
    let database = data_dir::database(&config.data_dir);
    let counts = Store::look(&database, |tx| {
        bulk::export(tx, &found.policy_store_id, &mut out)
    })
    .map_err(|error| Error::Refused(error.to_string()))?;
    out.finish()?;
    for kind in Kind::ALL {
        let count = counts.of(kind).created;
        if count > 0 {
            let _ = writeln!(io::stderr(), "{} {}", grouped(count), kind.noun(count));
        }
    }
    Ok(())
}

/// Where an export goes.
enum Target {
    Standard(BufWriter<io::Stdout>),
    File {
        path: PathBuf,
        file: BufWriter<File>,
    },
    Directory {
        path: PathBuf,
        files: BTreeMap<&'static str, BufWriter<File>>,
    },
}

/// A file's name while it is not complete.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

impl Target {
    fn new(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else {
            return Ok(Self::Standard(BufWriter::new(io::stdout())));
        };
        let is_file = path
            .extension()
            .is_some_and(|end| end == "jsonl" || end == "ndjson");
        if is_file && !path.is_dir() {
            let new = unfinished(path);
            let file = File::create(&new).map_err(Error::io("write", new))?;
            return Ok(Self::File {
                path: path.to_owned(),
                file: BufWriter::new(file),
            });
        }
        fs::create_dir_all(path).map_err(Error::io("create the directory", path))?;
        Ok(Self::Directory {
            path: path.to_owned(),
            files: BTreeMap::new(),
        })
    }

    /// Puts the complete files in the place of those of an earlier export.
    fn finish(self) -> Result<(), Error> {
        match self {
            Self::Standard(mut out) => out
                .flush()
                .map_err(Error::process("write to standard output")),
            Self::File { path, file } => complete(file, &path),
            Self::Directory { path, mut files } => {
                for name in FILES {
                    let file = path.join(name);
                    match files.remove(name) {
                        Some(written) => complete(written, &file)?,
                        None => remove(&file)?,
                    }
                }
                Ok(())
            }
        }
    }
}

fn complete(mut written: BufWriter<File>, path: &Path) -> Result<(), Error> {
    let done = written.flush().and_then(|()| written.get_ref().sync_all());
    done.and_then(|()| fs::rename(unfinished(path), path))
        .map_err(Error::io("write", path))
}

/// Removes what an earlier export had and this one has not.
fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

impl Output for Target {
    fn is_one_file(&self) -> bool {
        !matches!(self, Self::Directory { .. })
    }

    fn write(&mut self, name: &'static str, text: &str) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.write_all(text.as_bytes()),
            Self::File { file, .. } => file.write_all(text.as_bytes()),
            Self::Directory { path, files } => {
                if !files.contains_key(name) {
                    let file = File::create(unfinished(&path.join(name)))?;
                    files.insert(name, BufWriter::new(file));
                }
                match files.get_mut(name) {
                    Some(file) => file.write_all(text.as_bytes()),
                    None => Ok(()),
                }
            }
        }
    }
}
