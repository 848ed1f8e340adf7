//! `cargo xtask e2e`: the outside clients of `e2e/` against the release binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::metadata::Metadata;
use crate::process;

/// Builds the programs and runs pytest with these arguments.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let build = ["build", "--workspace", "--bins", "--release", "--locked"];
    process::run(root, "cargo", &build)?;
    pytest(root, args)
}

/// Prepares Python and runs pytest over `e2e/` with these arguments; the programs are built.
pub(crate) fn pytest(root: &Path, args: &[&str]) -> Result<(), String> {
    let python = prepare(root)?;
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
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}

/// Makes a virtual environment with what `e2e/requirements.txt` pins, and gives its `python`.
/// Installs Debian's packages for that if the machine's Python cannot.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf, String> {
    let venv = target(root)?.join("e2e-venv");
    let python = venv.join("bin/python");
    let wanted = root.join("e2e/requirements.txt");
    let installed = venv.join("requirements.txt");
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let pins = read(&wanted)?;
    if read(&installed).is_ok_and(|installed| installed == pins) {
        return Ok(python);
    }
    println!("making the Python environment {}", venv.display());
    let make = || {
        // A rest of an attempt that failed would make the next one fail.
        let _ = fs::remove_dir_all(&venv);
        process::works("python3", &["-m", "venv", &venv.to_string_lossy()])
    };
    if !make() {
        install_python()?;
        if !make() {
            return Err(format!("`python3 -m venv {}` fails", venv.display()));
        }
    }
    println!("installing e2e/requirements.txt into it");
    process::check(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&wanted),
    )?;
    // Written last: it says that the installation is complete.
    fs::write(&installed, pins).map_err(|e| format!("{}: {e}", installed.display()))?;
    Ok(python)
}

/// Debian keeps `venv` and `pip` apart from Python.
fn install_python() -> Result<(), String> {
    const PACKAGES: &str = "python3 python3-venv python3-pip";
    println!("`python3 -m venv` does not work: installing {PACKAGES} with apt-get");
    if !process::works("apt-get", &["--version"]) {
        return Err(format!(
            "there is no apt-get: install what Debian calls {PACKAGES}"
        ));
    }
    let sudo = !process::output(Path::new("/"), "id", &["-u"])?.starts_with(b"0");
    if sudo && !process::works("sudo", &["-n", "true"]) {
        return Err(format!(
            "this needs root: `sudo apt-get install {PACKAGES}`"
        ));
    }
    let apt = |args: &str| {
        let words = if sudo { "sudo -n apt-get" } else { "apt-get" }
            .split(' ')
            .chain(args.split(' '));
        let words: Vec<&str> = words.collect();
        let (program, args) = words.split_first().ok_or("no program")?;
        process::check(
            Command::new(program)
                .args(args)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt("update -q")?;
    apt(&format!("install -q -y --no-install-recommends {PACKAGES}"))
}

fn target(root: &Path) -> Result<PathBuf, String> {
    Ok(Metadata::of_workspace(root)?.target_directory)
}
