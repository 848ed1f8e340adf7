//! A running PostgreSQL: from its start to its end.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::Site;
use super::binaries::Binaries;
use super::places::Home;
use super::{files, orphans};
use crate::Error;

/// Recovery after a crash reads at most `max_wal_size`; the rest is a slow machine's.
const START: Duration = Duration::from_secs(120);
/// A log that grows beyond this while the instance runs begins again.
const LONGEST_LOG: u64 = 1024 * 1024;
/// How much of the log an error may tell.
const TAIL: usize = 1500;

/// An instance's leading process. Dropping it asks it to end, and does not wait.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: File,
}

/// When memory runs out, an instance shall end, and not the server of them all. Its processes
/// inherit this; where it cannot be said, it is not.
fn prefer_as_victim(process: Option<u32>) {
    if let Some(number) = process {
        let _cannot = fs::write(format!("/proc/{number}/oom_score_adj"), "500");
    }
}

impl Process {
    /// Starts the instance that lives in `home` and returns when it takes sessions. `more` are
    /// settings of this start.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Instance`] with the end of its log.
    pub(crate) async fn start(
        site: &Site,
        binaries: &Binaries,
        home: &Home,
        more: &[&str],
    ) -> Result<Self, Error> {
        let failed = Error::io(format!("start PostgreSQL for {}", home.name));
        let (data, lock) = (home.data(), home.data().join("postmaster.pid"));
        // Whatever wrote it did not end in order. Its number can be somebody else's by now, which
        // would keep PostgreSQL from starting for ever.
        if lock.exists() && orphans::end(&data, &site.run_as).await? {
            files::forget(&lock).map_err(&failed)?;
        }
        home.open_sockets(&site.run_as).map_err(&failed)?;
        let log = open_log(&home.log()).map_err(&failed)?;
        let mut command = site
            .run_as
            .command(&binaries.directory.join("postgres"), &data);
        command
            .arg("-D")
            .arg(&data)
            .arg(setting("config_file", &site.settings))
            .arg(setting("unix_socket_directories", &home.sockets))
            .arg(format!("--cluster_name={}", home.name))
            .args(more)
            .stdout(log.try_clone().map_err(&failed)?)
            .stderr(log.try_clone().map_err(&failed)?);
        let child = command.spawn().map_err(|cause| {
            let explained = site.run_as.explain(&data, &cause);
            failed(std::io::Error::new(cause.kind(), explained))
        })?;
        prefer_as_victim(child.id());
        let mut process = Self { child, log };
        process.until_ready(home, &lock).await?;
        Ok(process)
    }

    /// Its lock file says when it is ready, some time before a failed attempt to connect would
    /// be worth another one.
    async fn until_ready(&mut self, home: &Home, lock: &Path) -> Result<(), Error> {
        let reason = |text: String| Error::Instance {
            database: home.name.clone(),
            reason: text,
        };
        let deadline = Instant::now() + START;
        loop {
            let number = self.child.id().map(|number| number.to_string());
            let text = fs::read_to_string(lock).unwrap_or_default();
            if number.as_deref() == text.lines().next() && text.lines().nth(7).is_some_and(ready) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(reason(format!(
                    "it ended with {status}: {}",
                    tail(&home.log())
                )));
            }
            if Instant::now() > deadline {
                self.stop().await;
                return Err(reason(format!(
                    "it does not get ready: {}",
                    tail(&home.log())
                )));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Returns when it has ended, for whatever reason.
    pub(crate) async fn ended(&mut self) {
        // An error says that there is no such child: it has ended.
        let _status = self.child.wait().await;
    }

    /// Ends all sessions and the instance: by a fast shutdown, which leaves nothing to recover,
    /// unless that takes too long.
    pub(crate) async fn stop(&mut self) {
        let steps = [
            (Signal::SIGINT, 30),
            (Signal::SIGQUIT, 5),
            (Signal::SIGKILL, 5),
        ];
        for (signal, seconds) in steps {
            self.signal(signal);
            if timeout(Duration::from_secs(seconds), self.ended())
                .await
                .is_ok()
            {
                return;
            }
            tracing::warn!(%signal, "PostgreSQL does not end");
        }
    }

    /// A child that has not been waited for keeps its number.
    fn signal(&self, signal: Signal) {
        if let Some(number) = self
            .child
            .id()
            .and_then(|number| i32::try_from(number).ok())
        {
            let _gone = kill(Pid::from_raw(number), signal);
        }
    }

    /// Keeps the log of a long run from filling the disk.
    pub(crate) fn trim_log(&self) {
        if self
            .log
            .metadata()
            .is_ok_and(|known| known.len() > LONGEST_LOG)
        {
            // All who write append, so that they go on at the beginning.
            let _full = self.log.set_len(0);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGINT);
    }
}

/// `--name=value` on the command line of `postgres`.
fn setting(name: &str, path: &Path) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from(format!("--{name}="));
    text.push(path);
    text
}

fn ready(line: &str) -> bool {
    line.trim_end() == "ready"
}

/// The logs of this start and of the one before are kept.
fn open_log(path: &Path) -> std::io::Result<File> {
    if path.exists() {
        fs::rename(path, path.with_extension("1"))?;
    }
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let from = text.char_indices().rev().nth(TAIL).map_or(0, |(at, _)| at);
    let lines: Vec<&str> = text.get(from..).unwrap_or_default().lines().collect();
    lines.join("; ")
}
