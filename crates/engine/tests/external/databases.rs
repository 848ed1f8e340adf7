//! What clusters have of the server, and what not.

use dialect::{Dialect, Options as Rules};
use engine::{Engine, Error, Login, Session};
use std::sync::Arc;
use tokio::task::JoinSet;

use crate::common::{connect, directory, eventually, login, mode, name, one, query, sqlstate};
use crate::server::Server;

const ARN: &str = "arn:aws:iam::111122223333:user/app";

/// A cluster's session, with the dialect in front.
struct Client {
    dialect: Dialect,
    session: Session,
}

impl Client {
    async fn new(engine: &Arc<Engine>, database: &str, role: &str) -> Self {
        Self {
            dialect: Dialect::new(Rules {
                role_suffix: Some(engine::role_suffix(database)),
                ..Rules::default()
            }),
            session: engine.connect(database, &login(role)).await.unwrap(),
        }
    }

    /// The first column, or the SQLSTATE.
    async fn run(&mut self, text: &str) -> String {
        let script = self.dialect.read(text);
        let [statement] = script.statements.as_slice() else {
            panic!("{text}");
        };
        if let Some(refusal) = &statement.refusal {
            return refusal.sqlstate.to_owned();
        }
        match query(&mut self.session, &statement.sql).await {
            Ok(rows) => rows.join(","),
            Err(sqlstate) => sqlstate,
        }
    }

    async fn table(&mut self, rows: &[(&str, &str)]) {
        for (text, expected) in rows {
            assert_eq!(self.run(text).await, *expected, "{text}");
        }
    }
}

#[tokio::test]
async fn two_clusters_have_nothing_of_each_other() {
    let Some(server) = Server::start().await else {
        return;
    };
    let directory = directory();
    let engine = server.engine(&directory).await;
    assert!(engine.describe().contains("127.0.0.1"));
    assert_eq!(mode(&directory.path().join("external.key")), 0o600);
    let (a, b) = (name(1), name(2));
    let (mut first, mut second) = tokio::join!(
        Client::new(&engine, &a, "admin"),
        Client::new(&engine, &b, "admin")
    );
    for client in [&mut first, &mut second] {
        client
            .table(&[
                ("SHOW default_transaction_isolation", "repeatable read"),
                ("SHOW timezone", "UTC"),
                ("SHOW lock_timeout", "500ms"),
                (
                    "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
                    "f",
                ),
                ("CREATE TABLE t (id int PRIMARY KEY)", ""),
                ("CREATE ROLE app LOGIN", ""),
                ("CREATE ROLE readers", ""),
                ("CREATE ROLE readers", "42710"),
                ("GRANT readers TO app", ""),
                ("GRANT SELECT ON t TO readers", ""),
                ("COMMENT ON ROLE readers IS 'x'", ""),
            ])
            .await;
    }
    let attacks = [
        (format!("GRANT \"readers@{b}\" TO admin"), "42704"),
        (format!("GRANT readers TO \"app@{b}\""), "42704"),
        (format!("GRANT SELECT ON t TO \"app@{b}\""), "42704"),
        (format!("ALTER ROLE \"app@{b}\" NOLOGIN"), "42704"),
        (format!("DROP ROLE \"app@{b}\""), "42704"),
        (format!("ALTER TABLE t OWNER TO \"admin@{b}\""), "42704"),
        (format!("AWS IAM GRANT \"app@{b}\" TO '{ARN}'"), "42704"),
        (format!("CREATE ROLE x IN ROLE \"@{b}\""), "42704"),
        ("GRANT boss TO admin".to_owned(), "42704"),
        ("CREATE EXTENSION dblink".to_owned(), "0A000"),
        (
            "CREATE ROLE aaaaaaaaaabbbbbbbbbbccccccccccddddddd".to_owned(),
            "42622",
        ),
        ("SELECT count(*) FROM pg_authid".to_owned(), "42501"),
    ];
    for (text, expected) in &attacks {
        assert_eq!(first.run(text).await, *expected, "{text}");
    }
    past_the_dialect(&server, &mut first, &a, &b).await;
    for (engine_login, expected) in [
        (login(&format!("app@{b}")), "28000"),
        (login("nobody"), "28000"),
        (login("boss"), "28000"),
        (login("readers"), "28000"),
        (login(""), "28000"),
    ] {
        let refused = engine.connect(&a, &engine_login).await;
        assert_eq!(sqlstate(refused), expected, "{}", engine_login.role);
    }
    engine.stop().await;
}

/// The server itself keeps them apart, whatever the dialect lets through.
async fn past_the_dialect(server: &Server, first: &mut Client, a: &str, b: &str) {
    for (sql, expected) in [
        (format!("GRANT \"readers@{b}\" TO \"admin@{a}\""), "42501"),
        (format!("GRANT \"admin@{b}\" TO \"admin@{a}\""), "42501"),
        (format!("GRANT \"@{b}\" TO \"admin@{a}\""), "42501"),
        (format!("GRANT \"@{a}\" TO \"admin@{b}\""), "42501"),
        (format!("ALTER ROLE \"app@{b}\" PASSWORD 'x'"), "42501"),
        (format!("DROP ROLE \"app@{b}\""), "42501"),
        (format!("SET ROLE \"app@{b}\""), "42501"),
        (format!("SET ROLE \"@{a}\""), "42501"),
        (format!("DROP DATABASE \"dsql_{b}\""), "42501"),
        (
            "GRANT pg_read_server_files TO CURRENT_USER".to_owned(),
            "42501",
        ),
        ("CREATE DATABASE x".to_owned(), "42501"),
        (
            "SELECT * FROM dblink('dbname=postgres', 'SELECT 1') t(a int)".to_owned(),
            "42883",
        ),
    ] {
        let answer = query(&mut first.session, &sql).await.unwrap_err();
        assert_eq!(answer, expected, "{sql}");
    }
    let may_connect = "SELECT string_agg(datname || ' ' || rolname, ',' ORDER BY datname, rolname)
           FROM pg_database, pg_roles WHERE datname LIKE 'dsql%' AND rolname LIKE '%@0%'
            AND rolcanlogin AND has_database_privilege(rolname, datname, 'CONNECT')";
    let expected = format!("dsql_{a} admin@{a},dsql_{b} admin@{b}");
    assert_eq!(server.ask(may_connect).await, expected);
}

#[tokio::test]
async fn a_cluster_works_and_is_found_again() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    let directory = directory();
    let engine = server.engine(&directory).await;
    let database = name(3);
    assert!(!engine.is_mapped(&database, "app", ARN).await.unwrap());
    assert_eq!(engine.databases().await.unwrap(), Vec::<String>::new());
    let mut admin = Client::new(&engine, &database, "admin").await;
    let map = format!("AWS IAM GRANT app TO '{ARN}'");
    admin
        .table(&[
            ("CREATE TABLE t (id int PRIMARY KEY, v int)", ""),
            ("INSERT INTO t VALUES (1, 2)", ""),
            ("CREATE ROLE app LOGIN NOINHERIT", ""),
            ("GRANT SELECT ON t TO app", ""),
            (&map, ""),
            ("SELECT pg_role_name FROM sys.iam_pg_role_mappings", "app"),
            (
                "SELECT grantor_pg_role_name FROM sys.iam_pg_role_mappings",
                "admin",
            ),
            ("DROP ROLE app", "2BP01"),
        ])
        .await;
    assert!(engine.is_mapped(&database, "app", ARN).await.unwrap());
    assert!(!engine.is_mapped(&database, "admin", ARN).await.unwrap());
    assert_eq!(engine.in_use(), [&*database]);
    let mut app = Client::new(&engine, &database, "app").await;
    let current = format!("app@{database}");
    app.table(&[
        ("SELECT v FROM t", "2"),
        ("SELECT current_user", &current),
        ("INSERT INTO t VALUES (2, 2)", "42501"),
    ])
    .await;
    let job = admin.run("CREATE INDEX ASYNC i ON t (v)").await;
    engine.jobs_submitted(&database);
    let wait = format!("CALL sys.wait_for_job('{job}')");
    assert_eq!(admin.run(&wait).await, "t");
    cancels(&engine, &database, &mut app).await;
    a_role_comes_again(&engine, &database, &mut admin).await;

    // The server restarts under the engine.
    server.stop();
    assert!(engine.connect(&database, &login("admin")).await.is_err());
    assert!(engine.is_mapped(&database, "app", ARN).await.is_err());
    server.run().await;
    assert!(engine.is_mapped(&database, "app", ARN).await.unwrap());
    let mut admin = Client::new(&engine, &database, "admin").await;
    admin.table(&[("SELECT v FROM t", "2")]).await;
    let job = admin.run("CREATE INDEX ASYNC j ON t (v)").await;
    // Would be what the engine calls, if it looked where clients can put it.
    let trap = "CREATE FUNCTION public.obj_description(regnamespace, text) RETURNS text
                LANGUAGE sql AS 'SELECT (1 / 0)::text'";
    query(&mut admin.session, trap).await.unwrap();
    engine.stop().await;
    assert!(engine.connect(&database, &login("admin")).await.is_err());
    drop((engine, admin));

    // A new engine goes on, with the job as well.
    let engine = server.engine(&directory).await;
    assert_eq!(engine.databases().await.unwrap(), [&*database]);
    let jobs = server.boss(&format!("dsql_{database}")).await;
    let sql = "SELECT status FROM pg_treeline.jobs WHERE job_id = $1";
    let mut status = String::new();
    for _ in 0..200 {
        status = jobs.query_one(sql, &[&job]).await.unwrap().get(0);
        if status == "completed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status, "completed");
    drop(jobs);
    removes(&server, &engine, &database).await;
    engine.stop().await;
}

/// A role that has logged in can be dropped, and one of its name has another password.
async fn a_role_comes_again(engine: &Arc<Engine>, database: &str, admin: &mut Client) {
    let (map, unmap) = (
        format!("AWS IAM GRANT app TO '{ARN}'"),
        format!("AWS IAM REVOKE app FROM '{ARN}'"),
    );
    admin
        .table(&[
            (&unmap, ""),
            ("REVOKE SELECT ON t FROM app", ""),
            ("DROP ROLE app", ""),
            ("DROP ROLE IF EXISTS app", ""),
        ])
        .await;
    assert!(!engine.is_mapped(database, "app", ARN).await.unwrap());
    let refused = engine.connect(database, &login("app")).await;
    assert_eq!(sqlstate(refused), "28000");
    admin
        .table(&[
            ("CREATE ROLE app LOGIN", ""),
            ("GRANT SELECT ON t TO app", ""),
            (&map, ""),
        ])
        .await;
    let mut logins = JoinSet::new();
    for _ in 0..5 {
        let (engine, database) = (Arc::clone(engine), database.to_owned());
        logins.spawn(async move { engine.connect(&database, &login("app")).await.is_ok() });
    }
    assert_eq!(logins.join_all().await, [true; 5]);
}

async fn cancels(engine: &Arc<Engine>, database: &str, app: &mut Client) {
    let (process, secret) = (app.session.process, app.session.secret);
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        engine.cancel(database, process, secret).await;
    };
    let (slept, ()) = tokio::join!(query(&mut app.session, "SELECT pg_sleep(20)"), cancel);
    assert_eq!(slept.unwrap_err(), "57014");
}

async fn removes(server: &Server, engine: &Arc<Engine>, database: &str) {
    let other = name(4);
    let mut kept = connect(engine, &other).await;
    let mut admin = Client::new(engine, database, "admin").await;
    admin
        .table(&[
            ("CREATE ROLE x IN ROLE app", ""),
            ("REVOKE SELECT ON t FROM app", ""),
            ("CREATE ROLE y ROLE x", ""),
        ])
        .await;
    engine.remove(database).await.unwrap();
    assert!(query(&mut admin.session, "SELECT 1").await.is_err());
    assert_eq!(one(&mut kept, "SELECT 1").await, "1");
    engine.remove(database).await.unwrap();
    assert_eq!(engine.databases().await.unwrap(), [&*other]);
    let roles = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE '%@%' ORDER BY 1";
    let left = format!("@{other} admin@{other}");
    assert_eq!(server.ask(roles).await, left);
    drop(admin);
    eventually("the session has ended", || engine.in_use() == [&*other]).await;
}

#[tokio::test]
async fn what_will_not_do_is_said_without_the_password() {
    let Some(server) = Server::start().await else {
        return;
    };
    let here = directory();
    let boss = server.boss("postgres").await;
    let make = "CREATE ROLE small LOGIN PASSWORD 'x'";
    boss.batch_execute(make).await.unwrap();
    let port = server.port;
    for (url, expected) in [
        (server.url("secret"), "password authentication failed"),
        (
            format!("postgres://small:x@127.0.0.1:{port}/postgres"),
            "not a superuser",
        ),
        (
            "host=127.0.0.1 user=a password=a secret".to_owned(),
            "not valid",
        ),
        (
            "host=127.0.0.1 password=secret".to_owned(),
            "needs a host and a user",
        ),
        (
            "postgres://a:secret@127.0.0.1:1/".to_owned(),
            "connect to the external server",
        ),
        (
            format!("{}/?sslmode=require", server.url("secret")),
            "does not encrypt",
        ),
    ] {
        let error = server.try_engine(&here, url.clone()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let shown = format!("{:?}", server.options(&here, server.url("secret")));
    assert!(!shown.contains("secret"), "{shown}");

    // Another directory has another key, and the databases are not its own.
    let database = name(5);
    let first = server.engine(&here).await;
    drop(connect(&first, &database).await);
    let there = directory();
    std::fs::write(there.path().join("external.key"), [2; 32]).unwrap();
    let second = server.engine(&there).await;
    assert_eq!(second.databases().await.unwrap(), Vec::<String>::new());
    let refused = second.connect(&database, &login("admin")).await;
    assert!(matches!(refused, Err(Error::Instance { .. })));
    assert!(second.remove(&database).await.is_err());
    assert!(second.is_mapped(&database, "app", ARN).await.is_err());

    // What a kill in between has left is completed.
    let half = name(6);
    let boss = server.boss("postgres").await;
    let sql = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1";
    let row = boss
        .query_one(sql, &[&format!("@{database}")])
        .await
        .unwrap();
    let mark: String = row.get(0);
    let halves = format!(
        "CREATE ROLE \"@{half}\"; COMMENT ON ROLE \"@{half}\" IS '{mark}'; CREATE ROLE \"admin@{half}\""
    );
    boss.batch_execute(&halves).await.unwrap();
    let bad = Login {
        parameters: vec![("timezone".to_owned(), "nowhere".to_owned())],
        ..login("admin")
    };
    assert_eq!(sqlstate(first.connect(&half, &bad).await), "22023");
    assert_eq!(
        one(&mut connect(&first, &half).await, "SELECT 1").await,
        "1"
    );
}
