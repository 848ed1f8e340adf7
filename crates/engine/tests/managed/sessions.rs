//! What clients get: databases that are there when one connects.

use std::time::Duration;

use crate::common::{
    connect, directory, eventually, is_alive, kill, leader, login, name, one, options, query,
    sqlstate, start,
};
use engine::Login;

#[tokio::test]
async fn a_database_is_made_by_the_first_connection() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    assert!(engine.databases().await.unwrap().is_empty());
    let parameters = vec![("application_name".to_owned(), "a test".to_owned())];
    let mut session = engine
        .connect(
            &name(1),
            &Login {
                role: "admin".into(),
                parameters,
            },
        )
        .await
        .unwrap();
    assert_eq!(engine.databases().await.unwrap(), [name(1)]);
    assert_eq!(engine.in_use(), [name(1)]);
    let reported = |name: &str| {
        let found = session.parameters.iter().find(|(each, _)| each == name);
        found.map_or("", |(_, value)| value).to_owned()
    };
    let expected = [
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, MDY"),
        ("IntervalStyle", "postgres"),
        ("is_superuser", "off"),
        ("session_authorization", "admin"),
        ("application_name", "a test"),
    ];
    for (name, value) in expected {
        assert_eq!(reported(name), value, "{name}");
    }
    let settings = [
        ("transaction_isolation", "repeatable read"),
        ("lock_timeout", "500ms"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("search_path", "\"$user\", public"),
        ("max_prepared_transactions", "0"),
        ("jit", "off"),
        ("temp_file_limit", "128MB"),
        ("autovacuum", "on"),
    ];
    for (name, value) in settings {
        assert_eq!(
            one(&mut session, &format!("SHOW {name}")).await,
            value,
            "{name}"
        );
    }
    assert_eq!(
        one(&mut session, "SELECT current_database()").await,
        "postgres"
    );
    let others = "SELECT datname, datcollate FROM pg_database";
    assert_eq!(query(&mut session, others).await.unwrap(), ["postgres"]);
    query(&mut session, "CREATE TABLE t (a int)").await.unwrap();
    drop(session);
    assert!(engine.in_use().is_empty());
    let mut other = connect(&engine, &name(2)).await;
    assert_eq!(
        query(&mut other, "SELECT * FROM t").await.unwrap_err(),
        "42P01"
    );
    engine.stop().await;
    assert!(engine.connect(&name(1), &login("admin")).await.is_err());
}

#[tokio::test]
async fn many_first_connections_make_one_database() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let (left, right) = (name(1), name(2));
    let first = async |database: &str| {
        let mut session = connect(&engine, database).await;
        (
            one(&mut session, "SELECT pg_postmaster_start_time()").await,
            session,
        )
    };
    let results = tokio::join!(
        first(&left),
        first(&right),
        first(&left),
        first(&right),
        first(&left),
        first(&right),
        first(&left),
        first(&right),
        first(&left),
        first(&right),
    );
    let lefts = [&results.0, &results.2, &results.4, &results.6, &results.8].map(|it| &it.0);
    let rights = [&results.1, &results.3, &results.5, &results.7, &results.9].map(|it| &it.0);
    assert!(lefts.iter().all(|each| *each == lefts[0]), "{lefts:?}");
    assert!(rights.iter().all(|each| *each == rights[0]), "{rights:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_client_is_refused() {
    let directory = directory();
    let mut limited = options(directory.path());
    limited.max_sessions = 2;
    let engine = start(limited).await;
    let database = name(1);
    let refused = async |role: &str, parameter: &str| {
        let parameters = match parameter {
            "" => Vec::new(),
            name => vec![(name.to_owned(), "treeline".to_owned())],
        };
        let login = Login {
            role: role.to_owned(),
            parameters,
        };
        sqlstate(engine.connect(&database, &login).await)
    };
    let cases = [
        ("treeline", "", "28000"),
        ("", "", "28000"),
        ("nobody", "", "28000"),
        ("pg_read_all_data", "", "28000"),
        ("admin", "user", "0A000"),
        ("admin", "database", "0A000"),
        ("admin", "replication", "0A000"),
        ("admin", "no_such_setting", "42704"),
        ("admin", "", "a session"),
    ];
    for (role, parameter, expected) in cases {
        assert_eq!(
            refused(role, parameter).await,
            expected,
            "{role} {parameter}"
        );
    }
    let _one = connect(&engine, &database).await;
    let two = connect(&engine, &database).await;
    assert_eq!(refused("admin", "").await, "53300");
    // The engine's own sessions have places of their own.
    assert!(engine.is_mapped(&database, "app", "arn:x").await.is_ok());
    drop(two);
    assert_eq!(refused("admin", "").await, "a session");
    for bad in [
        "..",
        "",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "../../../../../../../../etc/x",
    ] {
        assert!(engine.connect(bad, &login("admin")).await.is_err(), "{bad}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn mappings_of_databases() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    assert!(!engine.is_mapped(&name(1), "app", "arn:x").await.unwrap());
    assert!(
        engine.databases().await.unwrap().is_empty(),
        "a question makes no database"
    );
    drop(Box::new(connect(&engine, &name(1)).await));
    for _ in 0..2 {
        assert!(!engine.is_mapped(&name(1), "app", "arn:y").await.unwrap());
    }
    kill("-9", leader(directory.path(), &name(1)).unwrap());
    assert!(!engine.is_mapped(&name(1), "app", "arn:y").await.unwrap());
    engine.stop().await;
}

#[tokio::test]
async fn a_statement_is_cancelled() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let mut session = connect(&engine, &name(1)).await;
    let (process, secret) = (session.process, session.secret);
    let running = query(&mut session, "SELECT 'x' FROM pg_sleep(10)");
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine
            .cancel(&name(1), process, secret.wrapping_add(1))
            .await;
        engine.cancel(&name(2), process, secret).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        engine.cancel(&name(1), process, secret).await;
    };
    let (outcome, ()) = tokio::join!(running, cancel);
    assert_eq!(outcome.unwrap_err(), "57014");
    assert_eq!(one(&mut session, "SELECT 1").await, "1");
    engine.stop().await;
}

#[tokio::test]
async fn jobs_keep_an_instance_running() {
    let directory = directory();
    let mut slow = options(directory.path());
    slow.job_delay = Duration::from_secs(1);
    slow.idle_stop = Duration::from_millis(50);
    let engine = start(slow).await;
    let database = name(1);
    let mut session = connect(&engine, &database).await;
    query(&mut session, "CREATE TABLE t (a int)").await.unwrap();
    let submit =
        "SELECT pg_treeline.create_index('t', 'CREATE INDEX i ON t (a) WHERE false', NULL)";
    let status = "SELECT status FROM sys.jobs WHERE job_id = ";
    let first = one(&mut session, submit).await;
    engine.jobs_submitted(&database);
    let process = leader(directory.path(), &database).unwrap();
    drop(session);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(is_alive(process), "there is work");
    eventually("it stops", || !is_alive(process)).await;
    let mut session = connect(&engine, &database).await;
    assert_eq!(
        one(&mut session, &format!("{status}'{first}'")).await,
        "completed"
    );

    // What is not finished when an instance dies is found by its next start.
    let second = one(&mut session, &submit.replace("INDEX i", "INDEX j")).await;
    kill("-9", leader(directory.path(), &database).unwrap());
    let mut session = connect(&engine, &database).await;
    let mut reached = String::new();
    for _ in 0..500 {
        reached = one(&mut session, &format!("{status}'{second}'")).await;
        if reached == "completed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(reached, "completed");
    engine.stop().await;
}
