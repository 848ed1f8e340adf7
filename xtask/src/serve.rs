//! `cargo xtask serve`: everything from a checkout to a running server.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::metadata::Metadata;
use crate::{machine, postgres, process};

/// Installs what is missing, builds the server and becomes it, with these arguments.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let said = Said {
        args,
        variable: &machine::variable,
    };
    if said.path("postgres-binaries")?.is_none() {
        postgres::provide(root, &said.data_dir(machine::is_root()?)?)?;
    }
    println!("building the server");
    process::run(root, "cargo", &["build", "--release", "--locked"])?;
    let server = Metadata::of_workspace(root)?
        .target_directory
        .join("release/treeline");
    // Replaced by the server, this process passes nothing on: signals reach the server itself.
    let error = Command::new(&server).arg("serve").args(args).exec();
    Err(format!("{}: {error}", server.display()))
}

/// What the server will be told.
struct Said<'a> {
    args: &'a [&'a str],
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Said<'_> {
    /// The data directory, as the server decides it.
    fn data_dir(&self, root: bool) -> Result<PathBuf, String> {
        let from_root =
            |name: &str| Some(self.variable_path(name)?).filter(|path| path.is_absolute());
        let dir = if let Some(dir) = self.path("data-dir")? {
            dir
        } else if let Some(dir) = from_root("XDG_DATA_HOME") {
            dir.join("treeline")
        } else if root {
            PathBuf::from(postgres::HOME_OF_ROOT)
        } else {
            let home = from_root("HOME").ok_or("HOME is not set: give --data-dir")?;
            home.join(".local/share/treeline")
        };
        std::path::absolute(&dir).map_err(|e| format!("{}: {e}", dir.display()))
    }

    /// A key that is a path: from the flag, the variable or the file.
    fn path(&self, key: &str) -> Result<Option<PathBuf>, String> {
        match self.flag_or_variable(key) {
            Some(path) => Ok(Some(path)),
            None => match self.flag_or_variable("config") {
                Some(file) => in_file(&file, key),
                None => Ok(None),
            },
        }
    }

    fn flag_or_variable(&self, key: &str) -> Option<PathBuf> {
        let name = format!("TREELINE_{}", key.replace('-', "_").to_uppercase());
        let flag = flag_value(self.args, &format!("--{key}"));
        flag.map(PathBuf::from)
            .or_else(|| self.variable_path(&name))
    }

    fn variable_path(&self, name: &str) -> Option<PathBuf> {
        (self.variable)(name).map(PathBuf::from)
    }
}

/// What follows `flag`, as `--flag value` or `--flag=value`.
fn flag_value<'a>(args: &[&'a str], flag: &str) -> Option<&'a str> {
    let joined = args
        .iter()
        .find_map(|arg| arg.strip_prefix(flag)?.strip_prefix('='));
    joined.or_else(|| args.iter().skip_while(|arg| **arg != flag).nth(1).copied())
}

/// A path of the configuration file; a relative one is seen from there.
fn in_file(file: &Path, key: &str) -> Result<Option<PathBuf>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(|e| failed(&e))?;
    let table: toml::Table = text.parse().map_err(|e| failed(&e))?;
    let path = table.get(key).and_then(toml::Value::as_str);
    let folder = file.parent().unwrap_or(Path::new(""));
    Ok(path.map(|path| folder.join(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_directory_is_the_servers() {
        let home = ("HOME", "/h");
        let xdg = ("XDG_DATA_HOME", "/x");
        let own = ("TREELINE_DATA_DIR", "/v");
        for (args, variables, root, dir) in [
            ("", vec![home], false, Some("/h/.local/share/treeline")),
            ("", vec![home], true, Some("/var/lib/treeline")),
            ("", vec![home, xdg], false, Some("/x/treeline")),
            (
                "",
                vec![home, ("XDG_DATA_HOME", "x")],
                false,
                Some("/h/.local/share/treeline"),
            ),
            ("", vec![home, xdg, own], true, Some("/v")),
            ("--data-dir /d", vec![own], false, Some("/d")),
            (
                "--http 127.0.0.1:0 --data-dir=/d",
                vec![own],
                false,
                Some("/d"),
            ),
            ("--data-dir", vec![own], false, Some("/v")),
            ("", vec![], false, None),
        ] {
            let args: Vec<&str> = args.split_whitespace().collect();
            let variable = |name: &str| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let said = Said {
                args: &args,
                variable: &variable,
            };
            let found = said.data_dir(root);
            assert_eq!(found.ok(), dir.map(PathBuf::from), "{args:?} {variables:?}");
        }
    }

    #[test]
    fn the_configuration_file_may_name_it() {
        let file = std::env::temp_dir().join(format!("xtask-serve-{}.toml", std::process::id()));
        let args = ["--config", file.to_str().unwrap()];
        let folder = file.parent().unwrap();
        let said = Said {
            args: &args,
            variable: &|_| None,
        };
        for (text, dir) in [
            ("data-dir = \"/d\"", Some(PathBuf::from("/d"))),
            ("data-dir = \"d\"", Some(folder.join("d"))),
            (
                "region = \"eu-west-1\"",
                Some(PathBuf::from("/var/lib/treeline")),
            ),
            ("data-dir", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(said.data_dir(true).ok(), dir, "{text}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(said.data_dir(true).is_err());
    }
}
