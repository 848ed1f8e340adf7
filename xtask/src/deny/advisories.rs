//! Known advisories: a copy of the RustSec database's entries on our dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use semver::VersionReq;
use serde::{Deserialize, Serialize};

use crate::metadata::Package;

const HEADER: &str = "\
# Versions of dependencies that must not be used, checked by `cargo xtask deny`: the entries of the
# RustSec advisory database (https://github.com/RustSec/advisory-db, public domain) on the crates in
# Cargo.lock, without notices that are not about a fault. Refresh it before a release and when a
# dependency is added:
#
#     git clone --depth 1 https://github.com/RustSec/advisory-db target/advisory-db
#     cargo xtask deny --refresh target/advisory-db
";

/// The advisories, in the order of their crates.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advisories {
    #[serde(default)]
    advisory: Vec<Advisory>,
}

/// Versions of a crate that have a known fault: all that are neither patched nor unaffected.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    #[serde(rename = "crate")]
    name: String,
    id: String,
    patched: Vec<VersionReq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unaffected: Vec<VersionReq>,
}

/// The head of an entry of the database.
#[derive(Deserialize)]
struct Entry {
    advisory: EntryAdvisory,
    versions: EntryVersions,
}

#[derive(Deserialize)]
struct EntryAdvisory {
    id: String,
    package: String,
    withdrawn: Option<String>,
    informational: Option<String>,
}

#[derive(Deserialize)]
struct EntryVersions {
    #[serde(default)]
    patched: Vec<VersionReq>,
    #[serde(default)]
    unaffected: Vec<VersionReq>,
}

impl Advisories {
    /// What is known against `package`.
    pub(super) fn against(&self, package: &Package) -> Vec<String> {
        let Package { name, version, .. } = package;
        let meets = |list: &[VersionReq]| list.iter().any(|versions| versions.matches(version));
        self.advisory
            .iter()
            .filter(|advisory| advisory.name == *name)
            .filter(|advisory| !meets(&advisory.patched) && !meets(&advisory.unaffected))
            .map(|advisory| {
                let id = &advisory.id;
                format!("{name} {version} has a known fault: https://rustsec.org/advisories/{id}")
            })
            .collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.advisory.len()
    }

    /// The entries on the crates `names` in a checkout of the database.
    pub(super) fn from_database(database: &Path, names: &BTreeSet<String>) -> Result<Self, String> {
        let crates = database.join("crates");
        if !crates.is_dir() {
            return Err(format!(
                "{} is no checkout of the RustSec database",
                database.display()
            ));
        }
        let mut advisory = Vec::new();
        for name in names {
            // Most crates have no entry, and so no folder.
            let Ok(folder) = fs::read_dir(crates.join(name)) else {
                continue;
            };
            let mut paths: Vec<_> = folder
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect();
            paths.sort();
            for path in paths {
                let text =
                    fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                advisory.extend(entry(&text).map_err(|e| format!("{}: {e}", path.display()))?);
            }
        }
        Ok(Self { advisory })
    }

    /// The file that [`super::check`] reads.
    pub(super) fn to_toml(&self) -> String {
        let list = |versions: &[VersionReq]| {
            let quoted: Vec<String> = versions
                .iter()
                .map(|version| format!("\"{version}\""))
                .collect();
            format!("[{}]", quoted.join(", "))
        };
        let mut text = HEADER.to_owned();
        for Advisory {
            name,
            id,
            patched,
            unaffected,
        } in &self.advisory
        {
            text += &format!(
                "\n[[advisory]]\ncrate = \"{name}\"\nid = \"{id}\"\npatched = {}\n",
                list(patched)
            );
            if !unaffected.is_empty() {
                text += &format!("unaffected = {}\n", list(unaffected));
            }
        }
        text
    }
}

/// The advisory in an entry's text, if it is about a fault of the code.
fn entry(text: &str) -> Result<Option<Advisory>, String> {
    let head = text
        .strip_prefix("```toml\n")
        .and_then(|rest| rest.split_once("\n```"));
    let (head, _) = head.ok_or("no TOML at its start")?;
    let Entry { advisory, versions } = toml::from_str(head).map_err(|e| e.to_string())?;
    // `unmaintained` and `notice` are opinions on a project; `unsound` is a fault.
    let fault = advisory.informational.is_none_or(|kind| kind == "unsound");
    Ok((fault && advisory.withdrawn.is_none()).then_some(Advisory {
        name: advisory.package,
        id: advisory.id,
        patched: versions.patched,
        unaffected: versions.unaffected,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[[advisory]]\ncrate = \"a\"\nid = \"RUSTSEC-2026-0001\"\n\
                        patched = [\"^1.4.3\", \">=2.0.1\"]\nunaffected = [\"<1.2.0\"]\n";

    fn package(name: &str, version: &str) -> Package {
        serde_json::from_value(serde_json::json!({
            "name": name, "version": version, "manifest_path": "", "dependencies": [],
        }))
        .unwrap()
    }

    #[test]
    fn only_the_affected_versions_are_refused() {
        let advisories: Advisories = toml::from_str(FILE).unwrap();
        for (name, version, faults) in [
            ("a", "1.1.9", 0),
            ("a", "1.2.0", 1),
            ("a", "1.4.2", 1),
            ("a", "1.4.3", 0),
            ("a", "2.0.0", 1),
            ("a", "2.0.1", 0),
            ("b", "1.2.0", 0),
        ] {
            let found = advisories.against(&package(name, version));
            assert_eq!(found.len(), faults, "{name} {version}: {found:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let advisories: Advisories = toml::from_str(FILE).unwrap();
        let text = advisories.to_toml();
        assert!(text.ends_with(&format!("\n{FILE}")), "{text}");
        assert_eq!(toml::from_str::<Advisories>(&text).unwrap().len(), 1);
    }

    #[test]
    fn entries_about_faults_are_taken_from_the_database() {
        let text = |more: &str| {
            format!(
                "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"a\"\n{more}\n\
                 [versions]\npatched = [\">= 2\"]\n```\n\n# Title\n\n```toml\nx = 1\n```\n"
            )
        };
        for (more, taken) in [
            ("", true),
            ("informational = \"unsound\"", true),
            ("informational = \"unmaintained\"", false),
            ("withdrawn = \"2026-02-01\"", false),
        ] {
            assert_eq!(entry(&text(more)).unwrap().is_some(), taken, "{more}");
        }
        assert!(entry("# Title\n").is_err());
    }
}
