use jwt::KeySource;
use serde_json::json;
use testkit::{Behaviour, Page};

use super::{ALGORITHMS, NOW, World};

#[tokio::test]
async fn every_algorithm_and_both_places_of_keys() {
    let world = World::new().await;
    world.providers.discover(&world.issuer).await.unwrap();
    for source in [KeySource::Discovery, KeySource::WellKnownJwks] {
        let source = source(world.issuer.clone());
        for algorithm in ALGORITHMS {
            let token = world.provider.sign(algorithm, &world.claims());
            let verified = world
                .providers
                .verify(&source, &["https://other.example", &world.issuer], &token)
                .await
                .unwrap_or_else(|error| panic!("{algorithm}: {error}"));
            assert_eq!(
                serde_json::Value::Object(verified.claims),
                world.claims(),
                "{algorithm}"
            );
            assert_eq!(verified.expires.unix_seconds(), NOW + 30 * 24 * 3_600);
            assert!(world.providers.is_current(&source, verified.keys));
        }
    }
    let fetches = |page| world.provider.fetches(page);
    assert_eq!(fetches(Page::Discovery), 2);
    assert_eq!(fetches(Page::Keys), 1);
    assert_eq!(fetches(Page::CognitoKeys), 1);
}

#[tokio::test]
async fn where_cognitos_key_set_is_missing_discovery_says() {
    let mut world = World::new().await;
    let missing = Behaviour::Answer(404, vec![], String::new());
    world.provider.behave(Page::CognitoKeys, missing);
    world.source = KeySource::WellKnownJwks(format!("{}/pool", world.issuer));
    // The issuer of a mapped pool is not where its keys are.
    world.issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc".to_owned();
    world.verify(&world.token()).await.unwrap();
    assert_eq!(world.provider.fetches(Page::Discovery), 1);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn times_and_odd_members_that_are_good() {
    let world = World::new().await;
    let month = NOW + 30 * 24 * 3_600;
    for (exp, nbf) in [
        (json!(NOW + 1), json!(NOW)),
        (json!(NOW as f64 + 0.5), json!(NOW as f64 - 0.5)),
        (json!(u64::MAX), json!(NOW + 60)),
        (json!(1e300), json!(-1e300)),
        (json!(month), json!(i64::MIN)),
    ] {
        let claims = json!({"iss": world.issuer, "exp": exp, "nbf": nbf});
        let token = world.provider.sign("EdDSA", &claims);
        assert!(world.verify(&token).await.is_ok(), "{claims}");
    }
    let key = world.provider.key_id("ES256");
    let claims = world.claims().to_string();
    for header in [
        // What a header brings along is not looked at.
        json!({"alg": "ES256", "kid": key, "jku": "https://evil.example/", "jwk": {"kty": "oct"}}),
        json!({"alg": "ES256", "kid": key, "typ": "at+jwt", "x5c": []}),
        // The only key that fits.
        json!({"alg": "ES256"}),
    ] {
        let token = world
            .provider
            .sign_raw("ES256", &header.to_string(), &claims);
        assert!(world.verify(&token).await.is_ok(), "{header}");
    }
    assert_eq!(world.fetches(), 1);
}
