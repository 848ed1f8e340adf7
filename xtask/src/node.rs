//! Node.js for the clients of `e2e/node` and the example application.

use std::fs;
use std::path::Path;

use crate::{machine, process};

const OLDEST: u32 = 18;

/// Each with a `package.json` and the lock that pins it.
const FOLDERS: [&str; 2] = ["e2e/node", "examples/photos"];

/// Installs what the locks pin, and Debian's packages if there is no Node.js.
pub(crate) fn prepare(root: &Path) -> Result<(), String> {
    if !(version().is_some_and(|version| version >= OLDEST)
        && process::works("npm", &["--version"]))
    {
        let why = format!("there is no Node.js {OLDEST} with npm");
        machine::install(&why, "nodejs npm")?;
    }
    FOLDERS.iter().try_for_each(|name| packages(root, name))
}

fn packages(root: &Path, name: &str) -> Result<(), String> {
    let folder = root.join(name);
    let lock = folder.join("package-lock.json");
    let installed = folder.join("node_modules/.installed-lock.json");
    let pins = fs::read(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    if fs::read(&installed).is_ok_and(|installed| installed == pins) {
        return Ok(());
    }
    println!("installing {name}/package-lock.json with npm");
    process::run(&folder, "npm", &["ci", "--no-audit", "--no-fund"])?;
    // Written last: it says that the installation is complete.
    fs::write(&installed, pins).map_err(|e| format!("{}: {e}", installed.display()))
}

/// The major version of the machine's Node.js.
fn version() -> Option<u32> {
    if !process::works("node", &["--version"]) {
        return None;
    }
    let printed = process::output(Path::new("/"), "node", &["--version"]).ok()?;
    major(&String::from_utf8(printed).ok()?)
}

fn major(printed: &str) -> Option<u32> {
    printed.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_node_is_read() {
        for (printed, version) in [
            ("v18.20.4\n", Some(18)),
            ("v8.0.0", Some(8)),
            ("18.20.4", None),
            ("", None),
        ] {
            assert_eq!(major(printed), version, "{printed}");
        }
    }
}
