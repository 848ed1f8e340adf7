//! What the machine has, and Debian's packages for what it lacks.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process;

/// Installs Debian's `packages`, as root or with sudo, and says why.
pub(crate) fn install(why: &str, packages: &str) -> Result<(), String> {
    println!("{why}: installing {packages} with apt-get");
    if !process::works("apt-get", &["--version"]) {
        return Err(format!(
            "there is no apt-get: install what Debian calls {packages}"
        ));
    }
    let sudo = !is_root()?;
    if sudo && !process::works("sudo", &["-n", "true"]) {
        return Err(format!(
            "this needs root: `sudo apt-get install {packages}`"
        ));
    }
    apt(sudo, "update -qq")?;
    apt(
        sudo,
        &format!("install -qq -y --no-install-recommends {packages}"),
    )
}

/// Whether this runs as root.
pub(crate) fn is_root() -> Result<bool, String> {
    let user = process::output(Path::new("/"), "id", &["-u"])?;
    Ok(user.trim_ascii() == b"0")
}

/// The value of an environment variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "`serve` must find the data directory that the server will find"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn apt(sudo: bool, args: &str) -> Result<(), String> {
    let program = if sudo { "sudo" } else { "apt-get" };
    let mut command = Command::new(program);
    if sudo {
        // sudo drops the environment.
        command.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    }
    command.args(args.split(' '));
    // It lists each package several times; what fails is on the other stream.
    command.stdout(Stdio::null());
    process::check(command.env("DEBIAN_FRONTEND", "noninteractive"))
}
