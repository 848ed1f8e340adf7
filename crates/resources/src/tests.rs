use std::time::Duration;

use base::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Record, Store, StoreError, Stored, WriteRecords, WriteTx};
use wire::page::PageScope;

use crate::idempotency::{Idempotent, TokenError, Tokens};
use crate::page::{CHUNK, InvalidToken, PageRequest, PageSize, for_each};
use crate::{kms, micros};

fn second(at: u64) -> Timestamp {
    Timestamp::from_unix_micros(0).plus(Duration::from_secs(at))
}

#[derive(Debug)]
enum Error {
    Store,
    Token,
}

impl From<StoreError> for Error {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<InvalidToken> for Error {
    fn from(InvalidToken: InvalidToken) -> Self {
        Self::Token
    }
}

#[derive(Serialize, Deserialize)]
struct Number(usize);

impl Record for Number {
    const KIND: &'static str = "test.number";
    const VERSION: u32 = 1;
}

struct ForAMinute;

impl Tokens for ForAMinute {
    const KIND: &'static str = "test.token";
    const LIFETIME: Duration = Duration::from_secs(60);
    const SWEEP: usize = 2;
}

#[test]
fn timestamps_are_integers_in_records() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times {
        #[serde(with = "micros")]
        at: Timestamp,
        #[serde(with = "micros::option")]
        maybe: Option<Timestamp>,
    }
    for (maybe, text) in [
        (None, r#"{"at":-1,"maybe":null}"#),
        (Some(second(1)), r#"{"at":-1,"maybe":1000000}"#),
    ] {
        let at = Timestamp::from_unix_micros(-1);
        let times = Times { at, maybe };
        assert_eq!(serde_json::to_string(&times).unwrap(), text);
        assert_eq!(serde_json::from_str::<Times>(text).unwrap(), times);
    }
}

#[test]
fn a_key_is_named_by_its_arn() {
    let (region, account) = (
        "cn-north-1".parse().unwrap(),
        "111122223333".parse().unwrap(),
    );
    for (key, arn) in [
        (
            "arn:aws:kms:us-east-1:444455556666:key/k",
            "arn:aws:kms:us-east-1:444455556666:key/k",
        ),
        ("k", "arn:aws-cn:kms:cn-north-1:111122223333:key/k"),
        ("alias/k", "arn:aws-cn:kms:cn-north-1:111122223333:alias/k"),
    ] {
        assert_eq!(kms::key_arn(key, &region, &account), arn);
    }
}

/// A page of the even ones among `count` numbers.
async fn page(
    store: &Store,
    asked: Option<i32>,
    token: Option<String>,
    resource: &'static str,
) -> Result<(Vec<usize>, Option<String>), Error> {
    let read = store.read(move |tx| {
        let account = "111122223333".parse().unwrap();
        let scope = PageScope {
            account: &account,
            operation: "ListNumbers",
            resource,
            filter: "",
        };
        let size = PageSize {
            asked,
            default: 3,
            max: 4,
        };
        let request = PageRequest::<Error>::new(size, token.as_deref(), scope)?;
        let page = request.collect(tx, "p", |stored: Stored<Number>| {
            let number = stored.record.0;
            Ok(number.is_multiple_of(2).then_some(number))
        })?;
        Ok((page.items, page.next_token))
    });
    read.await
}

async fn with_numbers(count: usize) -> Store {
    let store = Store::memory();
    let write = store.write(move |tx| {
        for number in 0..count {
            tx.insert_record("p", &format!("{number:05}"), &Number(number))?;
        }
        Ok::<_, Error>(())
    });
    write.await.unwrap();
    store
}

#[tokio::test]
async fn a_page_has_the_size_that_is_asked_for_within_its_bounds() {
    let store = with_numbers(20).await;
    for (asked, count) in [
        (None, 3),
        (Some(1), 1),
        (Some(4), 4),
        (Some(5), 4),
        (Some(0), 1),
        (Some(-1), 3),
    ] {
        let (items, token) = page(&store, asked, None, "r").await.unwrap();
        assert_eq!((items.len(), token.is_some()), (count, true), "{asked:?}");
    }
}

#[tokio::test]
async fn pages_make_up_the_list_even_where_most_is_left_out() {
    let store = with_numbers(3 * CHUNK).await;
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let (items, next) = page(&store, Some(4), token, "r").await.unwrap();
        all.extend(items);
        token = next;
        if token.is_none() {
            break;
        }
    }
    let even: Vec<_> = (0..3 * CHUNK).step_by(2).collect();
    assert_eq!(all, even);
    let read = store.read(|tx| {
        let mut count = 0;
        for_each(tx, "p", |_: Stored<Number>| {
            count += 1;
            Ok::<_, Error>(())
        })?;
        Ok::<_, Error>(count)
    });
    assert_eq!(read.await.unwrap(), 3 * CHUNK);
}

#[tokio::test]
async fn a_full_last_page_has_no_token_and_a_token_only_its_list() {
    let store = with_numbers(7).await;
    let (items, token) = page(&store, Some(4), None, "r").await.unwrap();
    assert_eq!((items, token), (vec![0, 2, 4, 6], None));
    let (_, token) = page(&store, Some(2), None, "r").await.unwrap();
    for (token, resource) in [(token, "other"), (Some("x".to_owned()), "r")] {
        let refused = page(&store, None, token, resource).await;
        assert!(matches!(refused, Err(Error::Token)));
    }
}

/// Makes a request with a token: an earlier result, or the new one.
fn request(tx: &mut dyn WriteTx, token: &str, input: &str, at: u64) -> Result<String, String> {
    let request = Idempotent::<ForAMinute>::new("Make", Some(token.to_owned()), &input);
    match request.earlier(&*tx, "p", second(at)) {
        Ok(None) => {}
        Ok(Some(result)) => return Ok(result),
        Err(TokenError::Reused { resource_id }) => return Err(resource_id),
        Err(TokenError::Store(error)) => panic!("{error}"),
    }
    let result = format!("{input} at {at}");
    let kept = request.remember(tx, "p", second(at), &format!("id of {input}"), &result);
    kept.map(|()| result).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_token_gives_its_first_result_for_its_lifetime() {
    let store = Store::memory();
    let write = store.write(|tx| {
        for (token, input, at, result) in [
            ("t", "a", 0, Ok("a at 0")),
            ("t", "a", 59, Ok("a at 0")),
            ("t", "b", 59, Err("id of a")),
            ("u", "b", 59, Ok("b at 59")),
            ("t", "b", 60, Ok("b at 60")),
            ("t", "a", 60, Err("id of b")),
        ] {
            let found = request(tx, token, input, at);
            let found = found.as_deref().map_err(String::as_str);
            assert_eq!(found, result, "{token} {input} {at}");
        }
        Ok::<_, Error>(())
    });
    write.await.unwrap();
}

#[tokio::test]
async fn expired_tokens_go_as_new_ones_come() {
    let store = Store::memory();
    let old = (0..10).map(|number| (format!("old{number}"), 0));
    let new = (0..5).map(|number| (format!("new{number}"), 100));
    for (token, at) in old.chain(new) {
        let write = store.write(move |tx| Ok::<_, Error>(request(tx, &token, "a", at)));
        write.await.unwrap().unwrap();
    }
    let count = store.read(|tx| tx.count(ForAMinute::KIND, "p"));
    assert_eq!(count.await.unwrap(), 5);
}

#[tokio::test]
async fn a_request_without_a_token_is_not_remembered() {
    let store = Store::memory();
    let write = store.write(|tx| {
        let request = || Idempotent::<ForAMinute>::new("Make", None, &"a");
        request().remember(tx, "p", second(0), "id", &"result")?;
        let earlier = request().earlier::<String>(&*tx, "p", second(0));
        assert!(matches!(earlier, Ok(None)));
        Ok::<_, Error>(tx.count(ForAMinute::KIND, "p")?)
    });
    assert_eq!(write.await.unwrap(), 0);
}
