//! Engines in directories that go away, and a client that speaks as little as tests need.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use engine::{Engine, Error, Login, Options, Session};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::OnceCell;
use tokio_postgres::fallible_iterator::FallibleIterator;

/// The `bin` directory of the PostgreSQL that tests use; without it, whichever is found.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line of their own"
)]
fn binaries() -> Option<PathBuf> {
    std::env::var_os("TREELINE_TEST_POSTGRES").map(PathBuf::from)
}

/// A name of a database.
pub(crate) fn name(number: u8) -> String {
    format!("{number:026}")
}

/// A directory that other users can pass through.
pub(crate) fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        directory: directory.to_owned(),
        binaries: binaries(),
        managed: directory.join("none"),
        user: None,
        max_sessions: 20,
        idle_stop: Duration::from_secs(60),
        job_delay: Duration::ZERO,
        lock_wait: Duration::from_millis(500),
        server_version: "16.15".to_owned(),
        server_version_num: "160015".to_owned(),
        external: None,
    }
}

/// Starts an engine in `directory`, which gets a copy of a template that all tests share.
pub(crate) async fn start(options: Options) -> Arc<Engine> {
    static TEMPLATE: OnceCell<PathBuf> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(make_template).await;
    let known = options
        .directory
        .read_dir()
        .is_ok_and(|mut entries| entries.any(|entry| is_template(&entry.unwrap().path())));
    if !known {
        std::fs::create_dir_all(&options.directory).unwrap();
        let copied = Command::new("cp")
            .arg("-a")
            .args([template, &options.directory])
            .status()
            .unwrap();
        assert!(copied.success());
    }
    start_bare(options).await
}

/// Starts an engine that has to make the template.
pub(crate) async fn start_bare(options: Options) -> Arc<Engine> {
    Engine::start(options)
        .await
        .expect("tests need a PostgreSQL: see TREELINE_TEST_POSTGRES")
}

pub(crate) fn is_template(path: &Path) -> bool {
    path.file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .starts_with("template-")
}

pub(crate) fn template_in(directory: &Path) -> Option<PathBuf> {
    let mut entries = directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.find(|path| is_template(path))
}

/// Made by the first test of a run; the same directory serves the next run.
async fn make_template() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = directory();
    let engine = start_bare(options(directory.path())).await;
    drop(Box::new(connect(&engine, &name(0)).await));
    engine.stop().await;
    let template = template_in(directory.path()).unwrap();
    let target = kept.join(template.file_name().unwrap());
    let _none = std::fs::remove_dir_all(&target);
    assert!(
        Command::new("cp")
            .arg("-a")
            .args([&template, &target])
            .status()
            .unwrap()
            .success()
    );
    target
}

pub(crate) fn login(role: &str) -> Login {
    Login {
        role: role.to_owned(),
        parameters: Vec::new(),
    }
}

pub(crate) async fn connect(engine: &Arc<Engine>, database: &str) -> Session {
    engine.connect(database, &login("admin")).await.unwrap()
}

/// Runs a simple query: its first column as text, or the SQLSTATE of its error, or the end of the
/// connection.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look at three of many messages"
)]
pub(crate) async fn query(session: &mut Session, sql: &str) -> Result<Vec<String>, String> {
    let mut buffer = BytesMut::new();
    frontend::query(sql, &mut buffer).unwrap();
    session
        .stream
        .write_all(&buffer)
        .await
        .map_err(|cause| cause.to_string())?;
    buffer.clear();
    let mut result = Ok(Vec::new());
    loop {
        while let Some(message) = Message::parse(&mut buffer).unwrap() {
            match message {
                Message::DataRow(row) => {
                    let range = row.ranges().next().unwrap().unwrap().unwrap();
                    let text = std::str::from_utf8(&row.buffer()[range])
                        .unwrap()
                        .to_owned();
                    if let Ok(rows) = &mut result {
                        rows.push(text);
                    }
                }
                Message::ErrorResponse(body) => {
                    let mut fields = body.fields();
                    while let Some(field) = fields.next().unwrap() {
                        if field.type_() == b'C' {
                            result = Err(String::from_utf8_lossy(field.value_bytes()).into());
                        }
                    }
                }
                Message::ReadyForQuery(_) => return result,
                _ => {}
            }
        }
        if session.stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return result.and(Err("the connection ended".to_owned()));
        }
    }
}

pub(crate) async fn one(session: &mut Session, sql: &str) -> String {
    query(session, sql).await.unwrap().remove(0)
}

pub(crate) fn sqlstate(result: Result<Session, Error>) -> String {
    match result {
        Ok(_) => "a session".to_owned(),
        Err(Error::Refused { sqlstate, .. }) => sqlstate,
        Err(other) => other.to_string(),
    }
}

/// The leading process of an instance, by its lock file.
pub(crate) fn leader(directory: &Path, database: &str) -> Option<u32> {
    let lock = directory.join(database).join("data/postmaster.pid");
    std::fs::read_to_string(lock)
        .ok()?
        .lines()
        .next()?
        .parse()
        .ok()
}

pub(crate) fn is_alive(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

pub(crate) fn kill(signal: &str, process: u32) {
    let status = Command::new("kill")
        .args([signal, &process.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

pub(crate) async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not in ten seconds: {what}");
}

pub(crate) fn owner(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().uid()
}

pub(crate) fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}
