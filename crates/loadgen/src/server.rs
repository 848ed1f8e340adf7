//! The servers, as child processes that end with this one.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use testkit::ADMIN;

use crate::Fault;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    _data_dir: TempDir,
}

impl Server {
    /// A treeline server with its default configuration, a new data directory and a log file in it.
    pub(crate) fn treeline(program: &Path, cores: Option<&str>) -> Result<Self, Fault> {
        let data_dir = TempDir::new()?;
        std::fs::write(
            data_dir.path().join("iam.json"),
            testkit::account_file(&[ADMIN]),
        )?;
        let path = data_dir.path().as_os_str().to_owned();
        // Quotas would end the CreatePolicy phase.
        let arguments = [
            "serve",
            "--http",
            "127.0.0.1:0",
            "--postgres",
            "off",
            "--quota-policy-bytes-per-resource",
            "1000000000",
            "--identity-provider-networks",
            "127.0.0.0/8",
            "--data-dir",
        ];
        let arguments = arguments.map(OsString::from).into_iter().chain([path]);
        Self::start(program, arguments, cores, data_dir)
    }

    /// The echo.
    pub(crate) fn echo(cores: Option<&str>) -> Result<Self, Fault> {
        let program = std::env::current_exe()?;
        Self::start(&program, [OsString::from("--echo")], cores, TempDir::new()?)
    }

    /// The processor time that the server has taken so far; `None` where the system does not say as
    /// Linux does.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The second field is a name in brackets, which may have spaces; user and system time are the
        // 14th and 15th, in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
    }

    fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = OsString>,
        cores: Option<&str>,
        data_dir: TempDir,
    ) -> Result<Self, Fault> {
        let mut command = match cores {
            None => Command::new(program),
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores]).arg(program);
                command
            }
        };
        let log = std::fs::File::create(data_dir.path().join("log"))?;
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut process = command
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let word = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("http="));
        match word.and_then(|address| address.parse().ok()) {
            Some(address) => Ok(Self {
                address,
                process,
                _data_dir: data_dir,
            }),
            None => {
                process.kill()?;
                let log = std::fs::read_to_string(data_dir.path().join("log"))?;
                Err(format!("{} did not become ready: {log}", program.display()).into())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about it here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
