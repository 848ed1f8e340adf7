//! A PostgreSQL of a test's own, with the script in it.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::User;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::{Options, schema};

/// Options for a script; nothing of them is used on disk.
pub(crate) fn options() -> Options {
    Options {
        directory: PathBuf::new(),
        binaries: None,
        managed: PathBuf::new(),
        user: None,
        max_sessions: 10,
        idle_stop: Duration::from_secs(1),
        job_delay: Duration::ZERO,
        lock_wait: Duration::from_millis(50),
        server_version: "16.15".into(),
        server_version_num: "160015".into(),
        external: None,
    }
}

/// `bin` directories to try, best first.
fn binaries() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "which PostgreSQL to test with")]
    let told = std::env::var_os("TREELINE_TEST_POSTGRES").map(PathBuf::from);
    let usual =
        [16, 17, 18, 15].map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")));
    told.into_iter()
        .chain(usual)
        .find(|bin| bin.join("initdb").is_file())
}

/// A running instance; stopped and removed when dropped.
pub(crate) struct TestDb {
    directory: tempfile::TempDir,
    server: std::process::Child,
}

impl TestDb {
    /// With the script run twice: a new instance, and one that has it already. `None` when there is
    /// no PostgreSQL.
    pub(crate) async fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            eprintln!("no PostgreSQL: skipped");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let owner = nix::unistd::geteuid().is_root().then(|| {
            let named = |name| User::from_name(name).unwrap();
            named("postgres").or_else(|| named("nobody")).unwrap()
        });
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        if let Some(user) = &owner {
            chown(
                directory.path(),
                Some(user.uid.as_raw()),
                Some(user.gid.as_raw()),
            )
            .unwrap();
        }
        let data = directory.path().join("data");
        let run = |program: &str| {
            let mut command = Command::new(bin.join(program));
            command
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if let Some(user) = &owner {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command.arg("-D").arg(&data);
            command
        };
        let made = run("initdb")
            .args([
                "-U",
                "treeline",
                "-A",
                "trust",
                "--locale=C",
                "-E",
                "UTF8",
                "-N",
                "--wal-segsize=1",
            ])
            .status();
        assert!(made.unwrap().success());
        let socket = format!("unix_socket_directories={}", directory.path().display());
        let settings = [
            "listen_addresses=",
            &socket,
            "fsync=off",
            "timezone=UTC",
            "autovacuum=off",
            "jit=off",
        ];
        let isolation = "default_transaction_isolation=repeatable read";
        let mut command = run("postgres");
        for setting in settings.into_iter().chain([isolation]) {
            command.args(["-c", setting]);
        }
        let db = Self {
            server: command.spawn().unwrap(),
            directory,
        };
        let client = db.wait_until_up().await;
        for _ in 0..2 {
            client
                .batch_execute(&schema::script(&options(), schema::Site::Alone))
                .await
                .unwrap();
        }
        Some(db)
    }

    async fn wait_until_up(&self) -> Client {
        for _ in 0..200 {
            if let Ok(client) = self.try_connect("treeline").await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("PostgreSQL did not start");
    }

    async fn try_connect(&self, role: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config.host_path(self.path()).user(role).dbname("postgres");
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    pub(crate) async fn connect(&self, role: &str) -> Client {
        self.try_connect(role).await.unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let process = nix::unistd::Pid::from_raw(self.server.id().cast_signed());
        // SIGQUIT: at once, without a checkpoint.
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGQUIT);
        let _ = self.server.wait();
    }
}

/// What a simple query answers: rows as `a|b` joined by `;`, or `SQLSTATE message`.
pub(crate) async fn ask(client: &Client, sql: &str) -> String {
    let messages = match client.simple_query(sql).await {
        Ok(messages) => messages,
        Err(error) => {
            return match error.as_db_error() {
                Some(db) => format!("{} {}", db.code().code(), db.message()),
                None => format!("lost: {error}"),
            };
        }
    };
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let cells: Vec<&str> = (0..row.len())
                .map(|i| row.get(i).unwrap_or("NULL"))
                .collect();
            rows.push(cells.join("|"));
        }
    }
    rows.join(";")
}
