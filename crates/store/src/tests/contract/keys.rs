//! Lists by keys. A key here is the text that it stands for.

use super::super::*;
use crate::keys::list;
use crate::{ListKey, Position, WriteRecords};

fn key(text: &str) -> ListKey {
    ListKey::of(&["policy", text])
}

fn keys(texts: &str) -> Vec<ListKey> {
    texts.split_whitespace().map(key).collect()
}

/// `"a|b c"` is: `a` or `b`, and `c`.
fn groups(text: &str) -> Vec<Vec<ListKey>> {
    let group = |group: &str| group.split('|').map(key).collect();
    text.split_whitespace().map(group).collect()
}

/// Inserts documents, each in a transaction of its own, with the keys of a text.
async fn fill(store: &Store, documents: &'static [(&'static str, &'static str)]) {
    for (id, texts) in documents {
        let insert = move |tx: &mut dyn WriteTx| {
            let keys = keys(texts);
            tx.insert(NewDocument {
                keys: Some(&keys),
                ..named(id)
            })
        };
        store.write(insert).await.unwrap();
    }
}

async fn put(store: &Store, id: &'static str, texts: Option<&'static str>) {
    let put = move |tx: &mut dyn WriteTx| {
        let keys = texts.map(keys);
        tx.put(NewDocument {
            keys: keys.as_deref(),
            ..named(id)
        })
    };
    store.write(put).await.unwrap();
}

async fn listed(store: &Store, text: &'static str) -> Vec<String> {
    let read = move |tx: &dyn ReadTx| list(tx, "policy", "store", &groups(text), None, 99);
    let documents = store.read(read).await.unwrap();
    documents.into_iter().map(|document| document.id).collect()
}

const SHAPES: &[(&str, &str)] = &[
    ("z", "red round"),
    ("y", "blue round"),
    ("x", "red square"),
    ("w", ""),
    ("v", "blue square big"),
];

pub(super) async fn documents_are_listed_by_their_keys(store: Store) {
    fill(&store, SHAPES).await;
    for (text, expected) in [
        ("red", "z x"),
        ("blue", "y v"),
        ("big", "v"),
        ("green", ""),
        ("", "z y x w v"),
    ] {
        assert_eq!(listed(&store, text).await.join(" "), expected, "{text}");
    }
}

pub(super) async fn a_list_needs_a_key_of_each_group(store: Store) {
    fill(&store, SHAPES).await;
    for (text, expected) in [
        ("red round", "z"),
        ("round red", "z"),
        ("red|blue", "z y x v"),
        ("red|blue square", "x v"),
        ("red|big square|big", "x v"),
        ("red blue", ""),
        ("red|green round|green", "z"),
        ("green red", ""),
        ("big big|red big", "v"),
    ] {
        assert_eq!(listed(&store, text).await.join(" "), expected, "{text}");
    }
    let nothing = |tx: &dyn ReadTx| list(tx, "policy", "store", &[Vec::new()], None, 9);
    assert!(store.read(nothing).await.unwrap().is_empty());
    let no_room = |tx: &dyn ReadTx| list(tx, "policy", "store", &groups("red"), None, 0);
    assert!(store.read(no_room).await.unwrap().is_empty());
}

pub(super) async fn keyed_pages_are_in_the_order_of_all_lists(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        for number in (0..40).rev() {
            let keys = keys(if number % 3 == 0 { "third" } else { "other" });
            let id = format!("{number:02}");
            tx.insert(NewDocument {
                keys: Some(&keys),
                ..named(&id)
            })?;
        }
        Ok::<_, StoreError>(())
    };
    store.write(work).await.unwrap();
    fill(&store, &[("!", "third"), ("~", "other"), ("00a", "third")]).await;
    let all = listed(&store, "").await;
    for text in ["third", "third|other", "other"] {
        let whole = listed(&store, text).await;
        let mut sorted = whole.clone();
        sorted.sort_by_key(|id| all.iter().position(|known| known == id));
        assert_eq!(whole, sorted, "{text}");
        for size in [1, 2, 3, 7, 50] {
            let mut pages = Vec::new();
            let mut after: Option<Position> = None;
            loop {
                let from = after.take();
                let read = move |tx: &dyn ReadTx| {
                    list(tx, "policy", "store", &groups(text), from.as_ref(), size)
                };
                let page = store.read(read).await.unwrap();
                assert!(page.len() <= size);
                after = page.last().map(Document::position);
                pages.extend(page.into_iter().map(|document| document.id));
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(pages, whole, "{text} in pages of {size}");
        }
    }
}

/// Lists that are longer than what is read ahead, with few documents in common.
pub(super) async fn long_lists_meet_where_all_keys_are(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        for number in 0..3_000 {
            let texts: Vec<&str> = [
                (number % 2 == 0).then_some("even"),
                (number % 2 == 1).then_some("odd"),
                (number % 500 == 499).then_some("rare"),
                (number % 700 < 350).then_some("half"),
            ]
            .into_iter()
            .flatten()
            .collect();
            let keys = keys(&texts.join(" "));
            tx.insert(NewDocument {
                keys: Some(&keys),
                ..named(&format!("{number:04}"))
            })?;
        }
        Ok::<_, StoreError>(())
    };
    store.write(work).await.unwrap();
    let rare = ["0499", "0999", "1499", "1999", "2499", "2999"];
    assert_eq!(listed(&store, "rare odd").await, rare);
    assert_eq!(listed(&store, "odd rare").await, rare);
    assert_eq!(listed(&store, "even|odd rare").await, rare);
    assert!(listed(&store, "even rare").await.is_empty());
    assert!(listed(&store, "even odd").await.is_empty());
    let expected: Vec<String> = (0..3_000)
        .filter(|number| number % 2 == 0 && number % 700 < 350)
        .map(|number| format!("{number:04}"))
        .collect();
    assert_eq!(listed(&store, "half even").await, expected[..99]);
}

pub(super) async fn put_leaves_or_replaces_keys(store: Store) {
    fill(&store, &[("a", "old both"), ("b", "old")]).await;
    put(&store, "a", None).await;
    assert_eq!(listed(&store, "old").await, ["a", "b"]);
    put(&store, "a", Some("new both new")).await;
    for (text, expected) in [("old", "b"), ("new", "a"), ("both", "a")] {
        assert_eq!(listed(&store, text).await.join(" "), expected, "{text}");
    }
    put(&store, "a", Some("")).await;
    put(&store, "c", Some("old")).await;
    put(&store, "d", None).await;
    for (text, expected) in [("new", ""), ("both", ""), ("old", "b c"), ("", "a b c d")] {
        assert_eq!(listed(&store, text).await.join(" "), expected, "{text}");
    }
}

pub(super) async fn keys_go_with_their_documents(store: Store) {
    fill(&store, SHAPES).await;
    let work = |tx: &mut dyn WriteTx| {
        tx.delete("policy", "store", "z")?;
        let keys = keys("red");
        // Later and without a key, the same id stands elsewhere.
        tx.insert(named("z"))?;
        tx.insert(NewDocument {
            keys: Some(&keys),
            ..document("policy", "elsewhere", "z", "{}")
        })
    };
    store.write(work).await.unwrap();
    assert_eq!(listed(&store, "red").await, ["x"]);
    assert_eq!(listed(&store, "round").await, ["y"]);
    store.write(|tx| tx.delete_children("store")).await.unwrap();
    let left = store.read(|tx| {
        let mut left = Vec::new();
        for parent in ["store", "elsewhere"] {
            for text in ["red", "blue", "round", "square", "big"] {
                let start = document_start();
                left.extend(tx.positions(parent, key(text), &start, 9)?);
            }
        }
        Ok::<_, StoreError>(left)
    });
    let left = left.await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, "z");
}

fn document_start() -> Position {
    "0.".parse().unwrap()
}

pub(super) async fn keys_of_failed_jobs_are_not_kept(store: Store) {
    fill(&store, &[("a", "old")]).await;
    let work = |tx: &mut dyn WriteTx| {
        let (new, old) = (keys("new"), keys("old"));
        let keyed = |id, keys| NewDocument {
            keys: Some(keys),
            ..named(id)
        };
        tx.put(keyed("a", &new))?;
        tx.insert(keyed("b", &old))?;
        Err::<(), _>(StoreError::Closed)
    };
    store.write(work).await.unwrap_err();
    fill(&store, &[("c", "new")]).await;
    assert_eq!(listed(&store, "old").await, ["a"]);
    assert_eq!(listed(&store, "new").await, ["c"]);
}

pub(super) async fn a_job_lists_by_its_own_keys(store: Store) {
    fill(&store, &[("a", "red"), ("b", "red")]).await;
    let work = |tx: &mut dyn WriteTx| {
        let record = Template {
            text: String::new(),
            number: 1,
        };
        tx.insert_keyed_record("store", "t", &record, &keys("red"))?;
        let red = keys("red");
        tx.insert(NewDocument {
            keys: Some(&red),
            ..named("c")
        })?;
        tx.delete("policy", "store", "a")?;
        tx.put(NewDocument {
            keys: Some(&[]),
            ..named("b")
        })?;
        let seen = list(&*tx, "policy", "store", &groups("red"), None, 9)?;
        tx.delete("policy", "store", "c")?;
        let then = list(&*tx, "policy", "store", &groups("red"), None, 9)?;
        Ok::<_, StoreError>((seen, then))
    };
    let (seen, then) = store.write(work).await.unwrap();
    assert_eq!((ids(&seen), ids(&then)), (vec!["c"], vec![]));
    assert!(listed(&store, "red").await.is_empty());
}

pub(super) async fn kinds_and_parents_share_no_keyed_documents(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        let keys = keys("red");
        for (kind, parent) in [("policy", "store"), ("policy", "other"), ("else", "store")] {
            for id in [kind, parent] {
                tx.insert(NewDocument {
                    keys: Some(&keys),
                    ..document(kind, parent, id, "{}")
                })?;
            }
        }
        let all = |kind, parent| list(&*tx, kind, parent, &groups("red"), None, 9);
        Ok::<_, StoreError>((
            all("policy", "store")?,
            all("else", "store")?,
            all("no", "store")?,
        ))
    };
    // The key is the same, so both kinds stand under it.
    let (policies, others, none) = store.write(work).await.unwrap();
    assert_eq!(ids(&policies), ["policy", "store"]);
    assert_eq!(ids(&others), ["else", "store"]);
    assert!(none.is_empty());
}
