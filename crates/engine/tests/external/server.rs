//! A PostgreSQL with passwords, on TCP.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base::{Entropy, Secret};
use engine::{Engine, Error, External, Options};
use nix::unistd::User;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::common;

const PASSWORD: &str = "a password";

/// Stopped and removed when dropped.
pub(crate) struct Server {
    directory: TempDir,
    bin: PathBuf,
    pub(crate) port: u16,
    process: Option<Child>,
}

struct Ones;

impl Entropy for Ones {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(1);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line of their own"
)]
fn binaries() -> Option<PathBuf> {
    let told = std::env::var_os("TREELINE_TEST_POSTGRES").map(PathBuf::from);
    let usual = [16, 17, 18].map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")));
    told.into_iter()
        .chain(usual)
        .find(|bin| bin.join("initdb").is_file())
}

impl Server {
    /// `None` when there is no PostgreSQL of a version that can be external.
    pub(crate) async fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            eprintln!("no PostgreSQL: skipped");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let password = directory.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        std::fs::set_permissions(&password, PermissionsExt::from_mode(0o644)).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut server = Self {
            port: listener.local_addr().unwrap().port(),
            directory,
            bin,
            process: None,
        };
        if let Some(user) = server.owner() {
            let (user, group) = (user.uid.as_raw(), user.gid.as_raw());
            chown(server.directory.path(), Some(user), Some(group)).unwrap();
        }
        let mut initdb = server.command("initdb");
        initdb.args(["-U", "boss", "-A", "scram-sha-256", "-E", "UTF8", "-N"]);
        initdb.args(["--locale=C.UTF-8", "--wal-segsize=1", "--pwfile"]);
        assert!(initdb.arg(&password).status().unwrap().success());
        drop(listener);
        server.run().await;
        Some(server)
    }

    fn owner(&self) -> Option<User> {
        let named = |name| User::from_name(name).unwrap();
        let is_root = nix::unistd::geteuid().is_root();
        is_root.then(|| named("postgres").or_else(|| named("nobody")).unwrap())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .arg("-D")
            .arg(self.directory.path().join("data"));
        if let Some(user) = self.owner() {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    pub(crate) async fn run(&mut self) {
        let mut command = self.command("postgres");
        let sockets = self.directory.path().display();
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={sockets}"),
            "fsync=off".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        self.process = Some(command.spawn().unwrap());
        for _ in 0..400 {
            if self.try_boss("postgres").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("PostgreSQL did not start");
    }

    /// Ends it at once.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let leader = nix::unistd::Pid::from_raw(process.id().cast_signed());
            let _gone = nix::sys::signal::kill(leader, nix::sys::signal::Signal::SIGQUIT);
            process.wait().unwrap();
        }
    }

    pub(crate) fn url(&self, password: &str) -> String {
        let password = password.replace(' ', "%20");
        format!("postgres://boss:{password}@127.0.0.1:{}", self.port)
    }

    async fn try_boss(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let url = format!("{}/{database}", self.url(PASSWORD));
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// A session of the superuser.
    pub(crate) async fn boss(&self, database: &str) -> Client {
        self.try_boss(database).await.unwrap()
    }

    /// The first column of a query as text, of all rows.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let rows = self.boss("postgres").await.query(sql, &[]).await.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        rows.join(" ")
    }

    pub(crate) fn options(&self, directory: &TempDir, url: String) -> Options {
        Options {
            external: Some(External {
                connection: Secret::new(url),
                entropy: Arc::new(Ones),
            }),
            ..common::options(directory.path())
        }
    }

    /// An engine with its directory in `directory`.
    pub(crate) async fn engine(&self, directory: &TempDir) -> Arc<Engine> {
        self.try_engine(directory, self.url(PASSWORD))
            .await
            .unwrap()
    }

    pub(crate) async fn try_engine(
        &self,
        directory: &TempDir,
        url: String,
    ) -> Result<Arc<Engine>, Error> {
        Engine::start(self.options(directory, url)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
