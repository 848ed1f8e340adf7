//! `cargo xtask tidy`: the rules of this repository that no other tool knows.

mod crates;
mod documents;
mod operations;
mod text;

use std::fmt;
use std::path::Path;

use crate::metadata::Metadata;
use crate::process;

/// A broken rule.
#[derive(Debug, PartialEq)]
struct Finding {
    /// The file, relative to the root, with its line where one is to blame.
    place: String,
    /// What is wrong and what to do.
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// A text file of the repository.
struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// Fails with the list of everything that breaks a rule.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let files = files(root)?;
    let workspace = Metadata::of_workspace(root)?;
    let mut findings = text::check(&files);
    findings.extend(documents::check(&files));
    findings.extend(operations::check(&files)?);
    findings.extend(crates::check(root, &workspace, &files));
    if findings.is_empty() {
        println!("{} files keep the rules", files.len());
        return Ok(());
    }
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Err(format!(
        "{}\n{} broken rules",
        lines.join("\n"),
        lines.len()
    ))
}

/// The files that git has or would add, as far as they are text.
fn files(root: &Path) -> Result<Vec<File>, String> {
    let args = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let names = String::from_utf8(process::output(root, "git", &args)?)
        .map_err(|e| format!("git ls-files: {e}"))?;
    let mut files = Vec::new();
    for path in names.split_terminator('\0') {
        // What is deleted but not committed, and what is not UTF-8, has no text to judge.
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            files.push(File {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}
