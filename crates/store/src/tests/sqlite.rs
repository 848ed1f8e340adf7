//! What is particular to files.

use std::fs;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::ListKey;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn refusal(path: &Path) -> StoreError {
    Store::sqlite(path)
        .err()
        .unwrap_or_else(|| panic!("{} was opened", path.display()))
}

#[tokio::test]
async fn a_reopened_database_has_everything() {
    let folder = folder();
    let path = folder.path().join("store.db");
    for round in 0..3 {
        let store = open(&path);
        assert_eq!(revision(&store).await, round * 2);
        insert(&store, &round.to_string()).await;
        store
            .write(move |tx| tx.put(named("shared")))
            .await
            .unwrap();
    }
    let store = open(&path);
    let list = store
        .read(|tx| tx.list("policy", "store", None, 9))
        .await
        .unwrap();
    assert_eq!(ids(&list), ["0", "shared", "1", "2"]);
    let changes = store
        .read(|tx| tx.changes(Revision::ZERO, 99))
        .await
        .unwrap();
    assert_eq!(changes.len(), 6);
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_the_queue_and_removes_the_log() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = open(&path);
    let (release, blocking) = block(&store).await;
    drop(start(&store, |tx| tx.insert(named("queued"))).await);
    assert!(get(&store, "queued").await.is_none());
    drop((blocking, release));
    drop(store);
    let mut files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["store.db", "store.db.lock"]);
    assert!(get(&open(&path), "queued").await.is_some());
}

#[tokio::test]
async fn a_database_is_open_once_at_a_time() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let store = open(&path);
    let mut names = vec![path.clone(), folder.path().join(".").join("store.db")];
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        names.push(link);
    }
    for name in names {
        let error = refusal(&name);
        assert!(matches!(&error, StoreError::InUse { .. }), "{error:?}");
        assert!(error.to_string().contains("store.db is in use"), "{error}");
    }
    insert(&store, "a").await;
    // A closed store still reads, so it keeps the file.
    store.close().await;
    assert!(matches!(refusal(&path), StoreError::InUse { .. }));
    drop(store);
    assert!(get(&open(&path), "a").await.is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let store = open(&folder.path().join("store.db"));
    insert(&store, "a").await;
    let mut names = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
        names.push(name);
    }
    names.sort();
    assert_eq!(
        names,
        ["store.db", "store.db-shm", "store.db-wal", "store.db.lock"]
    );
}

#[test]
fn what_is_not_this_programs_database_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("store.db");
    drop(open(&path));
    let good = fs::read(&path).unwrap();
    let mut damaged = good.clone();
    damaged[100..].fill(0xff);
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE meta (a)")
        .unwrap();
    for (what, bytes) in [
        (
            "a text",
            b"this is not a database, but it is long enough to be one\n".repeat(100),
        ),
        ("a truncated database", good[..good.len() / 2].to_vec()),
        ("a damaged database", damaged),
        ("another program's database", fs::read(&foreign).unwrap()),
    ] {
        fs::write(&path, &bytes).unwrap();
        let error = refusal(&path);
        assert!(
            matches!(&error, StoreError::NotADatabase { .. }),
            "{what}: {error:?}"
        );
        assert!(
            error.to_string().contains("store.db is not a readable"),
            "{what}: {error}"
        );
    }
}

#[test]
fn a_path_that_cannot_be_a_file_is_named_in_the_refusal() {
    let folder = folder();
    let missing = folder.path().join("missing").join("store.db");
    for path in [folder.path(), &missing] {
        let error = refusal(path);
        assert!(matches!(&error, StoreError::CannotOpen { .. }), "{error:?}");
        assert!(
            error.to_string().starts_with(&path.display().to_string()),
            "{error}"
        );
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = folder();
    let path = folder.path().join("store.db");
    drop(open(&path));
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("UPDATE meta SET value = 99 WHERE name = 'schema'", [])
        .unwrap();
    drop(connection);
    let error = refusal(&path);
    assert!(
        matches!(error, StoreError::SchemaTooNew { stored: 99, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("written by a newer release"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let folder = folder();
    let path = folder.path().join("store.db");
    fs::write(&path, "").unwrap();
    assert_eq!(insert(&open(&path), "a").await.get(), 1);
}

#[tokio::test]
async fn an_open_database_can_be_looked_at() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let look = || Store::look(&path, |tx| tx.list("policy", "store", None, 9));
    assert!(matches!(look(), Err(StoreError::CannotOpen { .. })));
    fs::write(&path, "").unwrap();
    assert!(matches!(look(), Err(StoreError::NotADatabase { .. })));
    let store = open(&path);
    insert(&store, "one").await;
    assert_eq!(ids(&look().unwrap()), ["one"]);
    insert(&store, "two").await;
    assert_eq!(ids(&look().unwrap()), ["one", "two"]);
    drop(store);
    assert_eq!(ids(&look().unwrap()), ["one", "two"]);
}

/// The schema of the first release.
const FIRST: &str = "
    CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);
    CREATE TABLE documents (
        parent TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, created BIGINT NOT NULL,
        revision BIGINT NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (parent, kind, id)
    );
    CREATE INDEX documents_in_order ON documents (parent, kind, created, id);
    CREATE TABLE changes (
        revision BIGINT NOT NULL, parent TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (revision, parent, kind, id)
    ) WITHOUT ROWID;
    INSERT INTO meta VALUES ('schema', 1);
    INSERT INTO documents VALUES ('store', 'policy', 'a', 1, 2, 1, '[1]');
    INSERT INTO changes VALUES (1, 'store', 'policy', 'a'), (2, 'store', 'policy', 'a');
";

#[tokio::test]
async fn documents_of_the_first_release_are_kept_and_can_be_given_keys() {
    let folder = folder();
    let path = folder.path().join("store.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(FIRST).unwrap();
    drop(old);
    let look = Store::look(&path, |tx| tx.get("policy", "store", "a"));
    assert!(matches!(look, Err(StoreError::NotADatabase { .. })));
    let store = open(&path);
    let kept = get(&store, "a").await.unwrap();
    assert_eq!((kept.created.get(), kept.revision.get()), (1, 2));
    let key = ListKey::of(&["policy", "red"]);
    let give = move |tx: &mut dyn WriteTx| {
        tx.put(NewDocument {
            keys: Some(&[key]),
            ..document("policy", "store", "a", &kept.body)
        })
    };
    store.write(give).await.unwrap();
    let found = store.read(move |tx| tx.positions("store", key, &"0.".parse().unwrap(), 9));
    assert_eq!(found.await.unwrap()[0].id, "a");
    assert!(
        store
            .write(|tx| tx.delete("policy", "store", "a"))
            .await
            .unwrap()
    );
}
