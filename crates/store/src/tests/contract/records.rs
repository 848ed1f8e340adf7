use std::ops::ControlFlow;

use super::super::*;
use crate::{ReadRecords, WriteRecords};

pub(super) async fn records_keep_their_values(store: Store) {
    let template = |number| Template {
        text: "\0 \"ü\"".to_owned(),
        number,
    };
    let work = move |tx: &mut dyn WriteTx| {
        tx.insert_record("s", "a", &template(1))?;
        tx.put_record("s", "b", &template(2))?;
        tx.put_record("s", "a", &template(3))?;
        assert!(matches!(
            tx.insert_record("s", "a", &template(4)),
            Err(StoreError::AlreadyExists)
        ));
        tx.insert_record("s", "c", &template(5))?;
        assert!(tx.delete_record::<Template>("s", "c")?);
        tx.get_record::<Template>("s", "a")
    };
    let first = store.write(work).await.unwrap().unwrap();
    assert_eq!(first.record, template(3));
    let reading = |tx: &dyn ReadTx| {
        let list = tx.list_records::<Template>("s", None, 1)?;
        let rest = tx.list_records::<Template>("s", Some(&list[0].position()), 9)?;
        Ok::<_, StoreError>((list, rest, tx.count_records::<Template>("s")?))
    };
    let (list, rest, count) = store.read(reading).await.unwrap();
    assert_eq!((list, count), (vec![first], 2));
    assert_eq!((rest[0].id.as_str(), rest[0].record.number), ("b", 2));
    let none = store
        .read(|tx| tx.get_record::<Template>("s", "c"))
        .await
        .unwrap();
    assert_eq!(none, None);
}

pub(super) async fn a_scan_of_records_ends_with_the_first_error(store: Store) {
    let work = |tx: &mut dyn WriteTx| {
        for (id, number) in [("a", 1), ("b", 2), ("c", 3)] {
            let text = id.to_owned();
            tx.insert_record("s", id, &Template { text, number })?;
        }
        Ok::<_, StoreError>(())
    };
    store.write(work).await.unwrap();
    let scan = |tx: &dyn ReadTx| {
        let (mut all, mut some) = (Vec::new(), 0);
        tx.scan_records::<Template, StoreError>("s", |shown| {
            all.push((
                shown.id.to_owned(),
                shown.created.get(),
                shown.record.number,
            ));
            Ok(())
        })?;
        let failed = tx.scan_records::<Template, StoreError>("s", |_| {
            some += 1;
            Err(StoreError::Closed)
        });
        assert!(matches!(failed, Err(StoreError::Closed)), "{failed:?}");
        all.sort();
        Ok::<_, StoreError>((all, some))
    };
    let (all, some) = store.read(scan).await.unwrap();
    let expected = [("a", 1), ("b", 2), ("c", 3)];
    assert_eq!(all, expected.map(|(id, number)| (id.to_owned(), 1, number)));
    assert_eq!(some, 1);
}

async fn stored(store: &Store, version: u32, body: &'static str) -> Result<Template> {
    let new = NewDocument {
        version,
        ..document(Template::KIND, "s", "a", body)
    };
    store.write(move |tx| tx.put(new)).await?;
    let one = store.read(|tx| tx.get_record::<Template>("s", "a")).await;
    let list = store
        .read(|tx| tx.list_records::<Template>("s", None, 9))
        .await;
    let scan = store
        .read(move |tx| {
            tx.scan(Template::KIND, "s", &mut |shown| {
                assert_eq!(shown.body_of::<Template>().is_ok(), version < 3);
                ControlFlow::Continue(())
            })?;
            let mut records = Vec::new();
            tx.scan_records::<Template, StoreError>("s", |shown| {
                records.push(shown.record);
                Ok(())
            })?;
            Ok::<_, StoreError>(records)
        })
        .await;
    assert_eq!(one.is_ok(), list.is_ok());
    assert_eq!(
        format!("{:?}", list.map(|list| list[0].record.clone())),
        format!("{:?}", scan.map(|scan| scan[0].clone()))
    );
    Ok(one?.unwrap().record)
}

pub(super) async fn an_older_version_is_read_by_the_type(store: Store) {
    let expected = Template {
        text: "old".to_owned(),
        number: 0,
    };
    assert_eq!(stored(&store, 1, "\"old\"").await.unwrap(), expected);
}

pub(super) async fn a_newer_version_is_refused(store: Store) {
    let result = stored(&store, 3, r#"{"text":"t","number":1}"#).await;
    let expected = "a stored template has version 3, this program knows versions up to 2";
    assert_eq!(result.unwrap_err().to_string(), expected);
}

pub(super) async fn a_broken_body_is_an_error_that_does_not_quote_it(store: Store) {
    for (body, text) in [
        (r#"{"text":"t","number":"secret"}"#, "(Data at 1:29)"),
        (r#"{"text":"secret"}"#, "(Data at 1:17)"),
        ("secret", "(Syntax at 1:1)"),
        ("", "(Eof at 1:0)"),
    ] {
        let error = stored(&store, 2, body).await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("a template does not convert from or to JSON {text}")
        );
    }
}
