//! Python's virtual environments, and the packages of PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{machine, process};

/// Makes the virtual environment `folder` anew and gives its `python`. Installs Debian's packages
/// for that if the machine's Python cannot.
pub(crate) fn venv(folder: &Path) -> Result<PathBuf, String> {
    let make = || {
        // A rest of an attempt that failed would make the next one fail.
        let _ = fs::remove_dir_all(folder);
        process::works("python3", &["-m", "venv", &folder.to_string_lossy()])
    };
    if !make() {
        // Debian keeps `venv` and `pip` apart from Python.
        machine::install(
            "`python3 -m venv` does not work",
            "python3 python3-venv python3-pip",
        )?;
        if !make() {
            return Err(format!("`python3 -m venv {}` fails", folder.display()));
        }
    }
    Ok(folder.join("bin/python"))
}

/// `pip install` of the requirements in a file, with more arguments.
pub(crate) fn install(python: &Path, requirements: &Path, args: &[&str]) -> Result<(), String> {
    process::check(
        Command::new(python)
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .args(args)
            .arg("-r")
            .arg(requirements),
    )
}
