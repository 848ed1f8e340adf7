//! Rules on the documentation: links lead to files of the repository, and changes are logged.

use std::collections::BTreeSet;

use super::{File, Finding};

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let known = known(files);
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    let mut findings: Vec<Finding> = pages.flat_map(|page| links(page, &known)).collect();
    findings.extend(changelog(files));
    findings
}

/// The files and the folders they are in.
fn known(files: &[File]) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for file in files {
        let mut path = file.path.as_str();
        known.insert(path.to_owned());
        while let Some((folder, _)) = path.rsplit_once('/') {
            known.insert(folder.to_owned());
            path = folder;
        }
    }
    known
}

fn links(page: &File, known: &BTreeSet<String>) -> Vec<Finding> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    let mut in_code = false;
    for (index, line) in page.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let path = target
                .split_once('#')
                .map_or(target.as_str(), |(path, _)| path);
            let found =
                resolve(folder, path).is_some_and(|path| path.is_empty() || known.contains(&path));
            if !found {
                let place = format!("{}:{}", page.path, index + 1);
                findings.push(Finding::new(
                    place,
                    format!("the link to `{target}` leads to no file of the repository"),
                ));
            }
        }
    }
    findings
}

/// The targets of a line's links that are not addresses of other sites.
fn targets(line: &str) -> Vec<String> {
    // What stands between backticks is code.
    let prose: String = line.split('`').step_by(2).collect();
    let inline = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0));
    let definition = prose
        .strip_prefix('[')
        .and_then(|rest| Some(rest.split_once("]: ")?.1));
    inline
        .chain(definition)
        .filter_map(|target| target.split_whitespace().next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

/// `path` as seen from `folder`, relative to the root; none if it leaves the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let (start, path) = match path.strip_prefix('/') {
        Some(path) => ("", path),
        None => (folder, path),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn changelog(files: &[File]) -> Option<Finding> {
    const PATH: &str = "CHANGELOG.md";
    let text = files
        .iter()
        .find(|file| file.path == PATH)
        .map_or("", |file| &file.text);
    let heading = |line: &str| matches!(line.trim_end(), "## Unreleased" | "## [Unreleased]");
    (!text.lines().any(heading))
        .then(|| Finding::new(PATH, "has no section `## Unreleased` for the next changes"))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<String> {
        let files = [
            file("README.md", ""),
            file("docs/a.md", ""),
            file("crates/x/src/lib.rs", ""),
        ];
        let found = links(&file(path, text), &known(&files));
        found.into_iter().map(|found| found.place).collect()
    }

    #[test]
    fn links_to_files_folders_headings_and_sites_are_good() {
        for (path, text) in [
            (
                "README.md",
                "[a](docs/a.md), [b](docs/a.md#part) and [c](docs/)",
            ),
            (
                "README.md",
                "[here](#part) [site](https://example.com/x.md) [m](mailto:a@b)",
            ),
            (
                "docs/a.md",
                "[up](../README.md) [titled](../crates/x \"x\") [root](/README.md)",
            ),
            ("docs/a.md", "[`lib`](<../crates/x/src/lib.rs>) [top](..)"),
            (
                "README.md",
                "`[code](missing.md)` and `a`\n```\n[code](missing.md)\n```",
            ),
            ("README.md", "[ref]: docs/a.md"),
        ] {
            assert_eq!(broken(path, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn links_to_nothing_or_out_of_the_repository_are_named() {
        for (path, text, place) in [
            ("README.md", "\n[a](docs/b.md)", "README.md:2"),
            ("README.md", "[a](docs/a.md) [b](gone)", "README.md:1"),
            ("docs/a.md", "[a](README.md)", "docs/a.md:1"),
            ("docs/a.md", "[a](../../other/README.md)", "docs/a.md:1"),
            ("README.md", "[ref]: docs/b.md", "README.md:1"),
        ] {
            assert_eq!(broken(path, text), [place], "{text}");
        }
    }

    #[test]
    fn the_changelog_has_a_place_for_the_next_change() {
        for (text, good) in [
            ("# Changelog\n\n## Unreleased\n", true),
            ("## [Unreleased]\n", true),
            ("# Changelog\n\n## 0.1.0\n", false),
            ("Unreleased\n", false),
        ] {
            assert_eq!(
                changelog(&[file("CHANGELOG.md", text)]).is_none(),
                good,
                "{text}"
            );
        }
        assert!(changelog(&[]).is_some());
    }
}
