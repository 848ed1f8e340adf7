//! `cargo xtask deny`: licences, sources and known advisories of all dependencies, offline.
//!
//! `deny.toml` is written in cargo-deny's format, so that `cargo deny check` reads it too; the
//! advisories are a copy of the RustSec database's entries on our dependencies.

mod advisories;
mod licence;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::metadata::{Metadata, Package};
use advisories::Advisories;
use licence::Expression;

const CONFIG: &str = "deny.toml";
const ADVISORIES: &str = "xtask/advisories.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    /// Identifiers, also with an exception: `Apache-2.0 WITH LLVM-exception`.
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences that one crate alone may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// Fails with the list of the dependencies that are refused, each with the reason.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let config: Config = read(root, CONFIG)?;
    let advisories: Advisories = read(root, ADVISORIES)?;
    let packages = Metadata::with_dependencies(root)?.packages;
    let dependencies: Vec<Package> = packages
        .into_iter()
        .filter(|package| package.source.is_some())
        .collect();
    let mut findings: Vec<String> = dependencies
        .iter()
        .flat_map(|package| {
            config
                .refusals(package)
                .into_iter()
                .chain(advisories.against(package))
        })
        .collect();
    findings.extend(config.unused(&dependencies));
    if findings.is_empty() {
        println!(
            "{} dependencies: licences and sources allowed, none of {} advisories",
            dependencies.len(),
            advisories.len(),
        );
        return Ok(());
    }
    Err(findings.join("\n"))
}

/// Writes the advisories on our dependencies from a checkout of the RustSec database.
pub(crate) fn refresh(root: &Path, database: &Path) -> Result<(), String> {
    let packages = Metadata::with_dependencies(root)?.packages;
    let names: BTreeSet<String> = packages
        .into_iter()
        .filter(|package| package.source.is_some())
        .map(|package| package.name)
        .collect();
    let advisories = Advisories::from_database(database, &names)?;
    let path = root.join(ADVISORIES);
    std::fs::write(&path, advisories.to_toml()).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("wrote {} advisories to {ADVISORIES}", advisories.len());
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(root: &Path, name: &str) -> Result<T, String> {
    let text = std::fs::read_to_string(root.join(name)).map_err(|e| format!("{name}: {e}"))?;
    toml::from_str(&text).map_err(|e| format!("{name}: {e}"))
}

impl Config {
    /// Why `package` may not be a dependency.
    fn refusals(&self, package: &Package) -> Vec<String> {
        let Package { name, version, .. } = package;
        let mut refusals = Vec::new();
        if let Some(ban) = self.bans.deny.iter().find(|ban| ban.name == *name) {
            refusals.push(format!("{name} {version} is banned: {}", ban.reason));
        }
        let source = package.source.as_deref().unwrap_or_default();
        if !self
            .sources
            .allow_registry
            .iter()
            .any(|url| source == format!("registry+{url}"))
        {
            refusals.push(format!(
                "{name} {version} comes from {source}, which is not allowed"
            ));
        }
        refusals.extend(self.licence_refusal(package));
        refusals
    }

    fn licence_refusal(&self, package: &Package) -> Option<String> {
        let Package {
            name,
            version,
            license,
            ..
        } = package;
        let Some(text) = license else {
            return Some(format!("{name} {version} states no licence"));
        };
        let allowed = |licence: &str| {
            let exceptions = self
                .licenses
                .exceptions
                .iter()
                .filter(|found| found.name == *name);
            let mut lists = exceptions
                .map(|found| &found.allow)
                .chain([&self.licenses.allow]);
            lists.any(|list| list.iter().any(|entry| entry == licence))
        };
        match Expression::parse(text) {
            Ok(expression) if expression.holds(&allowed) => None,
            Ok(_) => Some(format!(
                "{name} {version} is licensed `{text}`, which {CONFIG} does not allow"
            )),
            Err(error) => Some(format!("{name} {version}: licence `{text}`: {error}")),
        }
    }

    /// Exceptions for crates that are gone.
    fn unused<'a>(&'a self, packages: &'a [Package]) -> impl Iterator<Item = String> + 'a {
        let gone = |name: &str| !packages.iter().any(|package| package.name == name);
        let exceptions = self
            .licenses
            .exceptions
            .iter()
            .filter(move |found| gone(&found.name));
        exceptions.map(|found| format!("{CONFIG}: {} is no dependency any more", found.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

    fn config() -> Config {
        toml::from_str(&format!(
            "[licenses]\nallow = [\"MIT\"]\n\
             [[licenses.exceptions]]\ncrate = \"special\"\nallow = [\"MPL-2.0\"]\n\
             [bans]\ndeny = [{{ crate = \"openssl\", reason = \"no C library for TLS\" }}]\n\
             [sources]\nallow-registry = [\"{CRATES_IO}\"]\n"
        ))
        .unwrap()
    }

    fn package(name: &str, license: Option<&str>, source: &str) -> Package {
        serde_json::from_value(serde_json::json!({
            "name": name, "version": "1.2.3", "license": license, "source": source,
            "manifest_path": "", "dependencies": [],
        }))
        .unwrap()
    }

    #[test]
    fn a_dependency_is_refused_for_its_name_source_or_licence() {
        let crates_io = format!("registry+{CRATES_IO}");
        for (name, licence, source, refusals) in [
            ("good", Some("MIT"), crates_io.as_str(), 0),
            ("special", Some("MPL-2.0"), &crates_io, 0),
            ("other", Some("MPL-2.0"), &crates_io, 1),
            ("silent", None, &crates_io, 1),
            ("odd", Some("MIT OR"), &crates_io, 1),
            ("openssl", Some("MIT"), &crates_io, 1),
            ("forked", Some("MIT"), "git+https://example.com/forked", 1),
            ("openssl", None, "registry+https://example.com/", 3),
        ] {
            let found = config().refusals(&package(name, licence, source));
            assert_eq!(found.len(), refusals, "{name}: {found:?}");
        }
    }

    #[test]
    fn an_exception_for_a_crate_that_is_gone_is_named() {
        let config = config();
        assert_eq!(config.unused(&[]).count(), 1);
        assert_eq!(config.unused(&[package("special", None, "")]).count(), 0);
    }
}
