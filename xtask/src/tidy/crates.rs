//! The direction of the arrows between the crates, and what every manifest inherits.

use std::path::Path;

use super::{File, Finding};
use crate::metadata::{Metadata, Package};

/// What a service may use.
const FRAMEWORK: &[&str] = &[
    "base",
    "model",
    "wire",
    "iam",
    "store",
    "frontdoor",
    "resources",
];

/// What introduces the services to each other may use.
const SERVICES: &[&str] = &[
    "base",
    "model",
    "wire",
    "iam",
    "store",
    "frontdoor",
    "dsql",
    "sts",
    "jwt",
    "verified_permissions",
    "dialect",
    "engine",
    "gateway",
];

/// Which crates of the workspace a crate may use: ARCHITECTURE.md, "Crates, and which may know
/// which". A new crate gets a line here.
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("model", &["base"]),
    ("wire", &["base", "model"]),
    ("iam", &["base"]),
    ("store", &[]),
    ("frontdoor", &["base", "model", "wire", "iam"]),
    ("dsql", FRAMEWORK),
    ("sts", &["base", "model", "wire", "iam", "frontdoor"]),
    ("resources", &["base", "store", "wire"]),
    ("jwt", &["base"]),
    (
        "verified_permissions",
        &[
            "base",
            "model",
            "wire",
            "iam",
            "store",
            "frontdoor",
            "resources",
            "jwt",
        ],
    ),
    ("dialect", &[]),
    ("engine", &["base"]),
    (
        "gateway",
        &["base", "dialect", "engine", "frontdoor", "iam"],
    ),
    ("server", SERVICES),
    ("testkit", SERVICES),
    ("loadgen", &["testkit"]),
    ("xtask", &[]),
];

/// Which crates the tests of a crate may use besides.
const TEST_ARROWS: &[(&str, &[&str])] = &[
    ("frontdoor", &["testkit"]),
    ("dsql", &["testkit"]),
    ("sts", &["testkit"]),
    ("verified_permissions", &["testkit"]),
    ("jwt", &["testkit"]),
    ("server", &["testkit"]),
    ("engine", &["dialect"]),
];

/// What a manifest says about itself that the workspace decides.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

pub(super) fn check(root: &Path, workspace: &Metadata, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let path = package
            .manifest_path
            .strip_prefix(root)
            .unwrap_or(&package.manifest_path);
        let path = path.to_string_lossy();
        findings.extend(arrows(package, &path));
        if let Some(file) = files.iter().find(|file| file.path == path) {
            findings.extend(manifest(file));
        }
    }
    findings
}

fn arrows(package: &Package, path: &str) -> Vec<Finding> {
    let name = package.name.as_str();
    let Some(ordinary) = row(ARROWS, name) else {
        let message = format!("`{name}` has no line in ARROWS of xtask/src/tidy/crates.rs");
        return vec![Finding::new(path, message)];
    };
    let for_tests = row(TEST_ARROWS, name).unwrap_or_default();
    let ours = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some());
    ours.filter(|dependency| {
        let target = dependency.name.as_str();
        let in_tests = dependency.kind.as_deref() == Some("dev");
        !(ordinary.contains(&target) || in_tests && for_tests.contains(&target))
    })
    .map(|dependency| {
        let message = format!(
            "`{name}` must not know `{}`: see ARCHITECTURE.md, crates",
            dependency.name
        );
        Finding::new(path, message)
    })
    .collect()
}

fn row(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, targets)| *targets)
}

fn manifest(file: &File) -> Vec<Finding> {
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(file.path.as_str(), error.to_string())],
    };
    let inherits = |table: Option<&toml::Value>| {
        table
            .and_then(|table| table.get("workspace"))
            .and_then(toml::Value::as_bool)
            == Some(true)
    };
    let mut findings = Vec::new();
    if !inherits(manifest.get("lints")) {
        findings.push(Finding::new(
            file.path.as_str(),
            "write `[lints]` with `workspace = true`",
        ));
    }
    let package = manifest.get("package");
    for key in INHERITED {
        if !inherits(package.and_then(|package| package.get(key))) {
            let message = format!("write `{key}.workspace = true` below `[package]`");
            findings.push(Finding::new(file.path.as_str(), message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    /// A package that depends on crates of the workspace, each with its kind.
    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|(name, kind)| serde_json::json!({"name": name, "kind": kind, "path": "/p"}))
            .collect();
        let package = serde_json::json!({
            "name": name, "version": "0.1.0", "manifest_path": "Cargo.toml", "dependencies": dependencies,
        });
        serde_json::from_value(package).unwrap()
    }

    #[test]
    fn arrows_point_downwards() {
        for (name, dependency, kind, allowed) in [
            ("wire", "model", None, true),
            ("base", "model", None, false),
            ("model", "frontdoor", None, false),
            ("store", "base", None, false),
            ("frontdoor", "verified_permissions", None, false),
            ("frontdoor", "verified_permissions", Some("dev"), false),
            ("iam", "testkit", Some("dev"), false),
            ("verified_permissions", "testkit", None, false),
            ("verified_permissions", "testkit", Some("dev"), true),
            ("verified_permissions", "server", Some("dev"), false),
            ("dsql", "verified_permissions", None, false),
            ("dsql", "store", None, true),
            ("sts", "store", None, false),
            ("server", "verified_permissions", None, true),
            ("server", "testkit", Some("build"), false),
        ] {
            let found = arrows(&package(name, &[(dependency, kind)]), "Cargo.toml");
            assert_eq!(
                found.is_empty(),
                allowed,
                "{name} -> {dependency} {kind:?}: {found:?}"
            );
        }
    }

    #[test]
    fn a_new_crate_needs_a_line() {
        assert_eq!(arrows(&package("newcomer", &[]), "Cargo.toml").len(), 1);
    }

    #[test]
    fn the_tables_name_only_crates_that_have_a_line() {
        for (name, targets) in ARROWS.iter().chain(TEST_ARROWS) {
            for crate_name in targets.iter().chain([name]) {
                assert!(row(ARROWS, crate_name).is_some(), "{crate_name}");
            }
        }
    }

    #[test]
    fn a_manifest_inherits_lints_and_metadata() {
        let package: String = INHERITED
            .iter()
            .map(|key| format!("{key}.workspace = true\n"))
            .collect();
        let good = format!("[package]\nname = \"a\"\n{package}[lints]\nworkspace = true\n");
        assert_eq!(manifest(&file("Cargo.toml", &good)), []);
        for (from, to) in [
            ("[lints]\nworkspace = true", "[lints]\nworkspace = false"),
            ("[lints]\nworkspace = true", ""),
            ("version.workspace = true", "version = \"1.0.0\""),
            ("publish.workspace = true", ""),
            ("[package]", "[package"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(manifest(&file("Cargo.toml", &bad)).len(), 1, "{bad}");
        }
    }
}
