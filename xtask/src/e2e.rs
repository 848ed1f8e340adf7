//! `cargo xtask e2e`: the outside clients of `e2e/` against the release binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::metadata::Metadata;
use crate::{machine, node, postgres, process, python};

/// Builds the programs and runs pytest with these arguments.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let build = ["build", "--workspace", "--bins", "--release", "--locked"];
    process::run(root, "cargo", &build)?;
    pytest(root, args)
}

/// Prepares the clients and runs pytest over `e2e/` with these arguments; the programs are built.
pub(crate) fn pytest(root: &Path, args: &[&str]) -> Result<(), String> {
    let python = prepare(root)?;
    let postgres = postgres::for_tests(root)?;
    let programs = target(root)?.join("release");
    let args = match args {
        [] => &["-n", "2", "--dist", "loadfile"],
        args => args,
    };
    process::check(
        Command::new(&python)
            .args(["-m", "pytest"])
            .args(args)
            .current_dir(root.join("e2e"))
            .env("TREELINE_PROGRAMS", &programs)
            .env(postgres::FOR_TESTS, &postgres)
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}

/// Installs all clients that are missing, and gives the `python` of those that are Python's.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf, String> {
    node::prepare(root)?;
    // The one that comes with the PostgreSQL for tests has no TLS.
    if !process::works("psql", &["--version"]) {
        machine::install("there is no psql", "postgresql-client")?;
    }
    python_clients(root)
}

/// Makes a virtual environment with what `e2e/requirements.txt` pins, and gives its `python`.
fn python_clients(root: &Path) -> Result<PathBuf, String> {
    let venv = target(root)?.join("e2e-venv");
    let wanted = root.join("e2e/requirements.txt");
    let installed = venv.join("requirements.txt");
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let pins = read(&wanted)?;
    if read(&installed).is_ok_and(|installed| installed == pins) {
        return Ok(venv.join("bin/python"));
    }
    println!(
        "installing e2e/requirements.txt into the Python environment {}",
        venv.display()
    );
    let python = python::venv(&venv)?;
    python::install(&python, &wanted, &[])?;
    // Written last: it says that the installation is complete.
    fs::write(&installed, pins).map_err(|e| format!("{}: {e}", installed.display()))?;
    Ok(python)
}

fn target(root: &Path) -> Result<PathBuf, String> {
    Ok(Metadata::of_workspace(root)?.target_directory)
}
