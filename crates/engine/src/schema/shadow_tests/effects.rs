//! What a transaction did before it was displaced, what it does in the shadow, and COMMIT.

use super::*;

const TABLES: &str = "CREATE TABLE plain (id int PRIMARY KEY, v int UNIQUE, t text);
    INSERT INTO plain SELECT g, g, 't' || g FROM generate_series(1, 9) g;
    CREATE TABLE kid (id int PRIMARY KEY, p int REFERENCES plain ON DELETE CASCADE);
    INSERT INTO kid VALUES (1, 1), (2, 2);
    CREATE TABLE swap (id int PRIMARY KEY, v int UNIQUE);
    INSERT INTO swap SELECT g, g FROM generate_series(1, 5) g;
    CREATE TABLE ident (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int);
    INSERT INTO ident (v) VALUES (1), (2)";

/// What is done natively, what in the shadow after it, and the table to look at.
const CASES: [(&str, &str, &str); 9] = [
    (
        "UPDATE plain SET v = v + 100 WHERE id = 1",
        "UPDATE plain SET v = v + 1 WHERE id = 1",
        "plain",
    ),
    (
        "INSERT INTO plain VALUES (50, 50, 'x'); DELETE FROM plain WHERE id = 5; UPDATE plain SET t = 'q' WHERE id = 6",
        "DELETE FROM plain WHERE id = 50; INSERT INTO plain VALUES (5, 5, 'again'); DELETE FROM plain WHERE id = 6",
        "plain",
    ),
    (
        "DELETE FROM plain WHERE id = 1; INSERT INTO plain VALUES (1, 1, 'again'); INSERT INTO kid VALUES (7, 1)",
        "DELETE FROM plain WHERE id = 2; INSERT INTO plain VALUES (2, 2, 'again'); INSERT INTO kid VALUES (8, 2)",
        "kid",
    ),
    (
        "UPDATE swap SET v = -1 WHERE id = 1; UPDATE swap SET v = 1 WHERE id = 2; UPDATE swap SET v = 2 WHERE id = 1",
        "UPDATE swap SET v = -3 WHERE id = 3; UPDATE swap SET v = 3 WHERE id = 4; UPDATE swap SET v = 4 WHERE id = 3",
        "swap",
    ),
    (
        "UPDATE swap SET id = -1 WHERE id = 1; UPDATE swap SET id = 1 WHERE id = 2; UPDATE swap SET id = 2 WHERE id = -1",
        "DELETE FROM swap WHERE id = 5; INSERT INTO swap VALUES (6, 5)",
        "swap",
    ),
    (
        "DELETE FROM plain WHERE id = 1",
        "DELETE FROM plain WHERE id = 2",
        "kid",
    ),
    (
        "INSERT INTO ident (v) VALUES (3); UPDATE ident SET v = 9 WHERE id = 1; DELETE FROM ident WHERE id = 2",
        "INSERT INTO ident (v) VALUES (3); UPDATE ident SET v = 8 WHERE id = 1; UPDATE ident SET v = 7 WHERE v = 3",
        "ident",
    ),
    (
        "INSERT INTO plain VALUES (60, 60); DELETE FROM plain WHERE id = 60",
        "",
        "plain",
    ),
    ("", "UPDATE plain SET v = 0 WHERE id = 3", "plain"),
];

/// What one does, what the other has committed meanwhile, and the fault at COMMIT.
const CONFLICTS: [(&str, &str, &str); 7] = [
    (
        "UPDATE plain SET t = 'm' WHERE id = 4",
        "UPDATE plain SET t = 'o' WHERE id = 4",
        "40001",
    ),
    (
        "DELETE FROM plain WHERE id = 4",
        "UPDATE plain SET t = 'p' WHERE id = 4",
        "40001",
    ),
    (
        "UPDATE plain SET t = 'm' WHERE id = 9",
        "DELETE FROM plain WHERE id = 9",
        "40001",
    ),
    (
        "INSERT INTO plain VALUES (70, 70)",
        "INSERT INTO plain VALUES (70, 71)",
        "23505",
    ),
    (
        "INSERT INTO kid VALUES (9, 8)",
        "DELETE FROM plain WHERE id = 8",
        "40001",
    ),
    (
        "DELETE FROM plain WHERE id = 7",
        "INSERT INTO kid VALUES (77, 7)",
        "40001",
    ),
    (
        "UPDATE plain SET t = 'm' WHERE id = 6",
        "UPDATE plain SET t = 'o' WHERE id = 5",
        "",
    ),
];

async fn lab() -> Option<Lab> {
    let lab = Lab::new().await?;
    let admin = lab.session().await;
    for statement in TABLES.split(';') {
        admin.run(statement).await;
    }
    for table in ["plain", "kid", "swap", "ident"] {
        lab.make(table).await;
    }
    Some(lab)
}

#[tokio::test]
async fn a_transaction_is_carried_over() {
    let Some(lab) = lab().await else { return };
    for (before, after, table) in CASES {
        let look = format!("SELECT x FROM {table} x ORDER BY 1");
        let mut session = lab.session().await;
        session
            .run(&format!(
                "BEGIN; SELECT FROM {table}; SAVEPOINT t; {before}"
            ))
            .await;
        let (changes, work) = net(&session.notes());
        let expected = session.ask(&look).await;
        session.run("ROLLBACK TO t; SAVEPOINT t").await;
        assert_eq!(lab.images(&session, &changes, work).await, "");
        assert_eq!(session.ask(&look).await, expected, "images: {before}");
        session.run("ROLLBACK TO t").await;
        lab.enter(&session, &changes, work).await;
        assert_eq!(session.ask(&look).await, expected, "entered: {before}");
        session.run(after).await;
        let expected = session.ask(&look).await;
        assert_eq!(lab.apply(&session).await, "");
        assert_eq!(
            session.ask(&look).await,
            expected,
            "applied: {before}; {after}"
        );
        assert_eq!(session.notes().len(), 0, "the machinery notes nothing");
        session.run("ROLLBACK").await;
    }
}

#[tokio::test]
async fn a_commit_meets_what_others_have_done() {
    let Some(lab) = lab().await else { return };
    let other = lab.session().await;
    for slot in [false, true] {
        for (one, two, fault) in CONFLICTS {
            let mut session = lab.session().await;
            session.run("BEGIN; SELECT FROM plain; SAVEPOINT t").await;
            session.run(one).await;
            let (changes, work) = net(&session.notes());
            session.run("ROLLBACK TO t").await;
            other.run(&format!("BEGIN; {two}; COMMIT")).await;
            let answer = if slot {
                lab.enter(&session, &changes, work).await;
                lab.apply(&session).await
            } else {
                lab.images(&session, &changes, work).await
            };
            assert_eq!(
                answer.split(' ').next().unwrap(),
                fault,
                "{one} / {two}: {answer}"
            );
            session.run("ROLLBACK").await;
            let undo = "DELETE FROM kid WHERE id > 2; DELETE FROM plain WHERE id > 9;
                INSERT INTO plain SELECT g, g FROM generate_series(1, 9) g ON CONFLICT DO NOTHING";
            other.run(undo).await;
        }
    }
}

#[tokio::test]
async fn rows_that_were_locked_are_locked_again() {
    let Some(lab) = lab().await else { return };
    let mut session = lab.session().await;
    let oid = ask(&lab.control, "SELECT 'plain'::regclass::oid").await;
    let find =
        "SELECT string_agg(quote_literal(ctid), ',' ORDER BY id) FROM plain WHERE id IN (3, 4)";
    let lock = |rows: &str, update: bool| {
        let key = &lab.key;
        format!(
            "SELECT pg_treeline.lock_again('{key}', ARRAY[{oid}, {oid}]::oid[], ARRAY[{rows}]::tid[], {update}, {update})"
        )
    };
    for update in [true, false] {
        session.run("BEGIN; SELECT FROM plain; SAVEPOINT t").await;
        let rows = session.ask(find).await;
        assert_eq!(session.ask(&lock(&rows, update)).await, "");
        assert_eq!(session.ask(find).await != rows, update);
        // again: rows of one's own are passed over
        assert_eq!(session.ask(&lock(&rows, update)).await, "");
        assert_eq!(
            session.ask("SELECT pg_treeline.transaction_work()").await,
            "42501 permission denied for function transaction_work"
        );
        session.run("ROLLBACK").await;
        session.run("BEGIN; SELECT FROM plain").await;
        lab.session()
            .await
            .run("UPDATE plain SET t = t || 'x' WHERE id = 3")
            .await;
        let answer = session.ask(&lock(&rows, update)).await;
        assert!(answer.starts_with("40001") || !update, "{answer}");
        session.run("ROLLBACK").await;
    }
    assert_eq!(session.notes().len(), 0);
}

#[tokio::test]
async fn limits_hold_in_the_shadow() {
    let Some(lab) = lab().await else { return };
    let session = lab.session().await;
    let insert = |from: i32, to: i32| {
        format!("INSERT INTO g SELECT i, 'x' FROM generate_series({from}, {to}) i")
    };
    lab.make("g").await;
    session.run("BEGIN; SELECT FROM g; SAVEPOINT t").await;
    lab.enter(&session, &[], 1000 << 40).await;
    session.run(&insert(1, 1000)).await;
    session
        .run("UPDATE g SET b = 'y' WHERE a > 10 AND a <= 510; DELETE FROM g WHERE a > 500")
        .await;
    session.run("SAVEPOINT s").await;
    let answer = session.ask("DELETE FROM g WHERE a = 400").await;
    assert_eq!(answer, "54000 transaction row limit exceeded");
    session.run("ROLLBACK TO s").await;
    assert_eq!(lab.apply(&session).await, "");
    session.run("ROLLBACK").await;
    for (value, answer) in [
        (1_048_577, "54000 maximum column size exceeded"),
        (1_048_576, ""),
    ] {
        session.run("BEGIN; SELECT FROM g; SAVEPOINT t").await;
        lab.enter(&session, &[], 0).await;
        let sql = format!("INSERT INTO g VALUES (1, repeat('x', {value}))");
        assert_eq!(session.ask(&sql).await, answer);
        session.run("ROLLBACK").await;
    }
    let sized = |n: i32| {
        format!("INSERT INTO g SELECT i, repeat('x', 1000000) FROM generate_series(1, {n}) i")
    };
    for (before, rows, fails) in [
        (0, 10, false),
        (0, 11, true),
        (1 << 20, 10, true),
        (11 << 20, 0, true),
    ] {
        session.run("BEGIN; SELECT FROM g; SAVEPOINT t").await;
        lab.enter(&session, &[], before).await;
        session.run(&sized(rows)).await;
        session.run("INSERT INTO g VALUES (0, '')").await;
        assert_eq!(lab.apply(&session).await, "");
        let answer = session.ask("COMMIT").await;
        assert_eq!(
            answer == "54000 transaction size limit 10mb exceeded",
            fails,
            "{rows}: {answer}"
        );
        session.ask("DELETE FROM g WHERE a < 100").await;
    }
    assert_eq!(lab.left().await, "0");
}
