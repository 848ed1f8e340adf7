//! Tokens that are not accepted: always an exception, never DENY, never a word of the token.

use serde_json::{Value, json};
use testkit::{Behaviour, IdentityProvider, Page};

use super::{SOON, World, view};
use crate::scene::{Scene, with};

/// The refusal's message, which must not echo the token.
async fn refused(world: &World, token: &str) -> String {
    let input = view(json!({"accessToken": token}));
    let refused = world.scene.refused("IsAuthorizedWithToken", input).await;
    assert_eq!(refused.kind(), (400, "ValidationException"), "{refused:?}");
    assert_eq!(refused.fields, []);
    let body = refused.body.to_string();
    for part in token.split('.').filter(|part| part.len() > 3) {
        assert!(!body.contains(part), "{body}");
    }
    assert!(!body.contains("very-secret"), "{body}");
    refused.message
}

#[tokio::test]
async fn every_check_has_its_reason() {
    let world = World::access().await;
    world
        .scene
        .policy("permit(principal, action, resource);")
        .await;
    let secret = json!({"secret": "very-secret"});
    let good = world.token(&secret);
    let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let other_payload = world.token(&json!({"secret": "very-secret", "sub": "admin"}));
    let other_payload = other_payload.split('.').nth(1).unwrap();
    let stranger = IdentityProvider::start().await;
    let claims = |more: Value| {
        let claims = json!({"iss": world.provider.issuer(), "sub": "u", "exp": SOON});
        with(claims, more)
    };
    let of = |more: Value| world.provider.sign("ES256", &claims(more));
    let by_stranger = |issuer: String| stranger.sign("ES256", &claims(json!({ "iss": issuer })));
    // First with the name of a key that the issuer has, then with another.
    let forged = by_stranger(world.provider.issuer());
    stranger.rotate();
    let none = r#"{"alg":"none"}"#;
    let unsigned = world
        .provider
        .sign_raw("ES256", none, &claims(json!({})).to_string());
    for (token, reason) in [
        (of(json!({"exp": SOON - 120})), "the token has expired"),
        (
            of(json!({"nbf": SOON + 3600})),
            "the token is not valid yet",
        ),
        (
            of(json!({"iss": "https://other.example"})),
            "the token was issued by another issuer",
        ),
        (
            by_stranger(stranger.issuer()),
            "the token was issued by another issuer",
        ),
        (forged, "the token's signature is invalid"),
        (
            by_stranger(world.provider.issuer()),
            "the issuer has no key of that key id",
        ),
        (
            format!("{head}.{other_payload}.{signature}"),
            "the token's signature is invalid",
        ),
        (unsigned, "the token's signature algorithm is not accepted"),
        (
            of(json!({"sub": null})),
            "its claim `sub`, which names the principal, is missing, empty or no string",
        ),
        (
            of(json!({"groups": [1]})),
            "its claim `groups`, which lists the groups, is neither a string nor a list of strings",
        ),
    ] {
        let message = refused(&world, &token).await;
        assert_eq!(message, format!("The accessToken is not valid: {reason}."));
    }
    let cut = signature.get(..signature.len() - 4).unwrap();
    for token in [
        format!("{head}.{payload}.{cut}"),
        format!("{head}.{payload}.AAAA"),
        "a.b.c".to_owned(),
        format!("{head}.{payload}."),
        "AAAAA".to_owned(),
    ] {
        let input = view(json!({"accessToken": token}));
        let refused = world.scene.refused("IsAuthorizedWithToken", input).await;
        assert_eq!(refused.kind(), (400, "ValidationException"), "{token}");
    }
    assert_eq!(
        world.ask(json!({"accessToken": good})).await["decision"],
        "ALLOW"
    );
}

#[tokio::test]
async fn there_has_to_be_a_token_of_the_kind_that_is_processed() {
    let none = "You must specify an accessToken, an identityToken, or both.";
    for (world, given, other, kind) in [
        (
            World::access().await,
            "accessToken",
            "identityToken",
            "accessToken",
        ),
        (
            World::identity().await,
            "identityToken",
            "accessToken",
            "identityToken",
        ),
    ] {
        let message = async |input: Value| {
            let refused = world
                .scene
                .refused("IsAuthorizedWithToken", view(input))
                .await;
            refused.message
        };
        assert_eq!(message(json!({})).await, none);
        let token = world.token(&json!({}));
        let expected = format!("The identity source of the policy store processes only an {kind}.");
        assert_eq!(message(json!({ other: token })).await, expected);
        // The other kind is not looked at.
        world.ask(json!({ given: token, other: "a.b.c" })).await;
    }
}

#[tokio::test]
async fn without_an_identity_source_there_are_no_principals() {
    let world = World::access().await;
    let token = world.token(&json!({}));
    world.ask(json!({"accessToken": token})).await;
    let listed = world.scene.ok("ListIdentitySources", json!({})).await;
    let id = &listed["identitySources"][0]["identitySourceId"];
    world
        .scene
        .ok("DeleteIdentitySource", json!({"identitySourceId": id}))
        .await;
    let store = world.scene.store.as_str();
    let refused = world
        .scene
        .refused("IsAuthorizedWithToken", view(json!({"accessToken": token})))
        .await;
    assert_eq!(refused.missing(), ("IDENTITY_SOURCE", store));
    let batch = json!({"accessToken": token, "requests": [{}]});
    let refused = world
        .scene
        .refused("BatchIsAuthorizedWithToken", batch)
        .await;
    assert_eq!(refused.missing(), ("IDENTITY_SOURCE", store));
    let bare = Scene::off().await;
    let refused = bare
        .refused("IsAuthorizedWithToken", view(json!({"accessToken": token})))
        .await;
    assert_eq!(refused.missing(), ("IDENTITY_SOURCE", bare.store.as_str()));
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_fault_of_the_client() {
    let world = World::access().await;
    let token = world.token(&json!({}));
    world.provider.behave(Page::Keys, Behaviour::Down);
    let refused = world
        .scene
        .refused("IsAuthorizedWithToken", view(json!({"accessToken": token})))
        .await;
    assert_eq!(refused.kind(), (500, "InternalServerException"));
    assert_eq!(
        refused.message,
        "The keys of the identity provider cannot be fetched."
    );
    assert_eq!(refused.body.as_object().unwrap().len(), 2);
}
