//! Providers that are slow, large or not what they say.

use std::time::Duration;

use jwt::{Document, FetchError, Reason, TokenError};
use serde_json::json;
use testkit::{Behaviour, Page};

use super::{World, impatient};

fn answer(status: u16, body: &str) -> Behaviour {
    Behaviour::Answer(status, vec![], body.to_owned())
}

fn discovery(issuer: &str, keys: &str) -> Behaviour {
    answer(
        200,
        &json!({"issuer": issuer, "jwks_uri": keys}).to_string(),
    )
}

async fn failure(page: Page, behaviour: Behaviour) -> (FetchError, World) {
    let world = World::with(impatient()).await;
    world.provider.behave(page, behaviour);
    let soon = Duration::from_secs(2);
    let verified = tokio::time::timeout(soon, world.verify(&world.token())).await;
    match verified.expect("an answer in time") {
        Err(TokenError::Keys(error)) => (error, world),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_page_is_bounded() {
    let huge = |announced| Behaviour::Huge {
        bytes: 10 * 1024 * 1024,
        announced,
    };
    let raw = |text: &str| Behaviour::Raw(text.as_bytes().to_vec());
    let many_headers = format!(
        "HTTP/1.1 200 OK\r\n{}\r\n",
        "X-Header: 1\r\n".repeat(10_000)
    );
    let long_header = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(50_000));
    let continues = "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
    let compressed = vec![("Content-Encoding", "gzip".to_owned())];
    for (behaviour, expected) in [
        (huge(true), Reason::TooLarge),
        (huge(false), Reason::TooLarge),
        (Behaviour::Drip(Duration::from_millis(20)), Reason::Timeout),
        (Behaviour::Hang, Reason::Timeout),
        (Behaviour::After(Duration::from_secs(1)), Reason::Timeout),
        (Behaviour::Down, Reason::Connection),
        (answer(404, ""), Reason::Status(404)),
        (answer(500, ""), Reason::Status(500)),
        (answer(204, ""), Reason::Status(204)),
        (answer(302, ""), Reason::Redirect),
        (answer(200, ""), Reason::Form),
        (answer(200, "<html>"), Reason::Form),
        (answer(200, "{}"), Reason::Form),
        (answer(200, &"[".repeat(60_000)), Reason::Form),
        (
            Behaviour::Answer(200, compressed, "{}".to_owned()),
            Reason::Encoding,
        ),
        (raw("SSH-2.0-OpenSSH_9.6\r\n"), Reason::Http),
        (raw(&many_headers), Reason::Http),
        (raw(&long_header), Reason::Http),
        (raw(&continues), Reason::Connection),
        (
            raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
            Reason::Http,
        ),
        (
            raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"),
            Reason::Http,
        ),
    ] {
        for (page, document) in [
            (Page::Discovery, Document::Discovery),
            (Page::Keys, Document::Keys),
        ] {
            let (error, _) = failure(page, behaviour.clone()).await;
            let expected = FetchError {
                document,
                reason: expected,
            };
            let name = format!("{behaviour:?}");
            assert_eq!(error, expected, "{}", name.get(..200).unwrap_or(&name));
        }
    }
}

#[tokio::test]
async fn redirects_are_followed_so_far_and_not_anywhere() {
    for (to, expected) in [
        ("/.well-known/openid-configuration", Reason::Redirects),
        ("http://10.0.0.1/", Reason::Plain),
        ("http://example.com/", Reason::Plain),
        ("http://[::1]/", Reason::Plain),
        ("http://127.0.0.1@example.com/", Reason::Url),
        ("https://user:password@127.0.0.1/", Reason::Url),
        ("https://10.0.0.1/", Reason::NotAllowed),
        (
            "https://169.254.169.254/latest/meta-data/",
            Reason::NotAllowed,
        ),
        ("https://[::ffff:169.254.169.254]/", Reason::NotAllowed),
        ("https://[fd00:ec2::254]/", Reason::NotAllowed),
        ("https://0x0a000001/", Reason::NotAllowed),
        ("file:///etc/passwd", Reason::Redirect),
        ("ftp://127.0.0.1/", Reason::Url),
        ("//127.0.0.1/", Reason::Url),
        ("elsewhere", Reason::Url),
        ("", Reason::Redirect),
    ] {
        let (error, world) = failure(Page::Discovery, Behaviour::Redirect(to.to_owned())).await;
        assert_eq!(error.reason, expected, "{to}");
        let hops = if expected == Reason::Redirects { 4 } else { 1 };
        assert_eq!(world.provider.fetches(Page::Discovery), hops, "{to}");
        assert!(to.is_empty() || !error.to_string().contains(to), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_good_place_is_followed() {
    let world = World::new().await;
    let there = Behaviour::Redirect("/.well-known/jwks.json".to_owned());
    world.provider.behave(Page::Keys, there);
    world.verify(&world.token()).await.unwrap();
    let there = Behaviour::Redirect(format!("{}/.well-known/jwks.json", world.issuer));
    world.provider.behave(Page::Keys, there);
    world.advance(3_600);
    world.verify(&world.token()).await.unwrap();
    assert_eq!(world.provider.fetches(Page::CognitoKeys), 2);
}

#[tokio::test]
async fn a_discovery_document_says_what_it_must() {
    let world = World::new().await;
    let issuer = world.issuer.as_str();
    let keys = format!("{issuer}/keys");
    for (behaviour, expected) in [
        (discovery("https://other.example", &keys), Reason::Issuer),
        (discovery(&format!("{issuer}/"), &keys), Reason::Issuer),
        (discovery(issuer, "http://10.0.0.1/keys"), Reason::Plain),
        (discovery(issuer, "http://example.com/keys"), Reason::Plain),
        (discovery(issuer, "/keys"), Reason::Url),
        (discovery(issuer, ""), Reason::Url),
        (
            answer(200, &json!({"issuer": issuer}).to_string()),
            Reason::Form,
        ),
        (
            answer(200, &json!({"jwks_uri": keys}).to_string()),
            Reason::Form,
        ),
        (
            answer(200, &json!({"issuer": issuer, "jwks_uri": 1}).to_string()),
            Reason::Form,
        ),
        (answer(200, "[]"), Reason::Form),
        (
            answer(200, &json!([issuer, keys]).to_string()),
            Reason::Form,
        ),
        (answer(200, "null"), Reason::Form),
    ] {
        let name = format!("{behaviour:?}");
        world.provider.behave(Page::Discovery, behaviour);
        let error = world.providers.discover(issuer).await.unwrap_err();
        assert_eq!(
            error,
            FetchError {
                document: Document::Discovery,
                reason: expected
            },
            "{name}"
        );
    }
    assert_eq!(world.fetches(), 0);
    let (error, _) = failure(Page::Keys, answer(200, &json!([[]]).to_string())).await;
    assert_eq!(error.reason, Reason::Form);
    let many: Vec<_> = (0..257)
        .map(|kid| json!({"kid": kid.to_string()}))
        .collect();
    let (error, _) = failure(Page::Keys, answer(200, &json!({"keys": many}).to_string())).await;
    assert_eq!(error.reason, Reason::TooLarge);
}
