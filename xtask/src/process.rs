//! Running other programs.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `program` in `folder` with this process's output and no input.
pub(crate) fn run(folder: &Path, program: &str, args: &[&str]) -> Result<(), String> {
    check(Command::new(program).args(args).current_dir(folder))
}

/// Runs `command` without input; an error names it and says how it ended.
pub(crate) fn check(command: &mut Command) -> Result<(), String> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|e| format!("{}: {e}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{}: {status}", shown(command)))
    }
}

/// What `program` prints, run in `folder`; its errors go to ours.
pub(crate) fn output(folder: &Path, program: &str, args: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(folder)
        .stderr(Stdio::inherit());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{}: {e}", shown(&command)))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{}: {}", shown(&command), output.status))
    }
}

/// Whether the program can be started and ends well; what it prints is dropped.
pub(crate) fn works(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
