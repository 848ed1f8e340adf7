//! tokio-postgres against the program: a session from login to end, over TLS.

mod cluster;
mod sqlx_sessions;
mod tls;

use std::error::Error as _;
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, future};
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, IsolationLevel, Row, SimpleQueryMessage};

use cluster::Cluster;
use tls::Tls;

const DENIED: &str = "unable to accept connection, access denied";

/// What the server said in place of an answer.
fn said(error: &Error) -> &DbError {
    error.as_db_error().unwrap_or_else(|| panic!("{error:?}"))
}

/// SQLSTATE and message.
fn refused<T>(result: Result<T, Error>) -> (String, String) {
    let error = result.err().expect("a refusal");
    let said = said(&error);
    (said.code().code().to_owned(), said.message().to_owned())
}

fn words(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

fn numbers(rows: &[Row]) -> Vec<i32> {
    rows.iter().map(|row| row.get(0)).collect()
}

/// A table `name` with the rows 1, 2, 3.
async fn table(client: &Client, name: &str) {
    let create = format!("CREATE TABLE {name} (id int PRIMARY KEY, note text)");
    client.execute(&create, &[]).await.unwrap();
    let insert = format!("INSERT INTO {name} VALUES (1, 'one'), (2, 'two'), (3, NULL)");
    assert_eq!(client.execute(&insert, &[]).await.unwrap(), 3);
}

#[tokio::test]
async fn who_has_a_token_and_trusts_the_authority_is_let_in() {
    let cluster = Cluster::shared();
    let mut parameters = cluster.parameters("admin").await;
    for negotiation in [SslNegotiation::Postgres, SslNegotiation::Direct] {
        parameters.ssl_negotiation(negotiation);
        let client = cluster.connect_with(&parameters).await.unwrap();
        let row = client.query_one("SELECT current_user::text, version()", &[]);
        let row = row.await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "admin");
        assert_eq!(row.get::<_, &str>(1), "PostgreSQL 16");
    }
    let error = parameters.connect(Tls::trusting_nobody()).await.err();
    let source = error.as_ref().and_then(|error| error.source());
    let source = source.expect("an error of TLS").to_string();
    assert!(source.contains("UnknownIssuer"), "{source}");
}

#[tokio::test]
async fn who_is_not_let_in_hears_why() {
    let cluster = Cluster::shared();
    let good = cluster.parameters("admin").await;
    let (mut password, mut user, mut database) = (good.clone(), good.clone(), good.clone());
    password.password("secret");
    user.user("somebody");
    database.dbname("other");
    let no_token = "The password is not an authentication token of Aurora DSQL.";
    let wrong = "Wrong user to action mapping. user: somebody, action: DbConnectAdmin";
    for (parameters, code, message, hint) in [
        (password, "08006", DENIED, Some(no_token)),
        (user, "08006", DENIED, Some(wrong)),
        (database, "3D000", "database \"other\" does not exist", None),
    ] {
        let error = cluster.connect_with(&parameters).await.err().unwrap();
        let said = said(&error);
        assert_eq!(said.parsed_severity(), Some(Severity::Fatal));
        let found = (said.code().code(), said.message(), said.hint());
        assert_eq!(found, (code, message, hint));
    }
    let plaintext = cluster.connect_in_plaintext().await;
    assert!(said(&plaintext).message().contains("SSL is mandatory"));
    let role = cluster.parameters("somebody").await;
    let error = cluster.connect_with(&role).await.err().unwrap();
    let hint = said(&error).hint().unwrap();
    assert!(hint.contains("role somebody is not granted to"), "{hint}");
}

#[tokio::test]
async fn statements_are_prepared_and_typed() {
    let cluster = Cluster::shared();
    let client = cluster.connect().await;
    table(&client, "typed").await;
    let statement = client
        .prepare("SELECT note, id + $1 AS next FROM typed WHERE id >= $2 ORDER BY id")
        .await
        .unwrap();
    assert_eq!(statement.params(), [Type::INT4, Type::INT4]);
    let columns = statement.columns().iter();
    let columns: Vec<_> = columns
        .map(|column| (column.name(), column.type_()))
        .collect();
    assert_eq!(columns, [("note", &Type::TEXT), ("next", &Type::INT4)]);
    for (from, expected) in [
        (2, vec![(Some("two"), 12), (None, 13)]),
        (3, vec![(None, 13)]),
    ] {
        let rows = client.query(&statement, &[&10, &from]).await.unwrap();
        let rows: Vec<(Option<&str>, i32)> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(rows, expected);
    }
    let several = client.simple_query("SELECT 1; INSERT INTO typed VALUES (4); SELECT 2");
    let several = several.await.unwrap();
    let rows: Vec<&str> = several
        .iter()
        .filter_map(|message| {
            let SimpleQueryMessage::Row(row) = message else {
                return None;
            };
            row.get(0)
        })
        .collect();
    assert_eq!(rows, ["1", "2"]);
}

#[tokio::test]
async fn statements_are_sent_without_waiting_for_answers() {
    let cluster = Cluster::shared();
    let client = cluster.connect().await;
    table(&client, "piped").await;
    let statement = client.prepare("SELECT $1::int * 2").await.unwrap();
    let inputs: Vec<i32> = (0..500).collect();
    let asked = inputs.iter().map(|n| {
        let parameters: [&(dyn ToSql + Sync); 1] = [n];
        let (client, statement) = (&client, &statement);
        async move { client.query_one(statement, &parameters).await }
    });
    let rows = future::try_join_all(asked).await.unwrap();
    let doubled: Vec<i32> = inputs.iter().map(|n| n * 2).collect();
    assert_eq!(numbers(&rows), doubled);

    // One that is refused, one that fails and one that writes: each has its own answer.
    let all = "SELECT id FROM piped ORDER BY id";
    let (before, refusal, failure, changed, behind) = future::join5(
        client.query_typed(all, &[]),
        client.query_typed("TRUNCATE piped", &[]),
        client.query_typed("SELECT 1 / (id - id) FROM piped", &[]),
        client.query_typed("DELETE FROM piped WHERE id = $1", &[(&2, Type::INT4)]),
        client.query_typed(all, &[]),
    )
    .await;
    assert_eq!(numbers(&before.unwrap()), [1, 2, 3]);
    let truncate = words("0A000", "unsupported statement: Truncate");
    assert_eq!(refused(refusal), truncate);
    assert_eq!(refused(failure), words("22012", "division by zero"));
    assert!(changed.unwrap().is_empty());
    assert_eq!(numbers(&behind.unwrap()), [1, 3]);

    // In a transaction what is refused ends it, for what is under way behind it as well.
    let insert = "INSERT INTO piped VALUES ($1)";
    let (begun, inserted, refusal, behind, ended) = future::join5(
        client.simple_query("BEGIN"),
        client.query_typed(insert, &[(&7, Type::INT4)]),
        client.query_typed("TRUNCATE piped", &[]),
        client.query_typed(insert, &[(&8, Type::INT4)]),
        client.simple_query("COMMIT"),
    )
    .await;
    assert!(begun.is_ok() && inserted.is_ok() && ended.is_ok());
    assert_eq!(refused(refusal), truncate);
    assert_eq!(
        refused(behind).0,
        SqlState::IN_FAILED_SQL_TRANSACTION.code()
    );
    assert_eq!(numbers(&client.query(all, &[]).await.unwrap()), [1, 3]);
}

#[tokio::test]
async fn portals_give_their_rows_in_parts() {
    let cluster = Cluster::shared();
    let mut client = cluster.connect().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT generate_series(1, $1::int)", &[&7]);
    let portal = portal.await.unwrap();
    for (limit, expected) in [(3, vec![1, 2, 3]), (2, vec![4, 5]), (0, vec![6, 7])] {
        let rows = transaction.query_portal(&portal, limit).await.unwrap();
        assert_eq!(numbers(&rows), expected);
    }
    transaction.commit().await.unwrap();
    let declared = client
        .batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT 1")
        .await;
    let cursor = words("0A000", "unsupported statement: DeclareCursor");
    assert_eq!(refused(declared), cursor);
    client.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn rows_are_copied_in_and_out() {
    let cluster = Cluster::shared();
    let client = cluster.connect().await;
    table(&client, "copied").await;
    let types = [Type::INT4, Type::TEXT];
    let sink = client
        .copy_in("COPY copied FROM STDIN BINARY")
        .await
        .unwrap();
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for id in 10..1010 {
        let note = (id % 2 == 0).then(|| format!("number {id}"));
        writer.as_mut().write(&[&id, &note]).await.unwrap();
    }
    assert_eq!(writer.finish().await.unwrap(), 1000);

    let query = "COPY (SELECT * FROM copied WHERE id >= 10 ORDER BY id) TO STDOUT BINARY";
    let stream = client.copy_out(query).await.unwrap();
    let rows: Vec<_> = BinaryCopyOutStream::new(stream, &types)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 1000);
    assert_eq!(rows[4].get::<i32>(0), 14);
    assert_eq!(rows[4].get::<Option<&str>>(1), Some("number 14"));
    assert_eq!(rows[5].get::<Option<&str>>(1), None);

    // A key that is there already: all of it is refused.
    let sink = client
        .copy_in("COPY copied FROM STDIN BINARY")
        .await
        .unwrap();
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    writer.as_mut().write(&[&1, &None::<&str>]).await.unwrap();
    let error = writer.finish().await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::UNIQUE_VIOLATION));
    let count = client
        .query_one("SELECT count(*) FROM copied", &[])
        .await
        .unwrap();
    assert_eq!(count.get::<_, i64>(0), 1003);
}

#[tokio::test]
async fn a_statement_is_cancelled_and_the_session_goes_on() {
    let cluster = Cluster::shared();
    let client = cluster.connect().await;
    let token = client.cancel_token();
    let tls = Tls::trusting(&cluster.authority());
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        token.cancel_query(tls).await.unwrap();
    };
    let (slept, ()) = tokio::join!(client.query("SELECT pg_sleep(60)", &[]), cancel);
    assert_eq!(refused(slept).0, SqlState::QUERY_CANCELED.code());
    assert_eq!(numbers(&client.query("SELECT 1", &[]).await.unwrap()), [1]);
}

#[tokio::test]
async fn transactions_commit_roll_back_and_conflict() {
    let cluster = Cluster::shared();
    let (mut one, mut two) = (cluster.connect().await, cluster.connect().await);
    table(&one, "moved").await;
    let dropped = one.transaction().await.unwrap();
    dropped.execute("DELETE FROM moved", &[]).await.unwrap();
    drop(dropped);

    let set = "UPDATE moved SET note = $1 WHERE id = 1";
    let level = IsolationLevel::RepeatableRead;
    let first = one.build_transaction().isolation_level(level);
    let first = first.start().await.unwrap();
    let second = two.transaction().await.unwrap();
    assert_eq!(first.execute(set, &[&"first"]).await.unwrap(), 1);
    let written = second.execute(set, &[&"second"]).await;
    let results = [
        first.commit().await,
        match written {
            Ok(_) => second.commit().await,
            Err(error) => Err(error),
        },
    ];
    let [lost] = &results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect::<Vec<_>>()[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!(lost.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE));
    let conflict = "change conflicts with another transaction (OC000)";
    assert_eq!(said(lost).message(), conflict);

    let serializable = one
        .build_transaction()
        .isolation_level(IsolationLevel::Serializable);
    let level = refused(serializable.start().await).1;
    assert!(level.contains("isolation level"), "{level}");
    let count = one
        .query_one("SELECT count(*) FROM moved", &[])
        .await
        .unwrap();
    assert_eq!(count.get::<_, i64>(0), 3);
}

#[tokio::test]
async fn errors_say_what_and_where() {
    let cluster = Cluster::shared();
    let client = cluster.connect().await;
    table(&client, "told").await;
    let error = client.execute("INSERT INTO told VALUES (1)", &[]).await;
    let error = error.unwrap_err();
    let duplicate = said(&error);
    assert_eq!(duplicate.code(), &SqlState::UNIQUE_VIOLATION);
    assert_eq!(duplicate.constraint(), Some("told_pkey"));
    assert_eq!(
        (duplicate.schema(), duplicate.table()),
        (Some("public"), Some("told"))
    );
    for (sql, code, message) in [
        (
            "SELECT nothing",
            "42703",
            "column \"nothing\" does not exist",
        ),
        ("SELEC 1", "42601", "syntax error at or near \"SELEC\""),
        (
            "CREATE TABLE t (id serial)",
            "42704",
            "type \"serial\" does not exist",
        ),
        (
            "CREATE INDEX ON told (note)",
            "0A000",
            "unsupported mode. please use CREATE INDEX ASYNC.",
        ),
        (
            "SAVEPOINT s",
            "0A000",
            "unsupported transaction statement: SAVEPOINT",
        ),
    ] {
        let expected = words(code, message);
        assert_eq!(refused(client.execute(sql, &[]).await), expected, "{sql}");
        assert_eq!(refused(client.batch_execute(sql).await), expected, "{sql}");
    }
}

#[tokio::test]
async fn an_asynchronous_index_answers_with_its_job() {
    let cluster = Cluster::shared();
    let client = cluster.connect().await;
    table(&client, "indexed").await;
    let job = client.query_one("CREATE INDEX ASYNC ON indexed (note)", &[]);
    let job = job.await.unwrap();
    assert_eq!(job.columns()[0].name(), "job_id");
    let job: &str = job.get(0);
    client
        .execute("CALL sys.wait_for_job($1)", &[&job])
        .await
        .unwrap();
    let rows = client.query_raw("SELECT status FROM sys.jobs WHERE job_id = $1", [job]);
    let mut rows = pin!(rows.await.unwrap());
    let row = rows.next().await.unwrap().unwrap();
    assert_eq!(row.get::<_, &str>(0), "completed");
}
