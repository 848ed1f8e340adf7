//! Rows that were locked weakly: what they are called, who refers to them, and whose keys change.

use super::*;

impl Lab {
    pub(super) async fn keys_make(&self, table: &str) {
        let sql = format!("SELECT pg_treeline.keys_make('{table}'::regclass)");
        assert_eq!(ask(&self.control, &sql).await, "");
    }

    /// The identities of the rows of a table that fulfil a condition.
    pub(super) async fn identities(&self, session: &Session, from: &str) -> Vec<String> {
        let table = from.split(" WHERE").next().unwrap();
        let places =
            format!("SELECT quote_literal(array_agg(ctid ORDER BY ctid)), count(*) FROM {from}");
        let answer = ask(&self.control, &places).await;
        let (places, count) = answer.split_once('|').unwrap();
        let sql = format!(
            "SELECT pg_treeline.row_keys('{}', array_fill('{table}'::regclass::oid, ARRAY[{count}]),
               {places}::tid[])",
            self.key
        );
        let answer = session.ask(&sql).await;
        answer.split(';').map(str::to_owned).collect()
    }

    /// How the references to rows that are there now stand to a snapshot.
    pub(super) async fn references(&self, session: &Session, from: &str) -> String {
        let keys = self.identities(session, from).await.join("','");
        let since = session.ask("SELECT pg_current_snapshot()").await;
        let sql = format!(
            "SELECT pg_treeline.references_since('{since}', ARRAY['{keys}']) IS NULL,
               pg_treeline.references_since('{since}', ARRAY['{keys}'])"
        );
        let found = ask(&self.control, &sql).await;
        let Some(refs) = found.strip_prefix("f|") else {
            assert_eq!(found, "t|NULL");
            return "none".into();
        };
        let sql = format!(
            "SELECT pg_treeline.references_unseen('{}', '{refs}')",
            self.key
        );
        match session.ask(&sql).await.as_str() {
            "t" => "unseen".into(),
            "f" => "seen".into(),
            other => other.into(),
        }
    }
}

fn read(name: &str) -> String {
    String::from_utf8(hex::decode(name).unwrap()).unwrap()
}

const KINDS: &str = "CREATE DOMAIN word AS varchar(20) CHECK (value <> 'bad');
    CREATE TABLE kinds (a uuid, b timestamptz, \"c \"\"d\"\" 100%\" word, e char(5), f numeric(9, 3), g text,
      h float8, i float4, PRIMARY KEY (a, b, \"c \"\"d\"\" 100%\", e, f, g, h, i), j date UNIQUE, k bool, l time,
      m timestamp, n int8, o int2, UNIQUE (k, l, m, n, o, \"c \"\"d\"\" 100%\"), x text);
    CREATE TABLE kin (id int PRIMARY KEY, \"found\" date REFERENCES kinds (j), k bool, l time, m timestamp,
      n int8, o int2, \"100%s\" word,
      FOREIGN KEY (n, k, \"100%s\", o, m, l) REFERENCES kinds (n, k, \"c \"\"d\"\" 100%\", o, m, l));
    INSERT INTO kinds VALUES
      ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-10-25 00:30:00.123456+00', E'it''s \"q\" \\\\', 'ab ', 1.50, '{,}',
       0.1::float8 + 0.2::float8, 0.1::float4 + 0.2::float4, '2026-02-03', true, '23:59:59.999999',
       '2026-02-03 04:05:06.789', 9223372036854775807, -5),
      ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-10-25 01:30:00.123456+00', 'w', '', 'NaN', chr(8364) || chr(233),
       '-Infinity', 1e-45, 'infinity', false, '00:00', '0044-03-15 12:00:00 BC', 0, 0)";

#[tokio::test]
async fn a_row_has_one_name_in_all_sessions() {
    let Some(lab) = Lab::new().await else { return };
    let admin = lab.session().await;
    admin.run(KINDS).await;
    admin.run("CREATE ROLE app LOGIN").await;
    lab.keys_make("kinds").await;
    lab.keys_make("g").await;
    let names = lab.identities(&admin, "kinds").await;
    assert!(names.len() == 2 && names[0] != names[1]);
    let relation = lab.tables().await["public.kinds"];
    let name = read(&names[0]);
    assert!(name.contains(&format!("\"r\": \"{relation}\"")), "{name}");
    assert!(
        name.contains("2026-10-25 00:30:00.123456+00") && name.contains("\"9\": \"2026-02-03\""),
        "{name}"
    );
    for settings in [
        "SET extra_float_digits = -15; SET datestyle = 'SQL, DMY'; SET timezone = 'Europe/Amsterdam'",
        "SET client_encoding = 'LATIN1'; SET datestyle = 'German'; SET search_path = nosuch",
        "SET standard_conforming_strings = off; SET intervalstyle = iso_8601; SET enable_tidscan = off",
    ] {
        let app = Session::new(&lab.db, "app").await;
        app.run(settings).await;
        let sql = lab.identities(&app, "public.kinds").await;
        assert_eq!(sql, names, "{settings}");
    }
    // whose other columns have changed
    admin.run("UPDATE kinds SET x = 'other'").await;
    assert_eq!(lab.identities(&admin, "kinds").await, names);
    admin.run("UPDATE kinds SET o = 7 WHERE k").await;
    let changed = lab.identities(&admin, "kinds").await;
    assert!(changed.contains(&names[1]) && !changed.contains(&names[0]));
    // without a primary key the place is all there is
    let places = lab.identities(&admin, "g").await;
    assert!(read(&places[1]).contains("\"c\": \"(0,2)\"") && places[0] != places[1]);
}

#[tokio::test]
async fn names_come_in_the_order_of_the_rows() {
    let Some(lab) = Lab::new().await else { return };
    for table in ["par", "g"] {
        lab.keys_make(table).await;
    }
    let session = lab.session().await;
    session.run("BEGIN; SELECT FROM par").await;
    let other = lab.session().await;
    other
        .run("INSERT INTO par (id, v) VALUES (21, 1); DELETE FROM g WHERE a = 2")
        .await;
    let sql = format!(
        "SELECT convert_from(decode(k, 'hex'), 'UTF8')::jsonb - 'r' - 'f' FROM pg_treeline.row_keys('{}',
           ARRAY['par', 'g', 'par', 'g', 'par', 'par']::regclass[]::oid[],
           ARRAY['(0,2)', '(0,3)', '(0,21)', '(9,9)', '(0,1)', '(0,2)']::tid[]) k",
        lab.key
    );
    let answer = r#"{"k": ["2"]};{"c": "(0,3)"};NULL;NULL;{"k": ["1"]};{"k": ["2"]}"#;
    assert_eq!(session.ask(&sql).await, answer);
    let none = format!("SELECT pg_treeline.row_keys('{}', '{{}}', '{{}}')", lab.key);
    assert_eq!(session.ask(&none).await, "");
}

#[tokio::test]
async fn tables_have_keys() {
    let Some(lab) = Lab::new().await else { return };
    let admin = lab.session().await;
    admin
        .run("CREATE TABLE two (id int PRIMARY KEY, code int UNIQUE); CREATE TABLE p (id int UNIQUE, v int);
            CREATE TABLE two_ref (a int REFERENCES two, b int REFERENCES two (code)); CREATE UNIQUE INDEX ON p (v) WHERE v > 1;
            CREATE UNIQUE INDEX ON p ((v + 1)); CREATE INDEX ON p (v); CREATE UNIQUE INDEX ON p (id) INCLUDE (v);
            CREATE TABLE p_ref (id int REFERENCES p (id))")
        .await;
    for (table, expected) in [
        ("par", "t|t|{id,w}"),
        ("ch", "f|t|{id}"),
        ("g", "f|f|{}"),
        ("tree", "t|f|{id}"),
        ("full_p", "t|f|{a,b}"),
        // what one of them refers to, the other does not
        ("two", "t|t|{code,id}"),
        ("p", "t|f|{id}"),
        ("\"Two words\".\"Table\"", "f|t|{select}"),
    ] {
        let sql = format!("SELECT * FROM pg_treeline.keys_of('{table}'::regclass)");
        assert_eq!(ask(&lab.control, &sql).await, expected, "{table}");
    }
}

const FAMILY: &str = "CREATE TABLE pa (id int PRIMARY KEY, code char(5) UNIQUE, x int, y text, v int, UNIQUE (x, y));
    CREATE TABLE c1 (id int PRIMARY KEY, p bigint REFERENCES pa, v int);
    CREATE TABLE c2 (id text PRIMARY KEY, \"the code\" char(5) REFERENCES pa (code), v int);
    CREATE INDEX ON c2 (\"the code\");
    CREATE TABLE c3 (a int, b text, v int, FOREIGN KEY (b, a) REFERENCES pa (y, x));
    CREATE TABLE c4 (a int, b text, x int, y text, PRIMARY KEY (b, a), FOREIGN KEY (x, y) REFERENCES pa (x, y) MATCH FULL);
    CREATE TABLE pt (id int PRIMARY KEY, up int REFERENCES pt);
    CREATE TABLE c5 (a int, b int PRIMARY KEY, FOREIGN KEY (a, a) REFERENCES full_p);
    INSERT INTO pa SELECT g, 'c' || g, g, 'it''s ' || g FROM generate_series(1, 3) g";

/// What each case starts from.
const BASE: &str = "DELETE FROM c1; DELETE FROM c2; DELETE FROM c3; DELETE FROM c4; DELETE FROM c5; DELETE FROM pt;
    INSERT INTO c1 VALUES (1, 1), (2, 2); INSERT INTO c2 VALUES ('i''1', 'c1'); INSERT INTO c3 VALUES (1, 'it''s 1');
    INSERT INTO c4 VALUES (1, 'b', 1, 'it''s 1'); INSERT INTO pt VALUES (1, NULL), (2, 1)";

/// One transaction before and after another's snapshot; of a row that the latter sees, the references.
const CASES: [(&str, &str, &str, &str); 27] = [
    ("", "", "pa WHERE id = 1", "none"),
    (
        "",
        "INSERT INTO c1 VALUES (3, 1)",
        "pa WHERE id = 1",
        "unseen",
    ),
    (
        "",
        "INSERT INTO c1 VALUES (3, 1)",
        "pa WHERE id = 2",
        "none",
    ),
    ("", "INSERT INTO c1 VALUES (3, 2)", "pa", "unseen"),
    (
        "",
        "INSERT INTO c1 VALUES (3, NULL); INSERT INTO c4 VALUES (9, 'b')",
        "pa",
        "none",
    ),
    (
        "INSERT INTO c1 VALUES (3, 1)",
        "",
        "pa WHERE id = 1",
        "unseen",
    ),
    (
        "INSERT INTO c1 VALUES (3, 3); SAVEPOINT s; INSERT INTO c1 VALUES (4, 1); RELEASE s",
        "",
        "pa WHERE id = 1",
        "unseen",
    ),
    (
        "INSERT INTO c1 VALUES (3, 3)",
        "SAVEPOINT s; INSERT INTO c1 VALUES (4, 1)",
        "pa WHERE id = 1",
        "unseen",
    ),
    (
        "INSERT INTO c1 VALUES (3, 3); SAVEPOINT s; INSERT INTO c1 VALUES (4, 1); ROLLBACK TO s",
        "",
        "pa WHERE id = 1",
        "none",
    ),
    // committed before the snapshot, by one younger than the oldest that was open
    (
        "INSERT INTO c1 VALUES (3, 3); -- INSERT INTO c1 VALUES (4, 1)",
        "",
        "pa WHERE id = 1",
        "seen",
    ),
    (
        "INSERT INTO c1 VALUES (3, 3); -- INSERT INTO c3 VALUES (2, 'it''s 2')",
        "",
        "pa WHERE id = 2",
        "seen",
    ),
    ("", "UPDATE c1 SET v = 7", "pa WHERE id = 1", "seen"),
    (
        "",
        "UPDATE c1 SET v = 7; INSERT INTO c1 VALUES (5, 1)",
        "pa WHERE id = 1",
        "unseen",
    ),
    (
        "",
        "UPDATE c1 SET p = 3 WHERE id = 1",
        "pa WHERE id = 1",
        "none",
    ),
    (
        "",
        "UPDATE c1 SET p = 3 WHERE id = 1",
        "pa WHERE id = 3",
        "unseen",
    ),
    (
        "",
        "UPDATE c1 SET p = 3 WHERE id = 1; UPDATE c1 SET p = 1 WHERE id = 1",
        "pa",
        "seen",
    ),
    (
        "",
        "INSERT INTO c1 VALUES (3, 1); DELETE FROM c1 WHERE id = 3",
        "pa WHERE id = 1",
        "none",
    ),
    (
        "",
        "INSERT INTO c2 VALUES ('i''2', 'c2')",
        "pa WHERE id = 2",
        "unseen",
    ),
    ("", "UPDATE c2 SET v = 1", "pa WHERE id = 1", "seen"),
    (
        "",
        "INSERT INTO c3 VALUES (2, 'it''s 2')",
        "pa WHERE id = 2",
        "unseen",
    ),
    // which is not to be told from another without a primary key
    ("", "UPDATE c3 SET v = 2", "pa WHERE id = 1", "unseen"),
    (
        "",
        "INSERT INTO c4 VALUES (2, 'b', 3, 'it''s 3')",
        "pa",
        "unseen",
    ),
    (
        "",
        "UPDATE c4 SET x = x, y = 'it''s ' || 1",
        "pa WHERE id = 1",
        "seen",
    ),
    (
        "",
        "INSERT INTO pt VALUES (3, 2)",
        "pt WHERE id = 2",
        "unseen",
    ),
    (
        "",
        "INSERT INTO pt VALUES (3, 2)",
        "pt WHERE id = 1",
        "none",
    ),
    ("", "INSERT INTO c5 VALUES (1, 1)", "full_p", "unseen"),
    (
        "INSERT INTO full_p VALUES (9, 9); -- INSERT INTO c5 VALUES (2, 2)",
        "",
        "full_p WHERE a = 2",
        "seen",
    ),
];

#[tokio::test]
async fn new_references_are_told_from_old_ones() {
    let Some(lab) = Lab::new().await else { return };
    let admin = lab.session().await;
    admin.run(FAMILY).await;
    // who owns a table that refers need not be who owns the other
    lab.control
        .batch_execute(
            "CREATE ROLE app LOGIN; ALTER TABLE c2 OWNER TO app; ALTER TABLE c4 OWNER TO app",
        )
        .await
        .unwrap();
    for table in ["pa", "pt", "full_p"] {
        lab.keys_make(table).await;
    }
    let (first, second, third) = (
        lab.session().await,
        lab.session().await,
        lab.session().await,
    );
    let app = Session::new(&lab.db, "app").await;
    lab.control
        .batch_execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO admin")
        .await
        .unwrap();
    for (before, after, row, expected) in CASES {
        lab.control.batch_execute(BASE).await.unwrap();
        let (before, committed) = before.split_once(" -- ").unwrap_or((before, ""));
        first.run(&format!("BEGIN; {before}")).await;
        third.run(committed).await;
        for session in [&second, &app] {
            session.run("BEGIN; SELECT 1").await;
        }
        first.run(&format!("{after}; COMMIT")).await;
        for session in [&second, &app] {
            let answer = lab.references(session, row).await;
            assert_eq!(answer, expected, "{before} / {after} / {row}");
            session.run("COMMIT").await;
        }
    }
}
