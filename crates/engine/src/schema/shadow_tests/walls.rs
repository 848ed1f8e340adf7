//! What clients may not do with the shadow, and what code of theirs runs as.

use super::*;

/// Fails whoever runs it as the superuser, but not whoever plans it.
const SPY: &str = "CREATE FUNCTION spy(v int) RETURNS bool LANGUAGE sql IMMUTABLE
    AS 'SELECT 1 / (current_user <> ''treeline'')::int = 1';
    CREATE DOMAIN spied AS int CHECK (spy(value));
    CREATE TABLE top_secret (id int PRIMARY KEY CHECK (spy(1)), v spied CHECK (spy(v)),
      g bool GENERATED ALWAYS AS (spy(v)) STORED, d bool DEFAULT spy(2), CHECK (spy(id) AND spy(3)));
    CREATE TABLE below (id int PRIMARY KEY CHECK (spy(id)), t int DEFAULT spy(5)::int REFERENCES top_secret
      ON DELETE SET DEFAULT ON UPDATE CASCADE)";
const INDEX: &str =
    "CREATE UNIQUE INDEX one ON top_secret ((spy(id)), (spy(4)), id) WHERE spy(6) AND spy(v)";

#[tokio::test]
async fn code_of_clients_never_runs_as_the_superuser() {
    let Some(lab) = Lab::new().await else { return };
    let session = lab.session().await;
    for statement in SPY.split(";\n") {
        session.run(statement).await;
    }
    session.run(INDEX).await;
    let caught = ask(&lab.control, "SELECT spy(1)").await;
    assert_eq!(caught, "22012 division by zero");
    session
        .run("INSERT INTO top_secret (id, v) VALUES (1, 1), (2, 2), (3, 3)")
        .await;
    session
        .run("INSERT INTO below VALUES (1, 1), (2, 2), (3, 3)")
        .await;
    lab.make("top_secret").await;
    let mut session = lab.session().await;
    session.run("BEGIN; SELECT FROM below; SAVEPOINT t").await;
    let write = "UPDATE top_secret SET v = 9 WHERE id = 2; INSERT INTO top_secret VALUES (5, 5)";
    session.run(write).await;
    let (changes, work) = net(&session.notes());
    session.run("ROLLBACK TO t").await;
    assert_eq!(lab.images(&session, &changes, work).await, "");
    session.run("ROLLBACK TO t").await;
    lab.enter(&session, &changes, work).await;
    session
        .run("INSERT INTO top_secret (id, v) VALUES (6, 6); DELETE FROM top_secret WHERE id = 3")
        .await;
    session
        .run("UPDATE top_secret SET id = 20 WHERE id = 2; UPDATE below SET t = 20 WHERE id = 1")
        .await;
    let answer = session
        .ask("SELECT id, v, g FROM top_secret ORDER BY 1; SELECT * FROM below ORDER BY 1")
        .await;
    assert_eq!(answer, "1|1|t;5|5|t;6|6|t;20|9|t;1|20;2|20;3|1");
    let tables = "SELECT pg_treeline.shadow_hydrate($k, true);
        INSERT INTO pg_treeline_over_1_public.top_secret VALUES (1, 1) ON CONFLICT DO NOTHING;
        SELECT pg_treeline.shadow_hydrate($k, false);
        SELECT pg_treeline.shadow_unhydrate($k, 1, 'public.top_secret'::regclass)"
        .replace("$k", &format!("'{}'", lab.key));
    session.run(&tables).await;
    assert_eq!(lab.apply(&session).await, "");
    let rows = session
        .ask("SELECT string_agg(quote_literal(ctid), ',') FROM top_secret")
        .await;
    let oids = vec!["'top_secret'::regclass"; rows.matches('(').count()].join(",");
    let key = &lab.key;
    let lock = format!(
        "SELECT pg_treeline.lock_again('{key}', ARRAY[{oids}]::oid[], ARRAY[{rows}]::tid[], true, true)"
    );
    assert_eq!(session.ask(&lock).await, "");
    session.run("COMMIT").await;
}

/// Runs `SQL => answer`, each undone after it; `$g` is the OID of the table g.
async fn check(lab: &Lab, session: &Session, table: &str) {
    let oid = lab.tables().await["public.g"].to_string();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (sql, expected) = line.split_once(" =>").unwrap();
        let expected = expected.trim_start();
        session.run("SAVEPOINT s").await;
        let answer = session.ask(&sql.replace("$g", &oid)).await;
        let right = expected
            .strip_suffix('*')
            .map_or(answer == expected, |start| answer.starts_with(start));
        assert!(right, "{line}: {answer}");
        session.run("ROLLBACK TO s").await;
    }
}

#[tokio::test]
async fn a_slot_is_its_transactions_alone() {
    let Some(lab) = Lab::new().await else { return };
    lab.make("g").await;
    lab.make("vpar").await;
    let admin = lab.session().await;
    admin.run("BEGIN; SELECT FROM g; SAVEPOINT t").await;
    lab.enter(&admin, &[], 0).await;
    admin.run("INSERT INTO g VALUES (42, 'mine')").await;
    let other = lab.session().await;
    other.run("BEGIN").await;
    check(&lab, &other, include_str!("../tests/shadow_walls.txt")).await;
    admin.run("ROLLBACK").await;
    other.run("ROLLBACK").await;
    let oid = lab.tables().await["public.g"];
    let call = format!("SELECT pg_treeline_hid_1.a{oid}('TRUNCATE g')");
    // owned by the client, for the sake of its expressions
    for (sql, code) in [
        (
            "ALTER TABLE pg_treeline_over_1_public.g ADD COLUMN x int",
            "0A000",
        ),
        ("DROP TABLE pg_treeline_over_1_public.g CASCADE", "0A000"),
        ("CREATE INDEX ON pg_treeline_over_1_public.g (a)", "42501"),
        (&call, "42501"),
    ] {
        let answer = other.ask(sql).await;
        assert!(answer.starts_with(code), "{sql}: {answer}");
    }
    // what is the client's goes with what a slot has of it
    assert_eq!(other.ask("DROP TABLE g CASCADE").await, "");
}

#[tokio::test]
async fn rights_in_the_shadow_are_those_on_the_table() {
    let Some(lab) = Lab::new().await else { return };
    let admin = lab.session().await;
    admin.run("CREATE ROLE app LOGIN").await;
    admin
        .run("GRANT SELECT, INSERT (a), UPDATE (b) ON g TO app")
        .await;
    lab.make("g").await;
    lab.make("vpar").await;
    let app = Session::new(&lab.db, "app").await;
    app.run("BEGIN; SELECT FROM g; SAVEPOINT t").await;
    lab.enter(&app, &[], 0).await;
    check(&lab, &app, include_str!("../tests/shadow_rights.txt")).await;
    app.run("UPDATE g SET b = 'x' WHERE a = 1").await;
    // from notes alone it takes all rights on the table
    app.run("SAVEPOINT s").await;
    let change = Change {
        relation: lab.tables().await["public.g"],
        old: None,
        image: None,
    };
    let answer = lab.images(&app, &[change], 0).await;
    assert_eq!(answer, "TL002 a slot is needed");
    app.run("ROLLBACK TO s").await;
    assert_eq!(lab.apply(&app).await, "");
    app.run("COMMIT").await;
    let rows = admin.ask("SELECT count(*) FROM g WHERE b = 'x'").await;
    assert_eq!(rows, "2");
}

#[tokio::test]
async fn names_are_resolved_along_the_path() {
    let Some(lab) = Lab::new().await else { return };
    let session = lab.session().await;
    session
        .run("SET search_path = nosuch, \"$user\", \"Two words\", public")
        .await;
    let sql = |slot| {
        format!(
            "SELECT at, schema, name, kind, made FROM pg_treeline.shadow_resolve({slot},
        ARRAY['par', 'nosuch', '\"Table\"', 'vpar', 'public.ch', 'pg_class']) ORDER BY 1"
        )
    };
    let natively = "1|public|par|r|f;3|Two words|Table|r|f;4|public|vpar|v|f;5|public|ch|r|f;6|pg_catalog|pg_class|r|f";
    assert_eq!(session.ask(&sql("NULL")).await, natively);
    session.run("BEGIN; SELECT FROM par; SAVEPOINT t").await;
    assert_eq!(session.ask(&sql("1")).await, natively);
    // after the snapshot
    lab.make("par").await;
    lab.make("\"Two words\".\"Table\"").await;
    lab.enter(&session, &[], 0).await;
    assert_eq!(
        session.ask("SHOW search_path").await,
        "pg_treeline_seen_1_nosuch, nosuch, pg_treeline_seen_1_admin, \"$user\", \
         \"pg_treeline_seen_1_Two words\", \"Two words\", pg_treeline_seen_1_public, public"
    );
    let made = "1|public|par|r|t;3|Two words|Table|r|t;4|public|vpar|v|t;5|public|ch|r|t;6|pg_catalog|pg_class|r|f";
    assert_eq!(session.ask(&sql("1")).await, made);
    session.run("UPDATE \"Table\" SET \"new\" = 5 WHERE \"select\" = 1; UPDATE par SET v = 5 WHERE id = 1").await;
    assert_eq!(lab.apply(&session).await, "");
    let answer = session.ask("SELECT \"new\" FROM \"Two words\".\"Table\" ORDER BY 1 DESC; SELECT v FROM par WHERE id = 1").await;
    assert_eq!(answer, "5;2;0;5");
    session.run("ROLLBACK").await;
    assert_eq!(
        session.ask("SHOW search_path").await,
        "nosuch, \"$user\", \"Two words\", public"
    );
}
