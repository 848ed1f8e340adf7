//! Finding a PostgreSQL.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use super::account::RunAs;
use crate::{Error, Options};

/// Version 16 is what Aurora DSQL says it is; the others in the order of likeness.
const MAJORS: [u32; 5] = [16, 17, 18, 15, 14];

/// Where distributions and installers put a PostgreSQL: `{}` is the major version.
const PLACES: [&str; 11] = [
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/usr/libexec/postgresql{}",
    "/usr/lib/postgresql{}/bin",
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
    "/Library/PostgreSQL/{}/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/opt/postgresql/bin",
];

/// A PostgreSQL that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    /// Where `postgres` and `initdb` are.
    pub(crate) directory: PathBuf,
    /// As `postgres --version` says: `16.14`.
    pub(crate) version: String,
    /// The number before the dot: data directories of another one cannot be used.
    pub(crate) major: u32,
}

/// The search, which remembers what it has looked at for the text of its error.
struct Search<'a> {
    run_as: &'a RunAs,
    seen: Vec<(PathBuf, Result<Binaries, String>)>,
}

/// The PostgreSQL for new databases.
///
/// # Errors
/// [`Error::NoBinaries`] with what was looked at.
pub(crate) async fn find(options: &Options, run_as: &RunAs) -> Result<Binaries, Error> {
    let mut search = Search {
        run_as,
        seen: Vec::new(),
    };
    if let Some(directory) = &options.binaries {
        // Whoever names one means that one.
        return match search.look(directory).await {
            Ok(found) => Ok(found),
            Err(_) => Err(search.nothing(None)),
        };
    }
    let (Some(&best), managed) = (MAJORS.first(), options.managed.join("bin")) else {
        return Err(search.nothing(None));
    };
    if let Some(found) = search.on_machine(best).await {
        return Ok(found);
    }
    if let Ok(found) = search.look(&managed).await {
        return Ok(found);
    }
    for major in MAJORS {
        if let Some(found) = search.on_machine(major).await {
            let version = &found.version;
            tracing::warn!(
                version,
                "PostgreSQL is not version {best}: details may differ"
            );
            return Ok(found);
        }
    }
    Err(search.nothing(Some(&managed)))
}

/// A PostgreSQL for a data directory that version `major` has made.
///
/// # Errors
/// A text that says what was looked at.
pub(crate) async fn find_major(
    major: u32,
    options: &Options,
    run_as: &RunAs,
) -> Result<Binaries, String> {
    let mut search = Search {
        run_as,
        seen: Vec::new(),
    };
    let managed = options.managed.join("bin");
    for directory in options.binaries.iter().chain([&managed]) {
        match search.look(directory).await {
            Ok(found) if found.major == major => return Ok(found),
            Ok(_) | Err(_) => {}
        }
    }
    let found = search.on_machine(major).await;
    found.ok_or_else(|| search.looked_at(Some(&managed)))
}

impl Search<'_> {
    async fn on_machine(&mut self, major: u32) -> Option<Binaries> {
        for place in PLACES {
            let directory = PathBuf::from(place.replace("{}", &major.to_string()));
            match self.look(&directory).await {
                Ok(found) if found.major == major => return Some(found),
                Ok(_) | Err(_) => {}
            }
        }
        None
    }

    async fn look(&mut self, directory: &Path) -> Result<Binaries, String> {
        if let Some((_, known)) = self.seen.iter().find(|(seen, _)| seen == directory) {
            return known.clone();
        }
        let result = probe(directory, self.run_as).await;
        self.seen.push((directory.to_owned(), result.clone()));
        result
    }

    fn nothing(&self, managed: Option<&Path>) -> Error {
        Error::NoBinaries(format!(
            "looked at {}. Install PostgreSQL 16, or name the directory of its programs with \
             --postgres-binaries, or start with `cargo xtask serve`, which installs one",
            self.looked_at(managed)
        ))
    }

    /// The usual places that do not exist tell nobody anything.
    fn looked_at(&self, managed: Option<&Path>) -> String {
        let mut texts = Vec::new();
        for (directory, result) in &self.seen {
            match result {
                Ok(found) => texts.push(format!("{} ({})", directory.display(), found.version)),
                Err(reason) if directory.exists() || managed == Some(directory) => {
                    texts.push(format!("{} ({reason})", directory.display()));
                }
                Err(_) if self.seen.len() == 1 => {
                    texts.push(format!(
                        "{} (there is no such directory)",
                        directory.display()
                    ));
                }
                Err(_) => {}
            }
        }
        if self.seen.len() > 1 {
            texts.push("the usual places of packages (such as /usr/lib/postgresql/16/bin)".into());
        }
        texts.join(", ")
    }
}

/// What counts is whether it runs, as the user that it will run as.
async fn probe(directory: &Path, run_as: &RunAs) -> Result<Binaries, String> {
    let directory = directory
        .canonicalize()
        .map_err(|cause| cause.to_string())?;
    for program in ["postgres", "initdb"] {
        if !directory.join(program).exists() {
            return Err(format!("there is no {program}"));
        }
    }
    let mut command = run_as.command(&directory.join("postgres"), Path::new("/"));
    let running = timeout(Duration::from_secs(20), command.arg("--version").output());
    let output = match running.await {
        Ok(Ok(output)) => output,
        Ok(Err(cause)) => return Err(run_as.explain(&directory, &cause)),
        Err(_) => return Err("`postgres --version` does not end".to_owned()),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().next().unwrap_or_default();
        return Err(format!("`postgres --version` fails: {line}"));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let (version, major) =
        version(&said).ok_or_else(|| format!("`postgres --version` says {:?}", said.trim()))?;
    if !MAJORS.contains(&major) {
        return Err(format!("it is version {version}"));
    }
    Ok(Binaries {
        directory,
        version,
        major,
    })
}

/// Reads `postgres (PostgreSQL) 16.14 (Debian 16.14-1)`; pre-releases are `17beta1`.
fn version(said: &str) -> Option<(String, u32)> {
    let version = said
        .strip_prefix("postgres (PostgreSQL) ")?
        .split_whitespace()
        .next()?;
    let plain = version
        .chars()
        .all(|each| each.is_ascii_alphanumeric() || each == '.');
    let major = version
        .split(|each: char| !each.is_ascii_digit())
        .next()?
        .parse()
        .ok()?;
    plain.then(|| (version.to_owned(), major))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions() {
        let cases = [
            ("postgres (PostgreSQL) 16.14\n", Some(("16.14", 16))),
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
                Some(("15.18", 15)),
            ),
            ("postgres (PostgreSQL) 18beta2", Some(("18beta2", 18))),
            ("postgres (PostgreSQL) 9.6.24", Some(("9.6.24", 9))),
            ("postgres (PostgreSQL) ../x", None),
            ("psql (PostgreSQL) 16.1", None),
            ("", None),
        ];
        for (said, expected) in cases {
            let expected = expected.map(|(version, major): (&str, u32)| (version.into(), major));
            assert_eq!(version(said), expected, "{said:?}");
        }
    }
}
