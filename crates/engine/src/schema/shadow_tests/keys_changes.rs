//! Which rows are deleted or get other keys; and what clients may not do with all that is made.

use super::*;

impl Lab {
    /// What `strong_rows` answers to these arguments behind the key.
    async fn strong(&self, session: &Session, arguments: &str) -> String {
        let key = &self.key;
        session
            .ask(&format!(
                "SELECT c.relname, s.place FROM pg_treeline.strong_rows('{key}', {arguments}) s
                   JOIN pg_class c ON c.oid = s.relation ORDER BY c.oid, s.place"
            ))
            .await
    }

    async fn strong_in_slot(&self, session: &Session) -> String {
        let tables = self.tables().await;
        let oids: Vec<String> = tables.values().map(u32::to_string).collect();
        let arguments = format!("{SLOT}, ARRAY[{}]::oid[]", oids.join(","));
        self.strong(session, &arguments).await
    }
}

/// What a transaction does, and which rows of its snapshot it deletes or gives other keys. A row that
/// is inserted again was deleted all the same.
const CHANGES: [(&str, &str); 24] = [
    ("UPDATE par SET v = 9 WHERE id < 5", ""),
    ("UPDATE par SET w = w, v = v + 1 WHERE id = 1", ""),
    ("UPDATE par SET w = NULL WHERE id = 1", "par|(0,1)"),
    (
        "UPDATE par SET w = 'x' WHERE id = 1; UPDATE par SET w = 'w1' WHERE id = 1",
        "",
    ),
    (
        "DELETE FROM ch WHERE id = 20; UPDATE par SET id = 30, v = 0 WHERE id = 20",
        "par|(0,20);ch|(0,20)",
    ),
    ("DELETE FROM par WHERE id = 7", "par|(0,7);ch|(0,7)"),
    (
        "INSERT INTO par (id, v) VALUES (50, 1); UPDATE par SET id = 51 WHERE id = 50",
        "",
    ),
    (
        "INSERT INTO par (id, v) VALUES (50, 1); DELETE FROM par WHERE id = 50",
        "",
    ),
    (
        "DELETE FROM ck WHERE a = 1 AND b < 2; INSERT INTO ck VALUES (1, 1, 'again')",
        "ck|(0,6);ck|(0,7)",
    ),
    (
        "DELETE FROM ck WHERE a = 2; INSERT INTO ck SELECT 2, g FROM generate_series(0, 4) g",
        "ck|(0,11);ck|(0,12);ck|(0,13);ck|(0,14);ck|(0,15)",
    ),
    (
        "DELETE FROM top WHERE id = 8; INSERT INTO top VALUES (8, 'c8')",
        "top|(0,8)",
    ),
    (
        "DELETE FROM uni WHERE id = 1; INSERT INTO uni VALUES (1, 1, 'x', 5)",
        "uni|(0,1)",
    ),
    (
        "DELETE FROM uni WHERE id = 1; INSERT INTO uni VALUES (1, 1, 'X', 5)",
        "uni|(0,1)",
    ),
    (
        "DELETE FROM uni WHERE id = 2; INSERT INTO uni VALUES (2, NULL, 'y', 5)",
        "uni|(0,2)",
    ),
    (
        "DELETE FROM nnd WHERE id = 1; INSERT INTO nnd VALUES (1, 1, 1, 1)",
        "nnd|(0,1)",
    ),
    ("UPDATE nnd SET id = 5, c = 5", ""),
    ("UPDATE nnd SET b = 5 WHERE a IS NULL", "nnd|(0,2)"),
    (
        "UPDATE \"Table\" SET found = 'n' || \"select\", \"new\" = 7",
        "",
    ),
    (
        "UPDATE \"Table\" SET \"select\" = \"select\" + 10 WHERE \"new\" > 1",
        "Table|(0,2)",
    ),
    ("UPDATE g SET a = 7", ""),
    (
        "DELETE FROM g WHERE a = 1; INSERT INTO g VALUES (1, 'x')",
        "g|(0,1);g|(0,2)",
    ),
    ("UPDATE old SET v = id WHERE id > 1", ""),
    (
        "UPDATE old SET id = -id WHERE id > 3",
        "old|(0,4);old|(0,5)",
    ),
    ("", ""),
];

const UNI: &str = "CREATE DOMAIN letters AS text CHECK (value <> 'bad');
    CREATE TABLE uni (id numeric PRIMARY KEY, a float8, b letters NOT NULL, v int, UNIQUE (b, a));
    INSERT INTO uni VALUES (1, 1, 'x'), (2, NULL, 'y')";

#[tokio::test]
async fn changes_of_keys_are_told_from_others() {
    let Some(lab) = Lab::new().await else { return };
    let admin = lab.session().await;
    admin.run(UNI).await;
    for table in lab.tables().await.keys() {
        lab.make(table).await;
        lab.keys_make(table).await;
    }
    for (sql, expected) in CHANGES {
        let mut session = lab.session().await;
        session.run("SET search_path = public, \"Two words\"").await;
        session.run("BEGIN; SELECT 1 FROM par; SAVEPOINT t").await;
        session.run(sql).await;
        let (changes, work) = net(&session.notes());
        session.run("ROLLBACK TO t").await;
        let noted = lab.strong(&session, &arrays(&changes)).await;
        assert_eq!(noted, expected, "notes: {sql}");
        // begun natively, and begun in the slot
        for (changes, work, sql) in [(changes, work, ""), (Vec::new(), 0, sql)] {
            session.run("SAVEPOINT s").await;
            lab.enter(&session, &changes, work).await;
            session.run(sql).await;
            let answer = lab.strong_in_slot(&session).await;
            assert_eq!(answer, expected, "slot: {sql}, {changes:?}");
            // nothing has happened by that
            assert_eq!(lab.apply(&session).await, "");
            session.run("ROLLBACK TO s").await;
        }
    }
}

#[tokio::test]
async fn rows_that_came_into_the_slot_unchanged_are_no_changes() {
    let Some(lab) = Lab::new().await else { return };
    lab.make("par").await;
    for table in lab.tables().await.keys() {
        lab.keys_make(table).await;
    }
    let session = lab.session().await;
    session.run("BEGIN; SELECT FROM par; SAVEPOINT t").await;
    lab.enter(&session, &[], 0).await;
    let key = &lab.key;
    session
        .run(&format!(
            "SELECT pg_treeline.shadow_hydrate('{key}', true);
             INSERT INTO pg_treeline_over_1_public.par (id, v) VALUES (1, 1), (2, 2) ON CONFLICT DO NOTHING;
             SELECT pg_treeline.shadow_hydrate('{key}', false); UPDATE par SET w = 'x' WHERE id = 2"
        ))
        .await;
    assert_eq!(lab.strong_in_slot(&session).await, "par|(0,2)");
}

#[tokio::test]
async fn only_the_gateway_asks() {
    let Some(lab) = Lab::new().await else { return };
    lab.keys_make("par").await;
    let admin = lab.session().await;
    let par = lab.tables().await["public.par"];
    for call in [
        "pg_treeline.row_keys('x', '{}', '{}')",
        "pg_treeline.row_keys(NULL, '{}', '{}')",
        "pg_treeline.references_unseen('x', '5b5d')",
        "pg_treeline.strong_rows('x', '{}', '{}', '{}')",
        "pg_treeline.strong_rows('x', 1, '{}')",
        "pg_treeline.references_since('3:3:', '{}')",
        "pg_treeline.keys_of(0)",
        "pg_treeline.keys_make(0)",
        "pg_treeline.keys_read('7b7d')",
        "pg_treeline.keys_unique(0)",
        &format!("pg_treeline_hid_0.k{par}('{{}}')"),
        &format!("pg_treeline_hid_0.s{par}('{{}}', '{{}}')"),
        &format!("pg_treeline_hid_0.x{par}('DELETE FROM par')"),
    ] {
        let answer = admin.ask(&format!("SELECT {call}")).await;
        assert!(answer.starts_with("42501 "), "{call}: {answer}");
    }
    for call in [
        "DROP FUNCTION pg_treeline_hid_0.k$",
        "ALTER FUNCTION pg_treeline_hid_0.k$ RESET ALL",
    ] {
        let answer = admin.ask(&call.replace('$', &par.to_string())).await;
        assert!(
            ["42501", "0A000", "42883"]
                .iter()
                .any(|c| answer.starts_with(c)),
            "{call}: {answer}"
        );
    }
    // nothing depends on what was made for the client, and it goes with what it is for
    let depends = "SELECT count(*) FROM pg_proc p JOIN pg_shdepend d ON d.objid = p.oid
                    WHERE p.pronamespace = 'pg_treeline_hid_0'::regnamespace";
    assert_eq!(ask(&lab.control, depends).await, "0");
}

/// Fails whoever runs it as the superuser, whose name is the only one of this length. (PostgreSQL 18
/// folds what is constant in the body.)
const SPY: &str = "CREATE FUNCTION spy(v int) RETURNS bool LANGUAGE sql IMMUTABLE
    AS 'SELECT 1 / (length(current_user) - 8) < 2';
    CREATE DOMAIN spied AS int CHECK (spy(value));
    CREATE TABLE watched (id spied PRIMARY KEY, u spied UNIQUE, v int);
    CREATE TABLE watcher (id spied PRIMARY KEY, w spied REFERENCES watched, x spied REFERENCES watched (u))";
const INDEXES: [&str; 2] = [
    "CREATE UNIQUE INDEX one ON watched ((spy(u)), (spy(4)), id) WHERE spy(6) AND spy(v)",
    "CREATE INDEX two ON watcher (w, (spy(4))) WHERE spy(5)",
];

#[tokio::test]
async fn code_of_clients_is_not_the_superusers() {
    let Some(lab) = Lab::new().await else { return };
    let session = lab.session().await;
    for statement in SPY.split(";\n").chain(INDEXES) {
        session.run(statement).await;
    }
    for caught in ["SELECT spy(1)", "SELECT FROM watched", "SELECT 7::spied"] {
        let answer = ask(&lab.control, caught).await;
        assert_eq!(answer, "22012 division by zero", "{caught}");
    }
    session
        .run(
            "INSERT INTO watched VALUES (1, 1, 1), (2, 2, 2); INSERT INTO watcher VALUES (1, 1, 1)",
        )
        .await;
    lab.make("watched").await;
    for table in lab.tables().await.keys() {
        lab.keys_make(table).await;
    }
    let mut session = lab.session().await;
    session.run("BEGIN; SELECT FROM watcher").await;
    let other = lab.session().await;
    other.run("INSERT INTO watcher VALUES (2, 1, 1)").await;
    session
        .run("SAVEPOINT t; UPDATE watched SET u = 5 WHERE id = 2")
        .await;
    let (changes, work) = net(&session.notes());
    session.run("ROLLBACK TO t").await;
    let arguments = arrays(&changes);
    assert_eq!(lab.strong(&session, &arguments).await, "watched|(0,2)");
    let key = &lab.key;
    let names = session
        .ask(&format!(
            "SELECT pg_treeline.row_keys('{key}', array_fill('watched'::regclass::oid, ARRAY[2]), '{{\"(0,1)\",\"(0,2)\"}}')"
        ))
        .await;
    let since = session.ask("SELECT pg_current_snapshot()").await;
    let names = names.replace(';', "','");
    let refs = ask(
        &lab.control,
        &format!("SELECT pg_treeline.references_since('{since}', ARRAY['{names}'])"),
    )
    .await;
    let unseen = format!("SELECT pg_treeline.references_unseen('{key}', '{refs}')");
    assert_eq!(session.ask(&unseen).await, "t");
    lab.enter(&session, &changes, work).await;
    assert_eq!(lab.strong_in_slot(&session).await, "watched|(0,2)");
}

#[tokio::test]
async fn all_may_make_at_once() {
    let Some(lab) = Lab::new().await else { return };
    let versions = "SELECT last_value FROM pg_treeline.catalog_version";
    let before = ask(&lab.control, versions).await;
    let other = lab.db.connect("treeline").await;
    let third = lab.db.connect("treeline").await;
    // so that it knows that there is nothing
    let known = "SELECT to_regnamespace('pg_treeline_hid_0'), to_regproc('pg_treeline_hid_0.k1')";
    assert_eq!(ask(&other, known).await, "NULL|NULL");
    let make = "SELECT pg_treeline.keys_make('par'::regclass)";
    lab.control
        .batch_execute(&format!("BEGIN; {make}"))
        .await
        .unwrap();
    let first_commits = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while ask(&third, waiting).await != "1" {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        lab.control.batch_execute("COMMIT").await.unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&other, make), first_commits);
    assert_eq!(answer, "");
    lab.keys_make("par").await;
    lab.keys_make("g").await;
    let made = "SELECT count(*), count(*) FILTER (WHERE proacl::text = '{treeline=X/treeline}'), count(DISTINCT proowner)
        FROM pg_proc WHERE pronamespace = 'pg_treeline_hid_0'::regnamespace";
    assert_eq!(ask(&lab.control, made).await, "8|8|1");
    assert_eq!(ask(&lab.control, versions).await, before);
    // an index that was built meanwhile
    let admin = lab.session().await;
    let session = lab.session().await;
    let change = "ARRAY['par'::regclass]::oid[], ARRAY['(0,1)']::tid[], ARRAY[encode('(1,7,w1,14,1)', 'hex')]";
    assert_eq!(lab.strong(&session, change).await, "");
    admin.run("CREATE UNIQUE INDEX ON par (v)").await;
    lab.keys_make("par").await;
    assert_eq!(lab.strong(&session, change).await, "par|(0,1)");
    assert_eq!(ask(&lab.control, made).await, "8|8|1");
}
