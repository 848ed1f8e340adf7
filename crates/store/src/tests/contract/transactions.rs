use std::sync::{Arc, Mutex};

use super::super::*;

pub(super) async fn a_job_reads_its_own_writes(store: Store) {
    insert(&store, "a").await;
    let work = |tx: &mut dyn WriteTx| {
        assert_eq!(tx.revision()?.get(), 1);
        assert_eq!(tx.insert(named("b"))?.get(), 2);
        assert_eq!(tx.revision()?.get(), 2);
        assert_eq!(tx.put(named("a"))?.get(), 2);
        assert_eq!(tx.get("policy", "store", "a")?.unwrap().revision.get(), 2);
        assert_eq!(ids(&tx.list("policy", "store", None, 9)?), ["a", "b"]);
        assert!(tx.delete("policy", "store", "b")?);
        assert_eq!(tx.get("policy", "store", "b")?, None);
        assert_eq!(tx.count("policy", "store")?, 1);
        assert!(matches!(
            tx.insert(named("a")),
            Err(StoreError::AlreadyExists)
        ));
        Ok::<_, StoreError>(())
    };
    store.write(work).await.unwrap();
}

#[derive(Debug)]
enum Refusal {
    NotAllowed,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) async fn a_failed_job_leaves_nothing(store: Store) {
    insert(&store, "a").await;
    let work = |tx: &mut dyn WriteTx| {
        tx.insert(named("b"))?;
        tx.put(document("policy", "store", "a", "[]"))?;
        tx.delete_children("store")?;
        Err::<(), _>(Refusal::NotAllowed)
    };
    assert!(matches!(store.write(work).await, Err(Refusal::NotAllowed)));
    assert_eq!(get(&store, "a").await.unwrap().body, "{}");
    assert_eq!(get(&store, "b").await, None);
    assert_eq!(revision(&store).await, 1);
    assert_eq!(insert(&store, "b").await.get(), 2);
    let twice = |tx: &mut dyn WriteTx| Ok::<_, Refusal>(tx.insert(named("a"))?);
    let twice = store.write(twice).await;
    assert!(
        matches!(twice, Err(Refusal::Store(StoreError::AlreadyExists))),
        "{twice:?}"
    );
}

pub(super) async fn a_panic_leaves_nothing_and_the_writer_alive(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        tx.insert(named("a"))?;
        panic!("on purpose")
    };
    let result: Result<()> = store.write(work).await;
    assert!(matches!(result, Err(StoreError::Panicked)), "{result:?}");
    assert_eq!(get(&store, "a").await, None);
    assert_eq!(insert(&store, "a").await.get(), 1);
}

pub(super) async fn a_reader_that_panics_harms_nobody(store: Store) {
    insert(&store, "a").await;
    for _ in 0..3 {
        let work = |tx: &dyn ReadTx| {
            tx.revision()?;
            panic!("on purpose")
        };
        let result: Result<()> = store.read(work).await;
        assert!(matches!(result, Err(StoreError::Panicked)), "{result:?}");
        assert!(get(&store, "a").await.is_some());
    }
}

pub(super) async fn already_exists_does_not_end_a_job(store: Store) {
    insert(&store, "a").await;
    let work = |tx: &mut dyn WriteTx| {
        assert!(tx.insert(named("a")).is_err());
        tx.insert(named("b"))
    };
    store.write(work).await.unwrap();
    assert!(get(&store, "b").await.is_some());
}

pub(super) async fn a_snapshot_does_not_see_later_commits(store: Store) {
    insert(&store, "a").await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (running, started) = tokio::sync::oneshot::channel();
    let reading = store.clone();
    let reading = tokio::spawn(async move {
        let work = move |tx: &dyn ReadTx| {
            running.send(()).unwrap();
            wait.recv().unwrap();
            let list = tx.list("policy", "store", None, 9)?;
            Ok::<_, StoreError>((list, tx.revision()?, tx.changes(Revision::ZERO, 9)?.len()))
        };
        reading.read(work).await.unwrap()
    });
    started.await.unwrap();
    insert(&store, "b").await;
    store
        .write(|tx| tx.delete("policy", "store", "a"))
        .await
        .unwrap();
    go.send(()).unwrap();
    let (list, seen, changes) = reading.await.unwrap();
    assert_eq!((ids(&list), seen.get(), changes), (vec!["a"], 1, 1));
    assert_eq!(revision(&store).await, 3);
}

pub(super) async fn concurrent_writers_all_get_a_revision_of_their_own(store: Store) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            let mut revisions = Vec::new();
            for n in 0..10 {
                revisions.push(insert(&store, &format!("{writer}-{n}")).await.get());
            }
            assert!(revisions.is_sorted(), "{revisions:?}");
            revisions
        });
    }
    let mut all: Vec<i64> = writers.join_all().await.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (1..=80).collect::<Vec<_>>());
    assert_eq!(
        store.read(|tx| tx.count("policy", "store")).await.unwrap(),
        80
    );
}

pub(super) async fn read_only_jobs_use_no_revision(store: Store) {
    insert(&store, "a").await;
    let (seen, hook_saw) = tokio::sync::oneshot::channel();
    let work = |tx: &mut dyn WriteTx| {
        tx.after_commit(Box::new(|revision| seen.send(revision).unwrap()));
        tx.delete("policy", "store", "none")?;
        tx.delete_children("none")?;
        tx.count("policy", "store")
    };
    assert_eq!(store.write(work).await.unwrap(), 1);
    assert_eq!(hook_saw.await.unwrap().get(), 1);
    assert_eq!(insert(&store, "b").await.get(), 2);
}

/// All jobs that queued up behind a slow one are visible once the first of them is: a hook of the
/// first sees the work of the last.
pub(super) async fn queued_jobs_share_a_commit(store: Store) {
    let (release, blocking) = block(&store).await;
    let (seen, hook_saw) = tokio::sync::oneshot::channel();
    let reading = store.clone();
    let mut writes = vec![
        start(&store, move |tx| {
            let look = move |_| {
                let newest = reading.read_here(|tx| tx.revision()).unwrap();
                seen.send(newest).unwrap();
            };
            tx.after_commit(Box::new(look));
            tx.insert(named("first"))
        })
        .await,
    ];
    for n in 2..=100 {
        writes.push(start(&store, move |tx| tx.insert(named(&n.to_string()))).await);
    }
    release.send(()).unwrap();
    blocking.await.unwrap();
    // The blocking job's batch had room for 127 more.
    assert_eq!(hook_saw.await.unwrap().get(), 100);
    for (at, write) in writes.into_iter().enumerate() {
        assert_eq!(write.await.unwrap().get(), at as i64 + 1);
    }
}

pub(super) async fn a_failed_job_of_a_batch_takes_no_other_along(store: Store) {
    let (release, blocking) = block(&store).await;
    let mut writes = Vec::new();
    for n in 0..9 {
        let work = move |tx: &mut dyn WriteTx| {
            let at = tx.insert(named(&n.to_string()))?;
            match n % 3 {
                0 => Ok(at),
                1 => Err(StoreError::AlreadyExists),
                _ => panic!("on purpose"),
            }
        };
        writes.push(start(&store, work).await);
    }
    drop(release);
    blocking.await.unwrap();
    let mut revisions = Vec::new();
    for write in writes {
        revisions.push(write.await.map_or(0, Revision::get));
    }
    assert_eq!(revisions, [1, 0, 0, 2, 0, 0, 3, 0, 0]);
    let list = store
        .read(|tx| tx.list("policy", "store", None, 99))
        .await
        .unwrap();
    assert_eq!(ids(&list), ["0", "3", "6"]);
}

/// The first of a batch, and the one after it: both begin where nothing is to be kept.
pub(super) async fn failed_jobs_before_all_others_of_a_batch_leave_nothing(store: Store) {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let first = start(&store, move |tx| {
        tx.insert(named("0"))?;
        let _ = blocked.recv();
        Err::<Revision, _>(StoreError::AlreadyExists)
    });
    let mut writes = vec![first.await];
    for (n, keep) in [("1", false), ("2", true), ("3", false), ("4", true)] {
        let work = move |tx: &mut dyn WriteTx| {
            assert_eq!(tx.get("policy", "store", "0")?, None);
            let at = tx.insert(named(n))?;
            keep.then_some(at).ok_or(StoreError::AlreadyExists)
        };
        writes.push(start(&store, work).await);
    }
    drop(release);
    let mut revisions = Vec::new();
    for write in writes {
        revisions.push(write.await.map_or(0, Revision::get));
    }
    assert_eq!(revisions, [0, 0, 1, 0, 2]);
    let list = store
        .read(|tx| tx.list("policy", "store", None, 99))
        .await
        .unwrap();
    assert_eq!(ids(&list), ["2", "4"]);
}

pub(super) async fn hooks_run_in_commit_order_before_the_answer(store: Store) {
    let log: Arc<Mutex<Vec<(i64, i64)>>> = Arc::default();
    let (release, blocking) = block(&store).await;
    let mut writes = Vec::new();
    for n in 1..=5 {
        let (log, reading) = (Arc::clone(&log), store.clone());
        let work = move |tx: &mut dyn WriteTx| {
            for part in [1, 2] {
                let (log, reading) = (Arc::clone(&log), reading.clone());
                tx.after_commit(Box::new(move |revision| {
                    let committed = reading.read_here(|tx| tx.revision()).unwrap();
                    assert!(committed >= revision);
                    log.lock().unwrap().push((revision.get(), part));
                }));
            }
            tx.insert(named(&n.to_string()))
        };
        writes.push(start(&store, work).await);
    }
    assert!(log.lock().unwrap().is_empty());
    drop(release);
    blocking.await.unwrap();
    for (n, write) in (1..).zip(writes) {
        write.await.unwrap();
        assert!(log.lock().unwrap().contains(&(n, 2)), "{n}");
    }
    let expected: Vec<_> = (1..=5).flat_map(|n| [(n, 1), (n, 2)]).collect();
    assert_eq!(*log.lock().unwrap(), expected);
}

pub(super) async fn hooks_of_failed_jobs_do_not_run(store: Store) {
    let ran: Arc<Mutex<i64>> = Arc::default();
    for outcome in 0..3 {
        let ran = Arc::clone(&ran);
        let work = move |tx: &mut dyn WriteTx| {
            tx.after_commit(Box::new(move |_| *ran.lock().unwrap() += 1));
            tx.insert(named("a"))?;
            match outcome {
                0 => Err(StoreError::AlreadyExists),
                1 => panic!("on purpose"),
                _ => Ok(()),
            }
        };
        assert_eq!(store.write(work).await.is_ok(), outcome == 2);
    }
    assert_eq!(*ran.lock().unwrap(), 1);
}

pub(super) async fn a_panicking_hook_harms_nobody(store: Store) {
    let (ran, second_hook) = tokio::sync::oneshot::channel();
    let work = |tx: &mut dyn WriteTx| {
        tx.after_commit(Box::new(|_| panic!("on purpose")));
        tx.after_commit(Box::new(|revision| ran.send(revision).unwrap()));
        tx.insert(named("a"))
    };
    assert_eq!(store.write(work).await.unwrap().get(), 1);
    assert_eq!(second_hook.await.unwrap().get(), 1);
    assert_eq!(insert(&store, "b").await.get(), 2);
}

pub(super) async fn a_dropped_future_still_commits(store: Store) {
    let (release, blocking) = block(&store).await;
    drop(start(&store, |tx| tx.insert(named("a"))).await);
    drop(release);
    blocking.await.unwrap();
    insert(&store, "b").await;
    assert!(get(&store, "a").await.is_some());
}

pub(super) async fn a_hook_may_hold_the_last_handle(store: Store) {
    let (ran, done) = tokio::sync::oneshot::channel();
    let (release, blocking) = block(&store).await;
    let last = store.clone();
    let work = |tx: &mut dyn WriteTx| {
        tx.after_commit(Box::new(move |_| {
            drop(last);
            ran.send(()).unwrap();
        }));
        Ok(())
    };
    drop(start(&store, work).await);
    drop(blocking);
    drop(store);
    drop(release);
    done.await.unwrap();
}

pub(super) async fn a_closed_store_still_reads(store: Store) {
    let (release, blocking) = block(&store).await;
    let queued = start(&store, |tx| tx.insert(named("a"))).await;
    let closing = tokio::join!(store.close(), store.close(), async {
        // Both closings wait for the queue.
        tokio::task::yield_now().await;
        drop(release);
    });
    let ((), (), ()) = closing;
    blocking.await.unwrap();
    queued.await.unwrap();
    let other = store.clone();
    let refused = other.write(|tx| tx.insert(named("b"))).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    assert!(get(&store, "a").await.is_some());
    store.close().await;
}
