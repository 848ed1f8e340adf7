use std::sync::Arc;
use std::time::Duration;

use jwt::TokenError;
use serde_json::json;
use testkit::{Behaviour, Page};

use super::{World, options};

const MANY: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn all_who_wait_share_a_fetch() {
    let world = World::new().await;
    let slow = Behaviour::After(Duration::from_millis(100));
    world.provider.behave(Page::Keys, slow);
    let verify_all = async |token: String| {
        let tasks: Vec<_> = (0..MANY)
            .map(|_| world.verify_aside(token.clone()))
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    };
    verify_all(world.token()).await;
    assert_eq!(world.fetches(), 1);
    // A key that was not there.
    world.provider.rotate();
    verify_all(world.token()).await;
    assert_eq!(world.fetches(), 2);
    // Keys past their lifetime.
    world.advance(3_600);
    verify_all(world.token()).await;
    assert_eq!(world.fetches(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_wait_share_a_failure() {
    let world = World::new().await;
    let slow = Behaviour::Answer(503, vec![], String::new());
    world.provider.behave(Page::Keys, slow);
    let token = world.token();
    let tasks: Vec<_> = (0..MANY)
        .map(|_| world.verify_aside(token.clone()))
        .collect();
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, TokenError::Keys(_)), "{error}");
    }
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn who_leaves_does_not_end_the_fetch_for_the_others() {
    let world = World::new().await;
    let slow = Behaviour::After(Duration::from_millis(200));
    world.provider.behave(Page::Keys, slow);
    let first = world.verify_aside(world.token());
    while world.fetches() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = world.verify_aside(world.token());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    second.await.unwrap().unwrap();
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn unknown_keys_make_one_fetch_in_ten_seconds() {
    let world = World::new().await;
    world.verify(&world.token()).await.unwrap();
    let unknown = |number: usize| {
        let header = json!({"alg": "ES256", "kid": format!("no-{number}")}).to_string();
        world
            .provider
            .sign_raw("ES256", &header, &world.claims().to_string())
    };
    for round in 0..3 {
        for number in 0..20 {
            let verified = world.verify(&unknown(number)).await;
            assert_eq!(verified, Err(TokenError::UnknownKey));
        }
        assert_eq!(world.fetches(), 2 + round);
        world.advance(10);
    }
    // The known ones are not hurt by it.
    world.verify(&world.token()).await.unwrap();
    assert_eq!(world.fetches(), 4);
}

#[tokio::test]
async fn an_unknown_key_while_the_provider_is_down_is_its_failure() {
    let world = World::new().await;
    world.verify(&world.token()).await.unwrap();
    world.provider.rotate();
    world
        .provider
        .behave(Page::Keys, Behaviour::Answer(500, vec![], String::new()));
    for _ in 0..2 {
        let error = world.verify(&world.token()).await.unwrap_err();
        assert!(matches!(error, TokenError::Keys(_)), "{error}");
    }
    assert_eq!(world.fetches(), 2);
    world.provider.behave(Page::Keys, Behaviour::Good);
    world.advance(10);
    world.verify(&world.token()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_while_requests_run() {
    let world = World::new().await;
    world.verify(&world.token()).await.unwrap();
    for round in 0..5 {
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                if number == 20 {
                    world.provider.rotate();
                }
                world.verify_aside(world.provider.sign("EdDSA", &world.claims()))
            })
            .collect();
        for task in tasks {
            task.await
                .unwrap()
                .unwrap_or_else(|error| panic!("{round}: {error}"));
        }
        assert_eq!(world.fetches(), 2 + round);
        world.advance(10);
    }
}

#[tokio::test]
async fn only_so_many_fetch_at_once() {
    let mut options = options();
    options.limits.fetches = 1;
    options.limits.fetch = Duration::from_millis(400);
    let mut world = World::with(options).await;
    world.provider.behave(Page::Keys, Behaviour::Hang);
    let first = world.verify_aside(world.token());
    while world.fetches() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Another source waits for its turn, and gets it when the first has had its time.
    world.provider.behave(Page::Keys, Behaviour::Good);
    world.issuer = format!("{}/other", world.issuer);
    world.source = jwt::KeySource::Discovery(world.issuer.clone());
    let second = world.verify_aside(world.token());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.provider.fetches(Page::Discovery), 1);
    assert!(first.await.unwrap().is_err());
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn checks_of_issuers_do_not_keep_tokens_waiting() {
    let mut options = options();
    options.limits.fetches = 4;
    let world = World::with(options).await;
    world.provider.behave(Page::Discovery, Behaviour::Hang);
    let checks: Vec<_> = (0..8)
        .map(|_| {
            let (providers, issuer) = (Arc::clone(&world.providers), world.issuer.clone());
            tokio::spawn(async move { providers.discover(&issuer).await })
        })
        .collect();
    while world.provider.fetches(Page::Discovery) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.provider.behave(Page::Discovery, Behaviour::Good);
    let soon = Duration::from_secs(1);
    let token = world.token();
    let verified = tokio::time::timeout(soon, world.verify(&token)).await;
    verified.expect("without waiting").unwrap();
    // One check hangs, one fetch was for the token, and the other checks wait for their turn.
    assert_eq!(world.provider.fetches(Page::Discovery), 2);
    checks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn providers_that_never_answer_do_not_hold_up_others() {
    let mut options = options();
    options.limits.fetches = 8;
    options.limits.fetch = Duration::from_millis(800);
    let world = World::with(options).await;
    world.verify(&world.token()).await.unwrap();
    let ill = testkit::IdentityProvider::start().await;
    ill.behave(Page::Keys, Behaviour::Hang);
    let many: Vec<_> = (0..20)
        .map(|at| {
            let issuer = format!("{}/{at}", ill.issuer());
            let mut claims = world.claims();
            claims["iss"] = json!(issuer);
            let token = ill.sign("ES256", &claims);
            let providers = Arc::clone(&world.providers);
            let source = jwt::KeySource::Discovery(issuer.clone());
            tokio::spawn(async move { providers.verify(&source, &[&issuer], &token).await })
        })
        .collect();
    while ill.fetches(Page::Keys) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // One that has given keys before has a place of its own.
    world.provider.rotate();
    let soon = Duration::from_millis(400);
    let token = world.token();
    let verified = tokio::time::timeout(soon, world.verify(&token)).await;
    verified.expect("without waiting").unwrap();
    // A new one may have to wait, and is not left alone for that.
    let issuer = format!("{}/new", world.issuer);
    let source = jwt::KeySource::Discovery(issuer.clone());
    let mut claims = world.claims();
    claims["iss"] = json!(issuer);
    let token = world.provider.sign("ES256", &claims);
    let verify = async || world.providers.verify(&source, &[&issuer], &token).await;
    let _ = verify().await;
    for one in many {
        assert!(one.await.unwrap().is_err());
    }
    verify().await.unwrap();
}
