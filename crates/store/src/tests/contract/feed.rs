use super::super::*;
use super::FEED_LENGTH;
use crate::Change;

async fn changes(store: &Store, after: i64, limit: usize) -> Result<Vec<Change>> {
    store
        .read(move |tx| tx.changes(Revision::new(after), limit))
        .await
}

fn texts(changes: &[Change]) -> Vec<String> {
    let text = |change: &Change| {
        let Change {
            revision,
            parent,
            kind,
            id,
        } = change;
        format!("{revision} {parent} {kind} {id}")
    };
    changes.iter().map(text).collect()
}

pub(super) async fn changes_are_in_order_of_revision(store: Store) {
    assert_eq!(changes(&store, 0, 9).await.unwrap(), []);
    store
        .write(|tx| tx.insert(document("k", "p", "z", "{}")))
        .await
        .unwrap();
    store
        .write(|tx| tx.insert(document("k", "p", "a", "{}")))
        .await
        .unwrap();
    store
        .write(|tx| tx.put(document("k", "p", "z", "[]")))
        .await
        .unwrap();
    store.write(|tx| tx.delete("k", "p", "a")).await.unwrap();
    let all = ["1 p k z", "2 p k a", "3 p k z", "4 p k a"];
    for (after, limit, from, to) in [
        (0, 9, 0, 4),
        (0, 2, 0, 2),
        (2, 1, 2, 3),
        (3, usize::MAX, 3, 4),
        (4, 9, 4, 4),
        (0, 0, 0, 0),
    ] {
        let found = changes(&store, after, limit).await.unwrap();
        assert_eq!(texts(&found), all[from..to], "{limit} after {after}");
    }
}

pub(super) async fn a_revision_is_never_torn_apart(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        tx.insert(document("k", "q", "1", "{}"))?;
        tx.insert(document("l", "p", "2", "{}"))?;
        tx.insert(document("k", "p", "3", "{}"))
    };
    store.write(work).await.unwrap();
    insert(&store, "a").await;
    let first = changes(&store, 0, 1).await.unwrap();
    assert_eq!(texts(&first), ["1 p k 3", "1 p l 2", "1 q k 1"]);
}

pub(super) async fn a_document_is_named_once_per_revision(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        tx.insert(document("k", "p", "a", "{}"))?;
        tx.put(document("k", "p", "a", "[]"))?;
        tx.delete("k", "p", "a")?;
        tx.insert(document("k", "p", "a", "{}"))?;
        tx.delete_children("p")
    };
    store.write(work).await.unwrap();
    assert_eq!(texts(&changes(&store, 0, 9).await.unwrap()), ["1 p k a"]);
}

pub(super) async fn failed_jobs_are_not_in_the_feed(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        tx.insert(named("a"))?;
        Err::<(), _>(StoreError::AlreadyExists)
    };
    store.write(work).await.unwrap_err();
    assert_eq!(changes(&store, 0, 9).await.unwrap(), []);
}

pub(super) async fn a_job_sees_its_own_changes_in_the_feed(store: Store) {
    insert(&store, "a").await;
    let work = |tx: &mut dyn WriteTx| {
        let before = tx.changes(Revision::ZERO, 9)?.len();
        tx.insert(named("b"))?;
        Ok::<_, StoreError>((before, tx.changes(Revision::ZERO, 9)?.len()))
    };
    assert_eq!(store.write(work).await.unwrap(), (1, 2));
}

pub(super) async fn the_feed_has_a_gap_before_its_oldest_and_after_its_newest_revision(
    store: Store,
) {
    let gap = |result: Result<_>| matches!(result, Err(StoreError::FeedGap { .. }));
    assert!(gap(changes(&store, 1, 9).await));
    let newest = FEED_LENGTH + 5;
    for n in 1..=newest {
        insert(&store, &n.to_string()).await;
    }
    for (after, expected) in [
        (0, None),
        (4, None),
        (5, Some(FEED_LENGTH)),
        (6, Some(FEED_LENGTH - 1)),
        (newest, Some(0)),
        (newest + 1, None),
    ] {
        let found = changes(&store, after, usize::MAX).await;
        match expected {
            Some(count) => assert_eq!(found.unwrap().len() as i64, count, "after {after}"),
            None => assert!(gap(found), "after {after}"),
        }
    }
    assert_eq!(revision(&store).await, newest);
}
