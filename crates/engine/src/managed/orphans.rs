//! Ending what an earlier server has left running.
//!
//! A process is ours if it calls itself PostgreSQL and works in one of our directories: numbers in
//! files prove nothing, as numbers of processes are used again.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use tokio::time::{Instant, sleep};

use super::account::RunAs;
use crate::Error;

/// A process of PostgreSQL.
#[derive(Debug)]
struct Found {
    pid: Pid,
    /// Its parent process, as opposed to a backend.
    leads: bool,
}

/// From the gentle to the last resort: the signal, whether it goes to those alone that lead, and
/// how long it may take. Fast shutdown; immediate shutdown; death.
const STEPS: [(Signal, bool, Duration); 3] = [
    (Signal::SIGINT, true, Duration::from_secs(15)),
    (Signal::SIGQUIT, false, Duration::from_secs(5)),
    (Signal::SIGKILL, false, Duration::from_secs(5)),
];

/// Ends all processes of PostgreSQL that work in `directory` or below. Returns whether it is sure
/// that there are none, which it cannot be where there is no `/proc`.
///
/// # Errors
/// [`Error::Io`] if some do not end.
pub(crate) async fn end(directory: &Path, run_as: &RunAs) -> Result<bool, Error> {
    if !Path::new("/proc/self/cmdline").exists() {
        return Ok(false);
    }
    for (signal, leaders, patience) in STEPS {
        let deadline = Instant::now() + patience;
        let mut told = false;
        loop {
            let mut found = find(directory, run_as).await;
            if found.is_empty() {
                return Ok(true);
            }
            found.retain(|each| each.leads || !leaders);
            if found.is_empty() || Instant::now() > deadline {
                break;
            }
            if !told {
                told = true;
                let number = found.len();
                tracing::info!(number, %signal, "ends PostgreSQL of an earlier server");
                for each in found {
                    // It may have ended by itself.
                    let _gone = kill(each.pid, signal);
                }
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
    let what = format!("end PostgreSQL that runs in {}", directory.display());
    Err(Error::io(what)(ErrorKind::TimedOut.into()))
}

async fn find(directory: &Path, run_as: &RunAs) -> Vec<Found> {
    let mut all = Vec::new();
    let user = run_as.owner().map_or_else(Uid::effective, |(user, _)| user);
    let Ok(processes) = fs::read_dir("/proc") else {
        return all;
    };
    for process in processes.flatten() {
        let name = process.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // Somebody else's process may call itself what it likes, wherever it likes.
        if !process.metadata().is_ok_and(|it| it.uid() == user.as_raw()) {
            continue;
        }
        let Some(leads) = fs::read(process.path().join("cmdline"))
            .ok()
            .and_then(|it| kind(&it))
        else {
            continue;
        };
        let works_in = works_in(&process.path().join("cwd"), run_as).await;
        if works_in.is_some_and(|path| path.starts_with(directory)) {
            all.push(Found {
                pid: Pid::from_raw(number),
                leads,
            });
        }
    }
    all
}

/// Whether a command line is that of a leading process of PostgreSQL, or of one that it has
/// started (which calls itself `postgres: …`), or neither.
fn kind(command: &[u8]) -> Option<bool> {
    let first = command.split(|byte| *byte == 0).next()?;
    let first = std::str::from_utf8(first).ok()?;
    if first.starts_with("postgres:") {
        return Some(false);
    }
    let program = Path::new(first).file_name()?;
    (program == "postgres" || program == "initdb").then_some(true)
}

/// Root in a container may not look at other users' processes; their own user may.
async fn works_in(link: &Path, run_as: &RunAs) -> Option<PathBuf> {
    match fs::read_link(link) {
        Ok(path) => Some(path),
        Err(cause) if cause.kind() == ErrorKind::PermissionDenied && run_as.owner().is_some() => {
            let mut command = run_as.command(Path::new("readlink"), Path::new("/"));
            let output = command.arg(link).output().await.ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            let path = text.strip_suffix('\n').unwrap_or(&text);
            path.starts_with('/').then(|| PathBuf::from(path))
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn command_lines() {
        let cases: [(&[u8], Option<bool>); 8] = [
            (
                b"/usr/lib/postgresql/16/bin/postgres\0-D\0/x/data\0",
                Some(true),
            ),
            (b"postgres\0", Some(true)),
            (b"/opt/bin/initdb\0-D\0/x\0", Some(true)),
            (b"postgres: abc: checkpointer \0\0", Some(false)),
            (b"postgres: abc: admin postgres [local] idle\0", Some(false)),
            (b"/usr/bin/less\0postgres\0", None),
            (b"-bash\0", None),
            (b"", None),
        ];
        for (command, expected) in cases {
            assert_eq!(
                kind(command),
                expected,
                "{:?}",
                String::from_utf8_lossy(command)
            );
        }
    }
}
