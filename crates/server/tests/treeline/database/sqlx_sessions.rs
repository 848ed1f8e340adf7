//! sqlx: its pool, its statement cache, its transactions.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{Connection, Executor, Row};

use super::cluster::Cluster;

/// sqlx takes no address besides the name, so the cluster is named by the option that is meant for
/// this, and the certificate is verified without the name.
async fn options(cluster: &Cluster) -> PgConnectOptions {
    let (id, _) = cluster.host.split_once('.').unwrap();
    PgConnectOptions::new_without_pgpass()
        .host(&cluster.address.ip().to_string())
        .port(cluster.address.port())
        .username("admin")
        .password(&cluster.token("admin").await)
        .database("postgres")
        .ssl_mode(PgSslMode::VerifyCa)
        .ssl_root_cert(cluster.authority())
        .options([("amzn-cluster-id", id)])
}

async fn pool(cluster: &Cluster) -> PgPool {
    PgPoolOptions::new()
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(20))
        .connect_with(options(cluster).await)
        .await
        .unwrap()
}

/// SQLSTATE and message.
fn refused<T>(result: Result<T, sqlx::Error>) -> (String, String) {
    let error = result.err().expect("a refusal");
    let error = error.as_database_error().expect("an error of the database");
    let code = error.code().expect("an SQLSTATE");
    (code.into_owned(), error.message().to_owned())
}

#[tokio::test]
async fn a_pool_has_statements_with_parameters() {
    let cluster = Cluster::shared();
    let pool = pool(&cluster).await;
    pool.execute("CREATE TABLE pooled (id bigint PRIMARY KEY, note text)")
        .await
        .unwrap();
    for id in 0..20_i64 {
        let note = (id % 2 == 0).then(|| format!("number {id}"));
        let inserted = sqlx::query("INSERT INTO pooled VALUES ($1, $2)")
            .bind(id)
            .bind(note);
        assert_eq!(inserted.execute(&pool).await.unwrap().rows_affected(), 1);
    }
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, note FROM pooled WHERE id = ANY($1) ORDER BY id")
            .bind(vec![3_i64, 4])
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(rows, [(3, None), (4, Some("number 4".to_owned()))]);
    let twice = sqlx::query("INSERT INTO pooled VALUES (1)").execute(&pool);
    assert_eq!(refused(twice.await).0, "23505");
    let refusal = refused(sqlx::query("TRUNCATE pooled").execute(&pool).await);
    assert_eq!(
        (refusal.0.as_str(), refusal.1.as_str()),
        ("0A000", "unsupported statement: Truncate")
    );
    pool.close().await;
}

#[tokio::test]
async fn transactions_commit_and_conflict() {
    let cluster = Cluster::shared();
    let pool = pool(&cluster).await;
    pool.execute("CREATE TABLE doubled (id int PRIMARY KEY, n int)")
        .await
        .unwrap();
    pool.execute("INSERT INTO doubled VALUES (1, 0)")
        .await
        .unwrap();
    let add = "UPDATE doubled SET n = n + 1 WHERE id = 1";
    let mut first = pool.begin().await.unwrap();
    let read = sqlx::query("SELECT n FROM doubled").fetch_one(&mut *first);
    assert_eq!(read.await.unwrap().get::<i32, _>(0), 0);
    pool.execute(add).await.unwrap();
    let lost = match sqlx::query(add).execute(&mut *first).await {
        Ok(_) => first.commit().await,
        Err(error) => {
            first.rollback().await.unwrap();
            Err(error)
        }
    };
    assert_eq!(refused(lost).0, "40001");
    let mut again = pool.begin().await.unwrap();
    sqlx::query(add).execute(&mut *again).await.unwrap();
    again.commit().await.unwrap();
    let n = sqlx::query_scalar::<_, i32>("SELECT n FROM doubled").fetch_one(&pool);
    assert_eq!(n.await.unwrap(), 2);

    // A transaction within a transaction is a savepoint.
    let mut outer = pool.begin().await.unwrap();
    let inner = refused(outer.begin().await);
    assert_eq!(inner.1, "unsupported transaction statement: SAVEPOINT");
    outer.rollback().await.unwrap();
    pool.close().await;
}
