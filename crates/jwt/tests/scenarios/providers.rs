//! Which providers may be contacted at all.

use std::sync::Arc;

use base::Timestamp;
use jwt::{Document, FetchError, Options, Providers, Reason};
use testkit::{IdentityProvider, ManualClock, Page};

use super::{World, options};

fn allowing(networks: &[&str]) -> Providers {
    let options = Options {
        networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        ..options()
    };
    let clock = ManualClock::new(Timestamp::from_unix_micros(0));
    Providers::new(options, Arc::new(clock)).unwrap()
}

#[tokio::test]
async fn nothing_private_by_default() {
    let provider = IdentityProvider::start().await;
    let port = provider.issuer().rsplit_once(':').unwrap().1.to_owned();
    let providers = allowing(&[]);
    for (url, reason) in [
        (provider.issuer(), Reason::Plain),
        (format!("http://localhost:{port}"), Reason::Plain),
        (format!("https://127.0.0.1:{port}"), Reason::NotAllowed),
        (format!("https://localhost:{port}"), Reason::NotAllowed),
        (format!("https://[::1]:{port}"), Reason::NotAllowed),
        (
            format!("https://[::ffff:127.0.0.1]:{port}"),
            Reason::NotAllowed,
        ),
        (format!("https://0.0.0.0:{port}"), Reason::NotAllowed),
        (format!("https://2130706433:{port}"), Reason::NotAllowed),
        (format!("https://127.1:{port}"), Reason::NotAllowed),
        ("https://192.168.1.1".to_owned(), Reason::NotAllowed),
        ("https://169.254.169.254".to_owned(), Reason::NotAllowed),
        ("https://no-such-name.invalid".to_owned(), Reason::Name),
        ("ftp://example.com".to_owned(), Reason::Url),
        ("example.com".to_owned(), Reason::Url),
        ("https://".to_owned(), Reason::Url),
        ("".to_owned(), Reason::Url),
        ("https://a b".to_owned(), Reason::Url),
    ] {
        let error = providers.discover(&url).await.unwrap_err();
        let document = Document::Discovery;
        assert_eq!(error, FetchError { document, reason }, "{url}");
    }
    assert_eq!(provider.fetches(Page::Discovery), 0);
}

#[tokio::test]
async fn plain_http_is_for_allowed_loopback_addresses() {
    for (networks, url, plain) in [
        (&["127.0.0.0/8"][..], "http://127.0.0.1:8080/a", true),
        (&["127.0.0.0/8"], "http://127.9.9.9", true),
        (&["127.0.0.0/8"], "http://localhost:8080", true),
        (&["127.0.0.0/8"], "http://LOCALHOST", true),
        (&["127.0.0.0/8"], "http://[::1]:8080", false),
        (&["127.0.0.0/8"], "http://[::ffff:127.0.0.1]/", true),
        (&["127.0.0.0/8"], "https://127.0.0.1", false),
        (&["127.0.0.0/8"], "http://localhost.example.com", false),
        (&["127.0.0.0/8"], "http://127.0.0.1.example.com", false),
        (&["127.0.0.0/8"], "http://example.com", false),
        (&["127.0.0.1/32"], "http://127.0.0.2", false),
        (&["::1/128"], "http://[::1]:8080", true),
        (&["::1/128"], "http://localhost", true),
        (&["::1/128"], "http://127.0.0.1", false),
        (&["10.0.0.0/8"], "http://10.0.0.1", false),
        (&["0.0.0.0/0"], "http://10.0.0.1", false),
        (&["0.0.0.0/0"], "http://127.0.0.1", true),
        (&[], "http://127.0.0.1", false),
        (&[], "http://localhost", false),
        (&["127.0.0.0/8"], "", false),
        (&["127.0.0.0/8"], "http://", false),
    ] {
        let providers = allowing(networks);
        assert_eq!(providers.may_be_plain(url), plain, "{networks:?} {url}");
    }
}

#[tokio::test]
async fn localhost_is_contacted_at_its_loopback_address() {
    let mut world = World::new().await;
    world.issuer = world.issuer.replace("127.0.0.1", "localhost");
    world.source = jwt::KeySource::WellKnownJwks(world.issuer.clone());
    world.verify(&world.token()).await.unwrap();
}

#[tokio::test]
async fn a_name_is_contacted_only_at_those_of_its_addresses_that_are_allowed() {
    let provider = IdentityProvider::start().await;
    let url = provider.issuer().replace("127.0.0.1", "localhost");
    let providers = allowing(&["::1/128"]);
    assert!(providers.may_be_plain(&url));
    let error = providers.discover(&url).await.unwrap_err();
    let reasons = [Reason::NotAllowed, Reason::Connection];
    assert!(reasons.contains(&error.reason), "{error}");
    assert_eq!(provider.fetches(Page::Discovery), 0);
}
