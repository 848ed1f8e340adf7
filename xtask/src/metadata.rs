//! What cargo says about the workspace and its dependencies.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::process;

/// The part of `cargo metadata` that the tasks read.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// A package: of the workspace if it has no `source`.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: semver::Version,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A line of a package's manifest.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or none for an ordinary one.
    pub(crate) kind: Option<String>,
    /// The folder, for a package of this workspace.
    pub(crate) path: Option<PathBuf>,
}

impl Metadata {
    /// The workspace and every package of the lock file, for all platforms. It needs no network
    /// once `cargo fetch` has run.
    pub(crate) fn with_dependencies(root: &Path) -> Result<Self, String> {
        Self::read(root, &["--locked"])
    }

    /// The packages of the workspace alone; never needs a network.
    pub(crate) fn of_workspace(root: &Path) -> Result<Self, String> {
        Self::read(root, &["--no-deps", "--offline"])
    }

    fn read(root: &Path, args: &[&str]) -> Result<Self, String> {
        let args = [&["metadata", "--format-version", "1"], args].concat();
        let text = process::output(root, "cargo", &args)?;
        serde_json::from_slice(&text).map_err(|e| format!("cargo metadata: {e}"))
    }
}
