//! Starting the program, talking to it, ending it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program with `args`, in an environment that holds nothing but a home.
pub(crate) fn treeline(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_treeline"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        // As if nobody were root: root's data is in a place of the machine.
        .env("XDG_DATA_HOME", home.join(".local/share"))
        .env("TREELINE_POSTGRES", "off")
        .stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(home: &Path, args: &[&str]) -> Output {
    treeline(home, args).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A running server; it is killed when it is dropped.
pub(crate) struct Server {
    pub(crate) ready: String,
    pub(crate) http: SocketAddr,
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: PathBuf,
}

impl Server {
    /// Starts `treeline serve` on a free port with the data directory `dir`, and waits until it is
    /// ready.
    pub(crate) fn start(dir: &Path) -> Self {
        let args = [
            "serve",
            "--http",
            "127.0.0.1:0",
            "--data-dir",
            dir.to_str().unwrap(),
        ];
        Self::start_with(&mut treeline(Path::new("/nowhere"), &args), dir)
    }

    /// Starts a `treeline serve`; its standard error goes to a file beside `dir`.
    pub(crate) fn start_with(command: &mut Command, dir: &Path) -> Self {
        let stderr = dir.with_extension("stderr");
        command
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr).unwrap());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let http = ready.split(' ').find_map(|word| word.strip_prefix("http="));
        let Some(http) = http else {
            panic!(
                "not ready: {ready:?}, {}",
                fs::read_to_string(&stderr).unwrap()
            );
        };
        Self {
            http: http.parse().unwrap(),
            ready,
            child,
            stdout,
            stderr,
        }
    }

    /// The answer to `GET /health`.
    pub(crate) fn health(&self) -> String {
        let mut stream = self.connect();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Whether the server no longer takes connections.
    pub(crate) fn refuses_connections(&self) -> bool {
        TcpStream::connect(self.http).is_err()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &id])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end: how it ended, and what it wrote to standard output after the ready line.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let step = Duration::from_millis(20);
    let mut left = PATIENCE;
    while !condition() {
        assert!(!left.is_zero(), "{what} did not happen");
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
}

/// The first access key of a data directory's account file: its id and its secret.
pub(crate) fn key(dir: &Path) -> (String, String) {
    let file = fs::read_to_string(dir.join("iam.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let key = &file["AccessKeys"][0];
    let member = |name: &str| key[name].as_str().unwrap().to_owned();
    (member("AccessKeyId"), member("SecretAccessKey"))
}
