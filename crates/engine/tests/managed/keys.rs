//! What the engine answers about rows that refer to others.

use crate::common::{connect, directory, name, one, options, query, start};
use engine::Keys;

#[tokio::test]
async fn references_are_found_that_a_snapshot_lacks() {
    let directory = directory();
    let engine = start(options(directory.path())).await;
    let database = name(1);
    let mut old = connect(&engine, &database).await;
    let mut new = connect(&engine, &database).await;
    query(
        &mut old,
        "CREATE TABLE p (id int PRIMARY KEY, code int UNIQUE)",
    )
    .await
    .unwrap();
    query(
        &mut old,
        "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)",
    )
    .await
    .unwrap();
    query(&mut old, "INSERT INTO p VALUES (1, 1)")
        .await
        .unwrap();
    let relation = one(&mut old, "SELECT 'p'::regclass::oid::text").await;
    let keys = engine.keys(&database, relation.parse().unwrap()).await;
    let several = Keys {
        referenced: true,
        several: true,
        columns: Some(vec!["code".to_owned(), "id".to_owned()]),
    };
    assert_eq!(keys.unwrap(), several);
    for _ in 0..2 {
        let made = engine.keys_make(&database, relation.parse().unwrap());
        made.await.unwrap();
    }
    query(&mut old, "BEGIN").await.unwrap();
    let since = one(&mut old, "SELECT pg_current_snapshot()::text").await;
    let key = engine.shadow_key(&database).await.unwrap();
    let row = one(
        &mut old,
        &format!("SELECT pg_treeline.row_keys('{key}', ARRAY[{relation}]::oid[], '{{\"(0,1)\"}}')"),
    )
    .await;
    let none = engine.references_since(&database, &since, std::slice::from_ref(&row));
    assert_eq!(none.await.unwrap(), None);
    query(&mut new, "INSERT INTO c VALUES (1, 1)")
        .await
        .unwrap();
    let refs = engine.references_since(&database, &since, &[row]).await;
    let refs = refs.unwrap().unwrap();
    let unseen = format!("SELECT pg_treeline.references_unseen('{key}', '{refs}')::text");
    assert_eq!(one(&mut old, &unseen).await, "true");
    assert_eq!(one(&mut new, &unseen).await, "false");
    engine.stop().await;
}
