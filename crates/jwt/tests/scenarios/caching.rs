use std::time::Duration;

use jwt::{Document, FetchError, KeySource, Reason, TokenError};
use serde_json::json;
use testkit::{Behaviour, Page};

use super::{World, options};

const DOWN: TokenError = TokenError::Keys(FetchError {
    document: Document::Keys,
    reason: Reason::Connection,
});

fn cache_for(world: &World, seconds: u64) {
    let control = ("Cache-Control", format!("public, max-age={seconds}"));
    let behaviour = Behaviour::With(vec![control]);
    world.provider.behave(Page::Keys, behaviour);
}

#[tokio::test]
async fn keys_are_fetched_ahead_of_need() {
    let world = World::new().await;
    cache_for(&world, 1_000);
    let token = world.token();
    let keys = world.verify(&token).await.unwrap().keys;
    world.advance(799);
    world.verify(&token).await.unwrap();
    assert!(world.providers.is_current(&world.source, keys));
    assert_eq!(world.fetches(), 1);
    // Whether a token is verified or only remembered.
    for use_of_them in 2..=3 {
        world.advance(1 + 799 * (use_of_them as u64 - 2));
        match use_of_them {
            2 => assert!(world.providers.is_current(&world.source, keys)),
            _ => assert_eq!(world.verify(&token).await.unwrap().keys, keys),
        }
        world.until_fetched(use_of_them).await;
        assert!(
            world.providers.is_current(&world.source, keys),
            "same content"
        );
        assert_eq!(world.fetches(), use_of_them);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_fetch_ahead() {
    let world = World::new().await;
    cache_for(&world, 1_000);
    let token = world.token();
    world.verify(&token).await.unwrap();
    world.provider.behave(Page::Keys, Behaviour::Hang);
    world.advance(900);
    let soon = Duration::from_millis(500);
    let verified = tokio::time::timeout(soon, world.verify(&token)).await;
    verified.expect("without waiting").unwrap();
    world.until_fetched(2).await;
}

#[tokio::test]
async fn keys_past_their_lifetime_are_fetched_first() {
    let world = World::new().await;
    let token = world.token();
    let keys = world.verify(&token).await.unwrap().keys;
    world.advance(3_600);
    // Its key has been withdrawn meanwhile.
    world.provider.rotate();
    world.provider.withdraw();
    assert!(!world.providers.is_current(&world.source, keys));
    assert_eq!(world.verify(&token).await, Err(TokenError::UnknownKey));
    let renewed = world.verify(&world.token()).await.unwrap().keys;
    assert_ne!(renewed, keys);
    assert!(!world.providers.is_current(&world.source, keys));
    assert!(world.providers.is_current(&world.source, renewed));
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn while_the_provider_is_down_its_keys_stay_for_a_day() {
    let world = World::new().await;
    let token = world.token();
    let keys = world.verify(&token).await.unwrap().keys;
    world.provider.behave(Page::Keys, Behaviour::Down);
    world.advance(3_600);
    world.verify(&token).await.unwrap();
    assert_eq!(world.fetches(), 2);
    // Those who come next neither wait nor ask; a remembered token is still good.
    world.advance(4);
    world.verify(&token).await.unwrap();
    assert!(world.providers.is_current(&world.source, keys));
    assert_eq!(world.fetches(), 2);
    world.advance(1);
    world.verify(&token).await.unwrap();
    world.until_fetched(3).await;
    world.advance(24 * 3_600 - 6);
    world.verify(&token).await.unwrap();
    world.advance(1);
    assert_eq!(world.verify(&token).await, Err(DOWN));
    assert!(!world.providers.is_current(&world.source, keys));
    // And back again.
    world.provider.behave(Page::Keys, Behaviour::Good);
    world.advance(60);
    let again = world.verify(&token).await.unwrap().keys;
    assert!(world.providers.is_current(&world.source, again));
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_less_and_less() {
    let world = World::new().await;
    world.provider.behave(Page::Keys, Behaviour::Down);
    let token = world.token();
    let mut fetches = 0;
    for wait in [5, 10, 20, 40, 60, 60] {
        assert_eq!(world.verify(&token).await, Err(DOWN));
        fetches += 1;
        assert_eq!(world.fetches(), fetches);
        world.advance(wait - 1);
        assert_eq!(world.verify(&token).await, Err(DOWN), "remembered");
        assert_eq!(world.fetches(), fetches, "{wait}");
        world.advance(1);
    }
    world.provider.behave(Page::Keys, Behaviour::Good);
    world.verify(&token).await.unwrap();
    // After a success it begins anew.
    world.provider.behave(Page::Keys, Behaviour::Down);
    world.advance(3_600);
    world.verify(&token).await.unwrap();
    world.advance(5);
    world.verify(&token).await.unwrap();
    world.until_fetched(fetches + 3).await;
}

#[tokio::test]
async fn lifetimes_are_bounded_both_ways() {
    for (headers, fresh, stale) in [
        (vec![("Cache-Control", "no-store".to_owned())], 59, 1),
        (vec![("Cache-Control", "max-age=0".to_owned())], 59, 1),
        (
            vec![("Cache-Control", "max-age=31536000".to_owned())],
            86_399,
            1,
        ),
        (
            vec![
                ("Cache-Control", "max-age=500".to_owned()),
                ("Age", "300".to_owned()),
            ],
            199,
            1,
        ),
        (
            vec![("Expires", "Thu, 01 Jan 2026 00:10:00 GMT".to_owned())],
            599,
            1,
        ),
        (vec![], 3_599, 1),
    ] {
        let world = World::new().await;
        world
            .provider
            .behave(Page::Keys, Behaviour::With(headers.clone()));
        let token = world.token();
        let keys = world.verify(&token).await.unwrap().keys;
        // So that a fetch ahead brings nothing.
        world.provider.behave(Page::Keys, Behaviour::Hang);
        world.advance(fresh);
        assert!(
            world.providers.is_current(&world.source, keys),
            "{headers:?}"
        );
        world.advance(stale);
        assert!(
            !world.providers.is_current(&world.source, keys),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn the_source_that_was_used_least_recently_is_forgotten() {
    let mut options = options();
    options.limits.sources = 2;
    let mut world = World::with(options).await;
    let origin = world.issuer.clone();
    let mut verify = async |pool: &str| {
        world.issuer = format!("{origin}/{pool}");
        world.source = KeySource::Discovery(world.issuer.clone());
        world.verify(&world.token()).await.unwrap();
        world.advance(1);
        world.fetches()
    };
    assert_eq!(verify("a").await, 1);
    assert_eq!(verify("b").await, 2);
    assert_eq!(verify("a").await, 2);
    assert_eq!(verify("c").await, 3);
    assert_eq!(verify("a").await, 3);
    assert_eq!(verify("b").await, 4);
}

#[tokio::test]
async fn discovery_at_creation_does_not_trust_what_is_remembered() {
    let world = World::new().await;
    world.verify(&world.token()).await.unwrap();
    world.provider.behave(Page::Discovery, Behaviour::Down);
    let error = world.providers.discover(&world.issuer).await.unwrap_err();
    assert_eq!(error.reason, Reason::Connection);
    world.provider.behave(Page::Discovery, Behaviour::Good);
    world.providers.discover(&world.issuer).await.unwrap();
    assert_eq!(world.provider.fetches(Page::Discovery), 3);
}

#[tokio::test]
async fn sources_that_never_gave_keys_are_forgotten_first() {
    let mut options = options();
    options.limits.sources = 2;
    let world = World::with(options).await;
    world.verify(&world.token()).await.unwrap();
    world.provider.behave(Page::Keys, Behaviour::Down);
    for at in 0..4 {
        world.advance(1);
        let issuer = format!("{}/{at}", world.issuer);
        let mut claims = world.claims();
        claims["iss"] = json!(issuer);
        let token = world.provider.sign("ES256", &claims);
        let source = KeySource::Discovery(issuer.clone());
        let verified = world.providers.verify(&source, &[&issuer], &token).await;
        assert!(matches!(verified, Err(TokenError::Keys(_))), "{verified:?}");
    }
    world.verify(&world.token()).await.unwrap();
}

#[tokio::test]
async fn a_new_key_under_an_old_name_is_found() {
    let world = World::new().await;
    let old = world.token();
    world.verify(&old).await.unwrap();
    let other = testkit::IdentityProvider::start().await;
    let answer = Behaviour::Answer(200, vec![], other.key_set().to_string());
    world.provider.behave(Page::Keys, answer);
    let new = other.sign("ES256", &world.claims());
    assert_eq!(other.key_id("ES256"), world.provider.key_id("ES256"));
    world.verify(&new).await.unwrap();
    assert_eq!(world.fetches(), 2);
    // Bad signatures are no way to have the provider asked without end.
    for _ in 0..5 {
        assert_eq!(world.verify(&old).await, Err(TokenError::Signature));
    }
    assert_eq!(world.fetches(), 2);
    // And the provider's absence does not excuse them.
    world.provider.behave(Page::Keys, Behaviour::Down);
    world.advance(10);
    assert_eq!(world.verify(&old).await, Err(TokenError::Signature));
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn a_set_without_keys_does_not_replace_those_that_are_there() {
    let world = World::new().await;
    let token = world.token();
    world.verify(&token).await.unwrap();
    let nothing = json!({"keys": [{"kty": "oct", "k": "AAAA"}]});
    for (at, set) in [json!({"keys": []}), nothing].iter().enumerate() {
        let answer = Behaviour::Answer(200, vec![], set.to_string());
        world.provider.behave(Page::Keys, answer);
        world.provider.rotate();
        world.advance(100);
        let unknown = world.verify(&world.token()).await;
        assert!(matches!(unknown, Err(TokenError::Keys(_))), "{unknown:?}");
        assert_eq!(world.fetches(), 2 + at);
        world.verify(&token).await.unwrap();
    }
}
