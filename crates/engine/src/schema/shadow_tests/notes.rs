//! Notes: of every type, with whatever settings, into the shadow and back onto the table.

use super::*;

const TABLE: &str = "CREATE DOMAIN word AS varchar(10) CHECK (value <> 'bad');
    CREATE TABLE kinds (id int PRIMARY KEY, a smallint, b bigint, c real, d float8, e numeric, f numeric(20,6),
    g char(5), h varchar(9), i text, j date, k time(3), l timetz, m timestamp, n timestamptz, o interval,
    p boolean, q uuid, r bytea, s json, t jsonb, \"u \"\"x\" word)";

/// Rows that lose something in one format or another.
const ROWS: &str = "INSERT INTO kinds VALUES
    (1, -32768, 9223372036854775807, 0.1::float4 + 0.2::float4, 0.1::float8 + 0.2::float8, 1.10, 1e12 + 0.000001,
     'ab', 'v', E'\u{20AC} \"q\" \\\\ , () '' \\n\\t', '2026-02-03', '23:59:59.999', '04:05:06.789-08:30',
     '0044-03-15 12:00:00 BC', '2026-06-30 12:34:56.123456+02', '-1 year -2 mons +3 days -04:05:06.789',
     true, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff5c27', '{\"a\":  [1, null]}', '{\"b\": 1.50}', 'w'),
    (2, 0, 0, 'NaN', '-Infinity', 'NaN', NULL, '', '', '', 'infinity', '24:00', '00:00+15:59', '-infinity',
     'infinity', '0', false, NULL, '', '\"\"', 'null', ''),
    (4, 1, 1, 1e-45, 5e-324, 1e-1000, 0, ' ', ' ', ' ', '5874897-12-31', '00:00', '00:00-15:59',
     '294276-12-31 23:59:59.999999', '1800-01-01 00:00:00+00', '178000000 years', NULL, NULL, '\\x', '1', '1', ' ');
    INSERT INTO kinds (id) VALUES (3)";

const SETTINGS: [&str; 5] = [
    "SELECT 1",
    "SET extra_float_digits = -15; SET datestyle = 'SQL, DMY'; SET intervalstyle = sql_standard;
     SET timezone = 'America/St_Johns'",
    "SET datestyle = 'German'; SET intervalstyle = postgres_verbose; SET timezone = 'Asia/Kolkata'",
    "SET datestyle = 'Postgres, MDY'; SET intervalstyle = iso_8601; SET timezone = 'Europe/Amsterdam'",
    "SET client_encoding = 'LATIN1'; SET extra_float_digits = 3; SET timezone = 'Australia/Lord_Howe'",
];

/// All values as PostgreSQL stores them.
async fn stored(session: &Session) -> String {
    session
        .ask("SELECT id, encode(record_send(x), 'hex') FROM kinds x ORDER BY id")
        .await
}

#[tokio::test]
async fn values_survive_with_all_settings() {
    let Some(lab) = Lab::new().await else { return };
    let admin = lab.session().await;
    admin.run(TABLE).await;
    lab.make("kinds").await;
    for settings in SETTINGS {
        let mut session = lab.session().await;
        let text = if settings.contains("LATIN1") {
            ROWS.replace('\u{20AC}', "\\\\u20ac")
        } else {
            ROWS.to_owned()
        };
        session.run(&format!("BEGIN; SAVEPOINT t; {text}")).await;
        let insert_euro = "UPDATE kinds SET i = i || chr(8364) WHERE id < 3";
        session.run(insert_euro).await;
        session.run(settings).await;
        session.run("UPDATE kinds SET a = a WHERE id <= 3").await;
        let session_settings = settings.replace("SET ", "SET LOCAL ");
        let dump = "SET LOCAL client_encoding = 'UTF8'";
        let (changes, work) = net(&session.notes());
        assert_eq!((changes.len(), work >> 40), (4, 9));
        session.run(dump).await;
        let expected = stored(&session).await;
        for slot in [false, true] {
            session.run("ROLLBACK TO t").await;
            session.run(&session_settings).await;
            if slot {
                lab.enter(&session, &changes, work).await;
                session.run(dump).await;
                assert_eq!(stored(&session).await, expected, "{settings}");
                assert_eq!(lab.apply(&session).await, "");
            } else {
                assert_eq!(lab.images(&session, &changes, work).await, "");
            }
            session.run(dump).await;
            assert_eq!(stored(&session).await, expected, "{settings}");
        }
        session.run("ROLLBACK").await;
    }
}

#[tokio::test]
async fn only_subtransactions_are_noted() {
    let Some(lab) = Lab::new().await else { return };
    let mut session = lab.session().await;
    let write = "INSERT INTO g VALUES (7, 'a'); UPDATE g SET b = 'c' WHERE a = 7; DELETE FROM g WHERE a = 7";
    session.run(write).await;
    session.run(&format!("BEGIN; {write}; COMMIT")).await;
    session.run("BEGIN; SAVEPOINT t; RELEASE t").await;
    session.run(&format!("{write}; COMMIT")).await;
    assert_eq!(session.notes().len(), 0);
    session
        .run("BEGIN; SELECT FROM ch WHERE id = 1 FOR UPDATE; SAVEPOINT t")
        .await;
    session
        .run("SELECT FROM ch WHERE id = 2 FOR UPDATE; DELETE FROM par WHERE id < 3")
        .await;
    session.run(write).await;
    let notes = session.notes();
    // two parents, their two children
    let deleted = notes.iter().filter(|n| n.message().ends_with(" - -"));
    assert_eq!((notes.len(), deleted.count()), (7, 5));
    assert_eq!(net(&notes).0.len(), 4);
    session.run("ROLLBACK").await;
}
