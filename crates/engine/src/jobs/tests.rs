use super::*;
use crate::testdb::{TestDb, ask};

/// What CREATE INDEX ASYNC is rewritten to.
fn create(table: &str, index: &str) -> String {
    let index = index.replace('\'', "''");
    format!("SELECT pg_treeline.create_index('{table}', '{index}', NULL)")
}

const LAST: &str = "SELECT status, details, object_name FROM sys.jobs
    WHERE job_type IN ('INDEX_BUILD', 'VALIDATE_CONSTRAINT') ORDER BY start_time DESC LIMIT 1";

#[tokio::test]
async fn jobs_end_as_the_service_says() {
    let Some(db) = TestDb::start().await else {
        return;
    };
    let admin = db.connect("admin").await;
    let runner = db.connect("treeline").await;
    admin
        .batch_execute(
            "CREATE TABLE t (id int PRIMARY KEY, a int, b text);
             INSERT INTO t SELECT i, i / 2, 'x' || i FROM generate_series(1, 100) i;
             ALTER TABLE t ADD CONSTRAINT part CHECK (a > 10) NOT VALID;
             ALTER TABLE t ADD CONSTRAINT whole CHECK (a >= 0) NOT VALID;
             CREATE TABLE c (id int, t int)",
        )
        .await
        .unwrap();
    let unique = create("t", "CREATE UNIQUE INDEX twice ON t (a) WHERE false");
    let partial = create(
        "t",
        "CREATE UNIQUE INDEX few ON t (a) WHERE (id % 2 = 0 AND b <> '') AND false",
    );
    let plain = create(
        "public.t",
        "CREATE INDEX ON public.t (lower(b)) INCLUDE (a) WHERE false",
    );
    let table = [
        (plain.as_str(), "completed|NULL|public.t_lower_a_idx"),
        (&partial, "completed|NULL|public.few"),
        (
            &unique,
            "failed|Found duplicate key while validating index for UCVs|public.twice",
        ),
        (
            "SELECT pg_treeline.validate_constraint('t', 'whole')",
            "completed|NULL|public.t",
        ),
        (
            "SELECT pg_treeline.validate_constraint('public.t', 'part')",
            "failed|check constraint \"part\" of relation \"t\" is violated by some row|public.t",
        ),
        (
            &create("t", "CREATE INDEX IF NOT EXISTS few ON t (b) WHERE false"),
            "completed|NULL|public.t",
        ),
    ];
    for (sql, expected) in table {
        let job = ask(&admin, sql).await;
        assert!(
            job.len() == 26 && job.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7')),
            "{sql}: {job}"
        );
        run(&runner, Duration::ZERO).await.unwrap();
        assert_eq!(ask(&admin, LAST).await, expected, "{sql}");
        let succeeded = if expected.starts_with("completed") {
            "t"
        } else {
            "f"
        };
        assert_eq!(
            ask(&admin, &format!("CALL sys.wait_for_job('{job}')")).await,
            succeeded,
            "{sql}"
        );
    }
    for (index, expected) in [
        (
            "few",
            "t|CREATE UNIQUE INDEX few ON public.t USING btree (a) WHERE (((id % 2) = 0) AND (b <> ''::text))",
        ),
        (
            "twice",
            "f|CREATE UNIQUE INDEX twice ON public.t USING btree (a)",
        ),
    ] {
        let sql = format!(
            "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = '{index}'::regclass"
        );
        assert_eq!(ask(&admin, &sql).await, expected);
    }
    let double = "INSERT INTO t SELECT i, 11, 'x' FROM generate_series(200, 203) i";
    let refused = "23505 duplicate key value violates unique constraint \"few\"";
    assert_eq!(ask(&admin, double).await, refused);
    let add = "ALTER TABLE t ADD CONSTRAINT twice UNIQUE USING INDEX twice";
    assert_eq!(ask(&admin, add).await, "55000 index \"twice\" is not valid");
}

const SETUP: &str = "CREATE TABLE t (id int PRIMARY KEY, a int);
    INSERT INTO t SELECT i, i FROM generate_series(1, 200) i;
    CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(0.01)'";

async fn started() -> Option<(TestDb, Client, Client)> {
    let db = TestDb::start().await?;
    let admin = db.connect("admin").await;
    admin.batch_execute(SETUP).await.unwrap();
    let runner = db.connect("treeline").await;
    run(&runner, Duration::ZERO).await.unwrap();
    Some((db, admin, runner))
}

#[tokio::test]
async fn an_interrupted_job_is_run_again() {
    let Some((db, admin, first)) = started().await else {
        return;
    };
    ask(
        &admin,
        &create("t", "CREATE INDEX slowly ON t (slow(a)) WHERE false"),
    )
    .await;
    let other = db.connect("treeline").await;
    let task = tokio::spawn(async move { run(&first, Duration::ZERO).await });
    let kill =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'REINDEX%'";
    while ask(&other, kill).await == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(task.await.unwrap().is_err());
    assert_eq!(ask(&admin, LAST).await, "processing|NULL|public.slowly");
    // Concurrently this time, killed again: it leaves an index behind.
    other
        .batch_execute("UPDATE pg_treeline.jobs SET attempts = 5 WHERE status = 'processing'")
        .await
        .unwrap();
    let second = db.connect("treeline").await;
    let task = tokio::spawn(async move { run(&second, Duration::ZERO).await });
    let left = "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_ccnew'";
    while ask(&other, left).await == "0" || ask(&other, kill).await == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(task.await.unwrap().is_err());
    assert_eq!(ask(&other, left).await, "1");
    run(&other, Duration::ZERO).await.unwrap();
    assert_eq!(ask(&admin, LAST).await, "completed|NULL|public.slowly");
    assert_eq!(ask(&other, left).await, "0");
    assert_eq!(
        ask(
            &admin,
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'slowly'::regclass"
        )
        .await,
        "t"
    );
}

#[tokio::test]
async fn a_concurrent_build_that_fails_leaves_nothing() {
    let Some((_db, admin, runner)) = started().await else {
        return;
    };
    admin.batch_execute("UPDATE t SET a = 1").await.unwrap();
    ask(
        &admin,
        &create("t", "CREATE UNIQUE INDEX one ON t (a) WHERE false"),
    )
    .await;
    runner
        .batch_execute("UPDATE pg_treeline.jobs SET attempts = 5 WHERE status = 'submitted'")
        .await
        .unwrap();
    run(&runner, Duration::ZERO).await.unwrap();
    assert_eq!(
        ask(&admin, LAST).await,
        "failed|Found duplicate key while validating index for UCVs|public.one"
    );
    assert_eq!(
        ask(
            &runner,
            "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
        )
        .await,
        "1"
    );
    assert_eq!(ask(&admin, "DROP INDEX one").await, "");
}

#[tokio::test]
async fn a_job_never_blocks_clients() {
    let Some((db, admin, runner)) = started().await else {
        return;
    };
    ask(&admin, &create("t", "CREATE INDEX ia ON t (a) WHERE false")).await;
    let writer = db.connect("admin").await;
    writer
        .batch_execute("BEGIN; UPDATE t SET a = 0 WHERE id = 1")
        .await
        .unwrap();
    let task = tokio::spawn(async move { run(&runner, Duration::ZERO).await });
    for id in 1000..1020 {
        let insert = ask(
            &admin,
            &format!("SET lock_timeout = 100; INSERT INTO t VALUES ({id}, 0)"),
        )
        .await;
        assert_eq!(insert, "");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    writer.batch_execute("COMMIT").await.unwrap();
    task.await.unwrap().unwrap();
    assert_eq!(ask(&admin, LAST).await, "completed|NULL|public.ia");
}

#[tokio::test]
async fn what_has_gone_is_skipped_and_what_is_done_disappears() {
    let Some((_db, admin, runner)) = started().await else {
        return;
    };
    ask(&admin, &create("t", "CREATE INDEX ia ON t (a) WHERE false")).await;
    admin.batch_execute("DROP INDEX ia").await.unwrap();
    run(&runner, Duration::ZERO).await.unwrap();
    assert_eq!(
        ask(&admin, LAST).await,
        "completed|Skipped job for nonexistent table.|NULL"
    );
    let old = "UPDATE pg_treeline.jobs SET update_time = now() - interval '31 minutes'";
    runner.batch_execute(old).await.unwrap();
    assert_eq!(ask(&admin, "SELECT count(*) FROM sys.jobs").await, "0");
    run(&runner, Duration::ZERO).await.unwrap();
    assert_eq!(
        ask(&runner, "SELECT count(*) FROM pg_treeline.jobs").await,
        "0"
    );
    // The service's own: what ANALYZE is for.
    assert_eq!(
        ask(
            &runner,
            "SELECT reltuples FROM pg_class WHERE relname = 't'"
        )
        .await,
        "200"
    );
}

#[tokio::test]
async fn a_caller_waits_for_a_job() {
    let Some((db, admin, runner)) = started().await else {
        return;
    };
    let job = ask(&admin, &create("t", "CREATE INDEX ia ON t (a) WHERE false")).await;
    let task = tokio::spawn(async move { run(&runner, Duration::from_millis(700)).await });
    let state = format!("SELECT status FROM sys.jobs WHERE job_id = '{job}'");
    assert_eq!(ask(&admin, &state).await, "submitted");
    let other = db.connect("admin").await;
    let extended = other
        .query_one(&format!("CALL sys.wait_for_job('{job}')"), &[])
        .await
        .unwrap();
    assert_eq!(extended.columns()[0].name(), "succeeded");
    assert!(extended.get::<_, bool>(0));
    assert_eq!(ask(&admin, &state).await, "completed");
    task.await.unwrap().unwrap();
    for (sql, expected) in [
        (
            format!("BEGIN; CALL sys.wait_for_job('{job}'); COMMIT"),
            "t",
        ),
        (
            "CALL sys.wait_for_job('no-such-job')".to_owned(),
            "22P02 Unable to convert text to UUID",
        ),
        (
            "CALL sys.wait_for_job(NULL)".to_owned(),
            "22P02 Unable to convert text to UUID",
        ),
        (
            format!("CALL sys.wait_for_job('{}')", "a".repeat(26)),
            "42704 job \"aaaaaaaaaaaaaaaaaaaaaaaaaa\" does not exist",
        ),
        (
            format!("SELECT sys.wait_for_job('{job}'::text)"),
            "42809 sys.wait_for_job(text) is a procedure",
        ),
    ] {
        assert_eq!(ask(&admin, &sql).await, expected, "{sql}");
    }
}

/// A check constraint, or the expression of an index, is the table owner's code; the runner is a
/// superuser.
#[tokio::test]
async fn a_job_lends_nobody_its_rights() {
    let Some((_db, admin, runner)) = started().await else {
        return;
    };
    let bodies = [
        ("SELECT current_user = ''admin''", "completed|NULL|public.t"),
        (
            "RESET ROLE; SELECT true",
            "failed|Job failed with SQLSTATE 42501.|public.t",
        ),
        (
            "SET SESSION AUTHORIZATION DEFAULT; SELECT true",
            "failed|Job failed with SQLSTATE 42501.|public.t",
        ),
        (
            "SELECT pg_catalog.pg_read_file(''PG_VERSION'') <> ''''",
            "failed|Job failed with SQLSTATE 42501.|public.t",
        ),
        (
            "CREATE EXTENSION pgcrypto; SELECT true",
            "failed|Job failed with SQLSTATE 0A000.|public.t",
        ),
        ("SELECT count(*) >= 0 FROM t", "completed|NULL|public.t"),
    ];
    for (body, expected) in bodies {
        admin
            .batch_execute(&format!(
                "CREATE OR REPLACE FUNCTION attack() RETURNS bool VOLATILE LANGUAGE sql AS 'SELECT true';
                 ALTER TABLE t ADD CONSTRAINT c CHECK (attack()) NOT VALID;
                 SET check_function_bodies = off;
                 CREATE OR REPLACE FUNCTION attack() RETURNS bool VOLATILE LANGUAGE sql AS '{body}'"
            ))
            .await
            .unwrap();
        ask(&admin, "SELECT pg_treeline.validate_constraint('t', 'c')").await;
        run(&runner, Duration::ZERO).await.unwrap();
        assert_eq!(ask(&admin, LAST).await, expected, "{body}");
        assert_eq!(
            ask(&runner, "SELECT current_user, session_user").await,
            "treeline|treeline"
        );
        admin
            .batch_execute("ALTER TABLE t DROP CONSTRAINT c; SELECT pg_sleep(0.01)")
            .await
            .unwrap();
    }
    let bodies = [
        "RESET ROLE; SELECT 1",
        "SELECT length(pg_catalog.pg_read_file(''PG_VERSION''))",
        "DELETE FROM pg_treeline.jobs; SELECT 1",
    ];
    for body in bodies {
        admin
            .batch_execute("CREATE OR REPLACE FUNCTION key(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'")
            .await
            .unwrap();
        let job = ask(
            &admin,
            &create("t", "CREATE INDEX ia ON t (key(a)) WHERE false"),
        )
        .await;
        assert_eq!(job.len(), 26, "{job}");
        let replace = "CREATE OR REPLACE FUNCTION key(int) RETURNS int IMMUTABLE LANGUAGE sql AS";
        admin
            .batch_execute(&format!("{replace} '{body}'"))
            .await
            .unwrap();
        run(&runner, Duration::ZERO).await.unwrap();
        let answer = ask(&admin, LAST).await;
        assert!(
            answer.starts_with("failed|Job failed with SQLSTATE "),
            "{body}: {answer}"
        );
        admin.batch_execute("DROP INDEX ia").await.unwrap();
    }
}
