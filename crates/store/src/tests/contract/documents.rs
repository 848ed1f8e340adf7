use std::ops::ControlFlow;

use super::super::*;
use crate::Position;

pub(super) async fn what_was_inserted_is_there(store: Store) {
    assert_eq!(revision(&store).await, 0);
    assert_eq!(get(&store, "a").await, None);
    let at = store
        .write(|tx| {
            tx.insert(NewDocument {
                version: 7,
                ..document("policy", "store", "a", "[1]")
            })
        })
        .await
        .unwrap();
    let expected = Document {
        id: "a".to_owned(),
        created: at,
        revision: at,
        version: 7,
        body: "[1]".to_owned(),
    };
    assert_eq!(get(&store, "a").await, Some(expected));
    assert_eq!((at.get(), revision(&store).await), (1, 1));
}

pub(super) async fn inserting_twice_is_refused(store: Store) {
    insert(&store, "a").await;
    let again = store
        .write(|tx| tx.insert(document("policy", "store", "a", "[]")))
        .await;
    assert!(matches!(again, Err(StoreError::AlreadyExists)), "{again:?}");
    assert_eq!(get(&store, "a").await.unwrap().body, "{}");
    assert_eq!(revision(&store).await, 1);
}

pub(super) async fn put_replaces_the_body_and_keeps_created(store: Store) {
    let bodies = ["[1]", "[2]", "[3]"];
    for body in bodies {
        store
            .write(move |tx| tx.put(document("policy", "store", "a", body)))
            .await
            .unwrap();
    }
    let stored = get(&store, "a").await.unwrap();
    assert_eq!((stored.created.get(), stored.revision.get()), (1, 3));
    assert_eq!(stored.body, "[3]");
}

pub(super) async fn deleting_tells_whether_there_was_something(store: Store) {
    insert(&store, "a").await;
    for (id, there) in [("b", false), ("a", true), ("a", false)] {
        let deleted = store
            .write(move |tx| tx.delete("policy", "store", id))
            .await
            .unwrap();
        assert_eq!(deleted, there, "{id}");
    }
    assert_eq!(get(&store, "a").await, None);
    assert_eq!(revision(&store).await, 2);
}

pub(super) async fn a_document_inserted_again_is_new(store: Store) {
    insert(&store, "a").await;
    insert(&store, "b").await;
    store
        .write(|tx| tx.delete("policy", "store", "a"))
        .await
        .unwrap();
    insert(&store, "a").await;
    assert_eq!(get(&store, "a").await.unwrap().created.get(), 4);
    let list = store
        .read(|tx| tx.list("policy", "store", None, 9))
        .await
        .unwrap();
    assert_eq!(ids(&list), ["b", "a"]);
}

pub(super) async fn lists_are_in_order_of_insertion_then_id(store: Store) {
    for group in [["z", "é"], ["a", "Z"], ["10", "9"]] {
        let work = move |tx: &mut dyn WriteTx| {
            group
                .iter()
                .try_for_each(|id| tx.insert(named(id)).map(drop))
        };
        store.write(work).await.unwrap();
    }
    // A later put moves nothing.
    store.write(|tx| tx.put(named("z"))).await.unwrap();
    let in_order = ["z", "é", "Z", "a", "10", "9"];
    let list = store
        .read(|tx| tx.list("policy", "store", None, usize::MAX))
        .await
        .unwrap();
    assert_eq!(ids(&list), in_order);
    assert_eq!(
        store.read(|tx| tx.count("policy", "store")).await.unwrap(),
        6
    );
    for page_size in 1..=7 {
        let mut seen: Vec<String> = Vec::new();
        let mut after: Option<Position> = None;
        loop {
            let from = after.clone();
            let page = store
                .read(move |tx| tx.list("policy", "store", from.as_ref(), page_size))
                .await
                .unwrap();
            assert!(page.len() <= page_size);
            let Some(last) = page.last() else { break };
            after = Some(last.position());
            seen.extend(page.into_iter().map(|document| document.id));
        }
        assert_eq!(seen, in_order, "pages of {page_size}");
    }
    assert!(
        store
            .read(|tx| tx.list("policy", "store", None, 0))
            .await
            .unwrap()
            .is_empty()
    );
}

pub(super) async fn pages_stay_stable_while_documents_come_and_go(store: Store) {
    for id in ["a", "b", "c", "d", "e"] {
        insert(&store, id).await;
    }
    let page = store
        .read(|tx| tx.list("policy", "store", None, 2))
        .await
        .unwrap();
    assert_eq!(ids(&page), ["a", "b"]);
    let after: Position = page[1].position().to_string().parse().unwrap();
    // The first page's end and a document of the next page go; an earlier id comes.
    let change = |tx: &mut dyn WriteTx| {
        tx.delete("policy", "store", "b")?;
        tx.delete("policy", "store", "d")?;
        tx.put(named("e"))?;
        tx.insert(named("A"))
    };
    store.write(change).await.unwrap();
    let rest = store
        .read(move |tx| tx.list("policy", "store", Some(&after), 9))
        .await
        .unwrap();
    assert_eq!(ids(&rest), ["c", "e", "A"]);
}

pub(super) async fn kinds_and_parents_are_worlds_of_their_own(store: Store) {
    let places = [
        ("k", "p"),
        ("k", "q"),
        ("l", "p"),
        ("l", "q"),
        ("", ""),
        ("kp", ""),
        ("", "kp"),
    ];
    for (kind, parent) in places {
        let body = format!("[\"{kind} {parent}\"]");
        let work = move |tx: &mut dyn WriteTx| tx.insert(document(kind, parent, "same", &body));
        store.write(work).await.unwrap();
    }
    store.write(|tx| tx.delete("k", "p", "same")).await.unwrap();
    for (kind, parent) in places {
        let bodies: Vec<String> = if (kind, parent) == ("k", "p") {
            Vec::new()
        } else {
            vec![format!("[\"{kind} {parent}\"]")]
        };
        let (count, list, one) = store
            .read(move |tx| {
                let list = tx.list(kind, parent, None, 9)?;
                Ok::<_, StoreError>((tx.count(kind, parent)?, list, tx.get(kind, parent, "same")?))
            })
            .await
            .unwrap();
        assert_eq!(count, bodies.len() as u64);
        assert_eq!(list.into_iter().map(|d| d.body).collect::<Vec<_>>(), bodies);
        assert_eq!(one.map(|d| d.body), bodies.into_iter().next());
    }
}

pub(super) async fn a_scan_shows_all_of_a_kind_and_parent(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        for (kind, parent) in [("k", "p"), ("k", "q"), ("l", "p"), ("", "kp"), ("kp", "")] {
            for id in ["b", "a", "ü"] {
                tx.insert(document(
                    kind,
                    parent,
                    id,
                    &format!("[\"{kind} {parent}\"]"),
                ))?;
            }
        }
        Ok::<_, StoreError>(())
    };
    store.write(work).await.unwrap();
    let change = |tx: &mut dyn WriteTx| {
        tx.put(NewDocument {
            version: 3,
            ..document("k", "p", "b", "[]")
        })?;
        tx.delete("k", "p", "a")?;
        tx.insert(document("k", "p", "c", "{}"))?;
        // A transaction sees its own changes.
        let (own, listed) = (scanned(tx, "k", "p")?, tx.list("k", "p", None, 9)?);
        assert_eq!(own, sorted(listed));
        Ok::<_, StoreError>(own)
    };
    let own = store.write(change).await.unwrap();
    assert_eq!(ids(&own), ["b", "c", "ü"]);
    assert_eq!((own[0].version, own[0].body.as_str()), (3, "[]"));
    for (kind, parent) in [("k", "p"), ("k", "q"), ("l", "p"), ("k", "none"), ("", "")] {
        let both = store.read(move |tx| {
            Ok::<_, StoreError>((scanned(tx, kind, parent)?, tx.list(kind, parent, None, 9)?))
        });
        let (scanned, listed) = both.await.unwrap();
        assert_eq!(scanned, sorted(listed), "{kind} {parent}");
    }
}

fn scanned(tx: &dyn ReadTx, kind: &str, parent: &str) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    tx.scan(kind, parent, &mut |shown| {
        documents.push(Document {
            id: shown.id.to_owned(),
            created: shown.created,
            revision: shown.revision,
            version: shown.version,
            body: shown.body.to_owned(),
        });
        ControlFlow::Continue(())
    })?;
    Ok(sorted(documents))
}

fn sorted(mut documents: Vec<Document>) -> Vec<Document> {
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    documents
}

pub(super) async fn a_scan_ends_when_it_is_told_to(store: Store) {
    for id in ["a", "b", "c", "d"] {
        insert(&store, id).await;
    }
    let scan = |tx: &dyn ReadTx| {
        let mut seen = 0;
        tx.scan("policy", "store", &mut |_| {
            seen += 1;
            match seen {
                2 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })?;
        // The next one begins anew.
        Ok::<_, StoreError>((seen, scanned(tx, "policy", "store")?.len()))
    };
    assert_eq!(store.read(scan).await.unwrap(), (2, 4));
}

pub(super) async fn delete_children_spans_the_kinds_of_one_parent(store: Store) {
    let places = [
        ("policy", "s"),
        ("template", "s"),
        ("alias", "s"),
        ("policy", "s2"),
        ("policy", ""),
    ];
    let work = move |tx: &mut dyn WriteTx| {
        for (kind, parent) in places {
            for id in ["1", "2"] {
                tx.insert(document(kind, parent, id, "{}"))?;
            }
        }
        Ok::<_, StoreError>(())
    };
    store.write(work).await.unwrap();
    assert_eq!(
        store.write(|tx| tx.delete_children("none")).await.unwrap(),
        0
    );
    assert_eq!(store.write(|tx| tx.delete_children("s")).await.unwrap(), 6);
    assert_eq!(store.write(|tx| tx.delete_children("s")).await.unwrap(), 0);
    assert_eq!(revision(&store).await, 2);
    for (kind, parent) in places {
        let left = store.read(move |tx| tx.count(kind, parent)).await.unwrap();
        assert_eq!(left, if parent == "s" { 0 } else { 2 }, "{kind} {parent}");
    }
    let changes = store
        .read(|tx| tx.changes(Revision::new(1), 9))
        .await
        .unwrap();
    assert_eq!(changes.len(), 6);
    assert!(
        changes.iter().all(|change| change.parent == "s"),
        "{changes:?}"
    );
}

pub(super) async fn any_text_but_nul_is_an_id(store: Store) {
    let long = "x".repeat(5_000);
    for id in [
        "",
        " ",
        "'; --",
        "%_",
        "a/b",
        "\u{1}\n\r\t\u{7f}",
        "ü",
        "u\u{308}",
        "😀",
        "\u{10ffff}",
        &long,
    ] {
        let body = serde_json::to_string(id).unwrap();
        let (id, text) = (id.to_owned(), body.clone());
        let work = move |tx: &mut dyn WriteTx| {
            tx.insert(document("policy", "store", &id, &text))?;
            Ok::<_, StoreError>(id)
        };
        let id = store.write(work).await.unwrap();
        let stored = get(&store, &id).await.unwrap();
        assert_eq!((stored.id, stored.body), (id, body));
    }
    for (part, kind, parent, id, body) in [
        ("kind", "\0", "p", "i", "{}"),
        ("parent", "k", "p\0", "i", "{}"),
        ("id", "k", "p", "\0i", "{}"),
        ("body", "k", "p", "i", "\0"),
    ] {
        for put in [false, true] {
            let new = document(kind, parent, id, body);
            let work = move |tx: &mut dyn WriteTx| if put { tx.put(new) } else { tx.insert(new) };
            let result = store.write(work).await;
            assert!(
                matches!(result, Err(StoreError::IllegalText { part: p }) if p == part),
                "{part}"
            );
        }
    }
    assert_eq!(get(&store, "\0").await, None);
    assert!(
        !store
            .write(|tx| tx.delete("policy", "store", "\0"))
            .await
            .unwrap()
    );
}

pub(super) async fn large_bodies_are_kept(store: Store) {
    let body = format!("\"{}\"", "ä".repeat(1 << 19));
    let text = body.clone();
    store
        .write(move |tx| tx.insert(document("policy", "store", "a", &text)))
        .await
        .unwrap();
    assert!(get(&store, "a").await.unwrap().body == body);
}
