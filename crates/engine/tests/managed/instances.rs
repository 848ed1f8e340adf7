//! The life of instances: they stop, die, are left behind, and come back.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{
    connect, directory, eventually, is_alive, kill, leader, login, mode, name, one, options, owner,
    query, start, start_bare, template_in,
};
use engine::Error;

#[tokio::test]
async fn an_instance_that_dies_is_started_again() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let mut session = connect(&engine, &name(1)).await;
    query(
        &mut session,
        "CREATE TABLE t (a int); INSERT INTO t VALUES (7)",
    )
    .await
    .unwrap();
    for signal in ["-9", "-QUIT"] {
        let before = leader(directory.path(), &name(1)).unwrap();
        kill(signal, before);
        let mut again = connect(&engine, &name(1)).await;
        assert_eq!(one(&mut again, "SELECT a FROM t").await, "7");
        assert_ne!(leader(directory.path(), &name(1)).unwrap(), before);
        assert!(query(&mut session, "SELECT 1").await.is_err());
        session = again;
    }
    engine.stop().await;
    assert!(query(&mut session, "SELECT 1").await.is_err());
}

#[tokio::test]
async fn a_backend_that_dies_ends_all_sessions() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let mut other = connect(&engine, &name(1)).await;
    let session = connect(&engine, &name(1)).await;
    kill("-9", session.process.cast_unsigned());
    // Whether the instance has noticed or not.
    let mut again = connect(&engine, &name(1)).await;
    let outcome = query(&mut again, "SELECT 1").await;
    assert!(query(&mut other, "SELECT 1").await.is_err() || outcome.is_ok());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut again = connect(&engine, &name(1)).await;
    assert_eq!(one(&mut again, "SELECT 1").await, "1");
    engine.stop().await;
}

#[tokio::test]
async fn an_idle_instance_stops_and_wakes_up() {
    let directory = directory();
    let mut short = options(directory.path());
    short.idle_stop = Duration::from_millis(300);
    let engine = start(short).await;
    let mut session = connect(&engine, &name(1)).await;
    query(&mut session, "CREATE TABLE t (a int)").await.unwrap();
    let process = leader(directory.path(), &name(1)).unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(is_alive(process), "a session keeps it running");
    drop(session);
    eventually("it stops", || !is_alive(process)).await;
    assert!(
        leader(directory.path(), &name(1)).is_none(),
        "in good order"
    );
    for round in 0..8_u64 {
        // Connections meet the instance running, stopping and stopped.
        tokio::time::sleep(Duration::from_millis(290 + round)).await;
        let mut session = connect(&engine, &name(1)).await;
        assert_eq!(one(&mut session, "SELECT count(*) FROM t").await, "0");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_database_is_removed() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let mut session = connect(&engine, &name(1)).await;
    query(&mut session, "CREATE TABLE t (a int)").await.unwrap();
    let process = leader(directory.path(), &name(1)).unwrap();
    engine.remove(&name(1)).await.unwrap();
    assert!(query(&mut session, "SELECT 1").await.is_err());
    assert!(!is_alive(process));
    assert!(engine.databases().await.unwrap().is_empty());
    assert!(!directory.path().join("sockets").join(name(1)).exists());
    engine.remove(&name(1)).await.unwrap();
    engine.remove(&name(2)).await.unwrap();
    engine.remove("../..").await.unwrap();
    let mut session = connect(&engine, &name(1)).await;
    assert_eq!(
        query(&mut session, "SELECT * FROM t").await.unwrap_err(),
        "42P01"
    );
    engine.stop().await;

    let left = directory.path().join("removing-x");
    std::fs::rename(directory.path().join(name(1)), &left).unwrap();
    std::fs::create_dir(directory.path().join("making-x")).unwrap();
    drop(engine);
    let engine = start(options(directory.path())).await;
    assert!(!left.exists() && !directory.path().join("making-x").exists());
    assert!(engine.databases().await.unwrap().is_empty());
}

/// The other half of the next test: a server that is killed.
#[tokio::test]
#[ignore = "a process that another test starts"]
#[expect(clippy::disallowed_methods, reason = "the other test says where")]
async fn a_server_to_be_killed() {
    let Some(directory) = std::env::var_os("ENGINE_TEST_DIRECTORY") else {
        return;
    };
    let engine = start_bare(options(Path::new(&directory))).await;
    let mut session = connect(&engine, &name(1)).await;
    query(
        &mut session,
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
    )
    .await
    .unwrap();
    std::fs::write(PathBuf::from(directory).join("is-up"), "").unwrap();
    let _never = query(&mut session, "SELECT pg_sleep(100)").await;
}

#[tokio::test]
async fn what_a_killed_server_left_is_ended() {
    let directory = directory();
    let bystander = directory.path().join("making-me");
    std::fs::create_dir(&bystander).unwrap();
    // It works in our directory, but is no PostgreSQL.
    let mut sleeper = Command::new("sleep")
        .arg("60")
        .current_dir(&bystander)
        .spawn()
        .unwrap();
    drop(start(options(directory.path())).await);
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "instances::a_server_to_be_killed"])
        .env("ENGINE_TEST_DIRECTORY", directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the server is up", || {
        directory.path().join("is-up").exists()
    })
    .await;
    let orphan = leader(directory.path(), &name(1)).unwrap();
    // While it is alive, nobody else may use the directory.
    assert!(
        engine::Engine::start(options(directory.path()))
            .await
            .is_err()
    );
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(is_alive(orphan));
    let engine = start(options(directory.path())).await;
    assert!(!is_alive(orphan));
    let mut session = connect(&engine, &name(1)).await;
    assert_eq!(one(&mut session, "SELECT a FROM t").await, "1");
    engine.stop().await;
    assert!(
        sleeper.try_wait().unwrap().is_none(),
        "a stranger is left alone"
    );
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

#[tokio::test]
async fn a_number_that_is_used_again_is_nobodys() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    drop(Box::new(connect(&engine, &name(1)).await));
    engine.stop().await;
    drop(engine);
    let lock = directory.path().join(name(1)).join("data/postmaster.pid");
    // A stranger with the number of the old instance, and with the user of the children.
    let mut stranger = Command::new("sleep");
    let mut stranger = stranger.arg("60").spawn().unwrap();
    std::fs::write(
        &lock,
        format!("{}\n/x\n1\n5432\n/x\n\n 1 1\nready   \n", stranger.id()),
    )
    .unwrap();
    let engine = start(options(directory.path())).await;
    let mut session = connect(&engine, &name(1)).await;
    assert_eq!(one(&mut session, "SELECT 1").await, "1");
    assert!(stranger.try_wait().unwrap().is_none());
    engine.stop().await;
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn files_belong_to_the_unprivileged() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let mut session = connect(&engine, &name(1)).await;
    let root = directory.path().join(name(1));
    let process = PathBuf::from(format!(
        "/proc/{}",
        leader(directory.path(), &name(1)).unwrap()
    ));
    let me = nix::unistd::geteuid().as_raw();
    assert_ne!(owner(&process), 0, "PostgreSQL never runs as root");
    assert_eq!(owner(&root), me);
    assert_eq!(owner(&root.join("data")), owner(&process));
    assert_eq!(owner(&root.join("data/base")), owner(&process));
    let sockets = directory.path().join("sockets").join(name(1));
    assert_eq!(owner(&sockets), owner(&process));
    for closed in [root.join("data"), sockets] {
        assert_eq!(mode(&closed), 0o700, "{}", closed.display());
    }
    assert_eq!(mode(&root.join("log")), 0o600);
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    if me == 0 {
        let groups = status
            .lines()
            .find(|line| line.starts_with("Groups:"))
            .unwrap();
        assert_eq!(groups.trim_end(), "Groups:");
    }
    let environment = std::fs::read(process.join("environ")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&environment).contains("CARGO"));
    // Statements and values stay out of the log.
    query(&mut session, "SELECT 'a-secret'::int")
        .await
        .unwrap_err();
    let log = std::fs::read_to_string(root.join("log")).unwrap();
    assert!(
        log.contains("ready to accept connections") && !log.contains("a-secret"),
        "{log}"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_closed_directory_is_named() {
    let directory = directory();
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let error = engine::Engine::start(options(&closed.join("here")))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("cannot pass through {}", closed.display())),
        "{error}"
    );
    let mut root = options(directory.path());
    root.user = Some("root".to_owned());
    assert!(
        engine::Engine::start(root)
            .await
            .unwrap_err()
            .to_string()
            .contains("refuses")
    );
}

#[tokio::test]
async fn a_long_path_has_its_sockets_elsewhere() {
    let directory = directory();
    let deep = directory
        .path()
        .join("a-directory-with-a-name-that-is-long-enough-for-anybody");
    let engine = start(options(&deep)).await;
    let mut session = connect(&engine, &name(1)).await;
    assert_eq!(one(&mut session, "SELECT 1").await, "1");
    engine.stop().await;
    drop(engine);
    let remembered = std::fs::read_to_string(deep.join("socket-directory")).unwrap();
    let engine = start(options(&deep)).await;
    assert_eq!(
        std::fs::read_to_string(deep.join("socket-directory")).unwrap(),
        remembered
    );
    drop(Box::new(connect(&engine, &name(1)).await));
    engine.remove(&name(1)).await.unwrap();
    let elsewhere = Path::new(remembered.trim_end());
    assert_eq!(elsewhere.read_dir().unwrap().count(), 0);
    assert_eq!(mode(elsewhere), 0o711);
    std::fs::remove_dir(elsewhere).unwrap();
}

#[tokio::test]
async fn a_broken_template_is_made_anew() {
    let directory = directory();
    drop(start(options(directory.path())).await);
    let template = template_in(directory.path()).unwrap();
    std::fs::create_dir(directory.path().join("template-1.0-old")).unwrap();
    // A file that is missing is noticed before the template is used …
    std::fs::remove_file(template.join("data/global/pg_control")).unwrap();
    let engine = start(options(directory.path())).await;
    drop(Box::new(connect(&engine, &name(1)).await));
    assert!(template.join("data/global/pg_control").exists());
    assert!(!directory.path().join("template-1.0-old").exists());
    // … and one that is wrong when a copy does not start.
    std::fs::write(template.join("data/global/pg_control"), [0; 8192]).unwrap();
    let mut session = connect(&engine, &name(2)).await;
    assert_eq!(one(&mut session, "SELECT 1").await, "1");
    engine.stop().await;
}

#[tokio::test]
async fn a_schema_is_brought_up_to_date() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    drop(Box::new(connect(&engine, &name(1)).await));
    engine.stop().await;
    drop(engine);
    let marker = directory.path().join(name(1)).join("schema");
    let present = std::fs::read_to_string(&marker).unwrap();
    std::fs::write(&marker, "0").unwrap();
    let engine = start(options(directory.path())).await;
    drop(Box::new(connect(&engine, &name(1)).await));
    assert_eq!(std::fs::read_to_string(&marker).unwrap(), present);
    engine.stop().await;
}

#[tokio::test]
async fn errors_say_what_is_missing() {
    let directory = directory();
    let mut none = options(directory.path());
    none.binaries = Some(directory.path().join("bin"));
    let error = engine::Engine::start(none).await.unwrap_err();
    assert!(matches!(error, Error::NoBinaries(_)));
    let text = error.to_string();
    assert!(
        text.contains("bin") && text.contains("--postgres-binaries"),
        "{text}"
    );

    let engine = start(options(directory.path())).await;
    drop(Box::new(connect(&engine, &name(1)).await));
    engine.stop().await;
    drop(engine);
    let engine = start(options(directory.path())).await;
    let fails = async || {
        let result = engine.connect(&name(1), &login("admin")).await;
        result.err().unwrap().to_string()
    };
    let data = directory.path().join(name(1)).join("data");
    let version = std::fs::read(data.join("PG_VERSION")).unwrap();
    std::fs::write(data.join("PG_VERSION"), "9\n").unwrap();
    let error = fails().await;
    assert!(error.contains("PostgreSQL 9 has made its files"), "{error}");
    std::fs::write(data.join("PG_VERSION"), version).unwrap();
    std::fs::remove_file(data.join("global/pg_control")).unwrap();
    let error = fails().await;
    assert!(error.contains("pg_control"), "{error}");
    engine.stop().await;
}
