//! The files that a command names: which they are, what is in them.

use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use verified_permissions::bulk::{Format, Item, Kind, ReadError, check, read};

use super::print::plain;
use crate::error::Error;

/// How much of a file is read at a time.
const CHUNK: usize = 1 << 20;

/// The files to read, in order.
pub(super) struct Files(Vec<(PathBuf, Format)>);

/// What is in the files: everything but the policies themselves, of which there may be a million.
pub(super) struct Contents {
    /// Schemas and templates, in the order in which they have to be put.
    pub(super) first: Vec<Item>,
    /// How many policies there are with an id or a name.
    pub(super) named: u64,
    /// How many without.
    pub(super) nameless: u64,
}

impl Contents {
    pub(super) fn has_schema(&self) -> bool {
        self.first.iter().any(|item| item.kind() == Kind::Schema)
    }

    pub(super) fn total(&self) -> u64 {
        self.first.len() as u64 + self.named + self.nameless
    }
}

impl Files {
    /// The files, and those of the directories, by their names. In a directory, files of other
    /// kinds and hidden ones are passed over; a file that is named has to be one of ours.
    pub(super) fn find(named: &[PathBuf]) -> Result<Self, Error> {
        let mut all = Vec::new();
        for path in named {
            if path.is_dir() {
                let before = all.len();
                walk(path, &mut all)?;
                if all.len() == before {
                    let text = "there is no .cedar, .cedarschema, .json or .jsonl file below it";
                    return Err(Error::Refused(format!("{}: {text}", path.display())));
                }
                continue;
            }
            let refused = |text| Error::Refused(format!("{}: {text}", path.display()));
            let format = Format::of(path).ok_or_else(|| {
                refused("its name ends with none of .cedar, .cedarschema, .json, .jsonl")
            })?;
            // Files are read more than once, which nothing else can be.
            if fs::metadata(path).is_ok_and(|kind| !kind.is_file()) {
                return Err(refused("is no regular file"));
            }
            all.push((path.clone(), format));
        }
        Ok(Self(all))
    }

    /// Reads and checks every file as a whole, before anything is written.
    pub(super) fn contents(&self) -> Result<Contents, Error> {
        let (mut first, mut named, mut nameless) = (Vec::new(), 0, 0);
        let mut fault = None;
        self.read(|item| {
            if let Err(error) = check(&item) {
                fault = Some(error);
                return ControlFlow::Break(());
            }
            match item.kind() {
                Kind::Schema | Kind::Template => first.push(item),
                Kind::Policy | Kind::Link if item.is_nameless() => nameless += 1,
                Kind::Policy | Kind::Link => named += 1,
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = fault {
            return Err(refused(&error));
        }
        first.sort_by_key(Item::turn);
        Ok(Contents {
            first,
            named,
            nameless,
        })
    }

    /// Reads the policies, one at a time, until `take` has enough.
    pub(super) fn policies(
        &self,
        mut take: impl FnMut(Item) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|item| match item.kind() {
            Kind::Schema | Kind::Template => ControlFlow::Continue(()),
            Kind::Policy | Kind::Link => take(item),
        })
    }

    fn read(&self, mut take: impl FnMut(Item) -> ControlFlow<()>) -> Result<(), Error> {
        for (path, format) in &self.0 {
            let file = File::open(path).map_err(Error::io("read", path))?;
            let mut input = BufReader::with_capacity(CHUNK, file);
            let name = path.display().to_string();
            let mut has_enough = false;
            read(*format, &name, &mut input, &mut |item| {
                let flow = take(item);
                has_enough = flow.is_break();
                flow
            })
            .map_err(|error| refused(&error))?;
            if has_enough {
                break;
            }
        }
        Ok(())
    }
}

fn refused(error: &ReadError) -> Error {
    Error::Refused(plain(&error.to_string()))
}

fn walk(dir: &Path, all: &mut Vec<(PathBuf, Format)>) -> Result<(), Error> {
    let mut entries = Vec::new();
    let listed = fs::read_dir(dir).map_err(Error::io("read", dir))?;
    for entry in listed {
        entries.push(entry.map_err(Error::io("read", dir))?.path());
    }
    entries.sort_unstable();
    for path in entries {
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden {
            continue;
        }
        // A link to a directory might lead in a circle.
        let kind = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?;
        if kind.is_dir() {
            walk(&path, all)?;
        } else if let Some(format) = Format::of(&path) {
            let kind = fs::metadata(&path).map_err(Error::io("read", &path))?;
            if kind.is_file() {
                all.push((path, format));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_searched_for_files_of_ours() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for dir in ["b", ".git", "empty"] {
            fs::create_dir(path(dir)).unwrap();
        }
        for file in [
            "z.cedar",
            "a.json",
            "b/c.jsonl",
            ".git/x.json",
            ".hidden.cedar",
            "README.md",
        ] {
            fs::write(path(file), "").unwrap();
        }
        let found = |named: &[&str]| {
            let named: Vec<PathBuf> = named.iter().map(|name| path(name)).collect();
            let files = Files::find(&named).map_err(|error| error.to_string())?;
            let names = files.0.into_iter().map(|(file, _)| {
                let name = file.strip_prefix(home.path()).unwrap();
                name.display().to_string()
            });
            Ok::<Vec<_>, String>(names.collect())
        };
        assert_eq!(found(&[""]).unwrap(), ["a.json", "b/c.jsonl", "z.cedar"]);
        assert_eq!(
            found(&["z.cedar", "b", ".hidden.cedar"]).unwrap(),
            ["z.cedar", "b/c.jsonl", ".hidden.cedar"]
        );
        let _socket = std::os::unix::net::UnixListener::bind(path("b/s.json")).unwrap();
        std::os::unix::fs::symlink(path("a.json"), path("b/l.json")).unwrap();
        std::os::unix::fs::symlink(path("empty"), path("b/d.json")).unwrap();
        assert_eq!(found(&["b"]).unwrap(), ["b/c.jsonl", "b/l.json"]);
        for named in ["README.md", "empty", "b/s.json"] {
            assert!(found(&[named]).unwrap_err().contains(named));
        }
        let missing = Files::find(&[path("missing.json")]).unwrap();
        assert!(missing.contents().is_err());
        fs::write(path("\x1b[2J.json"), "[").unwrap();
        let broken = Files::find(&[path("\x1b[2J.json")]).unwrap();
        let error = broken.contents().err().unwrap().to_string();
        assert!(error.contains("\\u{1b}[2J.json:1: is no JSON"), "{error}");
    }
}
