//! What is remembered of a token holds no longer than what it was found by.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Behaviour, Page};

use super::{World, groups, view};
use crate::scene::Scene;

async fn source_of(world: &World) -> Value {
    let listed = world.scene.ok("ListIdentitySources", json!({})).await;
    listed["identitySources"][0].clone()
}

#[tokio::test]
async fn a_remembered_token_still_expires() {
    let world = World::access().await;
    let tokens = json!({"accessToken": world.token(&json!({}))});
    for _ in 0..3 {
        world.ask(tokens.clone()).await;
    }
    world.scene.app.clock().advance(Duration::from_secs(60));
    let refused = world
        .scene
        .refused("IsAuthorizedWithToken", view(tokens))
        .await;
    assert_eq!(
        refused.message,
        "The accessToken is not valid: the token has expired."
    );
}

#[tokio::test]
async fn a_remembered_token_is_judged_by_the_identity_source_as_it_is() {
    let world = World::access().await;
    let tokens = json!({"accessToken": world.token(&json!({"aud": "theirs", "groups": "g"}))});
    let before = world.ask(tokens.clone()).await;
    assert_eq!(before["principal"]["entityId"], "u");
    let source = source_of(&world).await;
    let mut configuration = source["configuration"].clone();
    let provider = &mut configuration["openIdConnectConfiguration"];
    provider["entityIdPrefix"] = json!("p");
    let mut update = json!({
        "identitySourceId": source["identitySourceId"], "updateConfiguration": configuration,
        "principalEntityType": "App::Person",
    });
    world.scene.ok("UpdateIdentitySource", update.clone()).await;
    let after = world.ask(tokens.clone()).await;
    let principal = json!({"entityType": "App::Person", "entityId": "p|u"});
    assert_eq!(after["principal"], principal);
    let selection = json!({"accessTokenOnly": {"audiences": ["ours"]}});
    update["updateConfiguration"]["openIdConnectConfiguration"]["tokenSelection"] = selection;
    world.scene.ok("UpdateIdentitySource", update).await;
    let refused = world
        .scene
        .refused("IsAuthorizedWithToken", view(tokens))
        .await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
}

#[tokio::test]
async fn a_remembered_token_is_read_with_the_schema_as_it_is() {
    let selection = json!({"identityTokenOnly": {}});
    let world = World::new(Scene::off().await, selection, groups()).await;
    world
        .scene
        .policy("permit(principal, action, resource) when { principal.level == 1 };")
        .await;
    let tokens = json!({"identityToken": world.token(&json!({"level": 1}))});
    assert_eq!(world.ask(tokens.clone()).await["decision"], "ALLOW");
    let schema = |attributes: Value| {
        let shape = json!({"type": "Record", "attributes": attributes});
        let types = json!({"User": {"shape": shape}, "Doc": {}});
        let schema = json!({"App": {"entityTypes": types, "actions": {}}});
        json!({"definition": {"cedarJson": schema.to_string()}})
    };
    world.scene.ok("PutSchema", schema(json!({}))).await;
    assert_eq!(world.ask(tokens.clone()).await["decision"], "DENY");
    let text = schema(json!({"level": {"type": "String"}}));
    world.scene.ok("PutSchema", text).await;
    let refused = world
        .scene
        .refused("IsAuthorizedWithToken", view(tokens))
        .await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
}

#[tokio::test]
async fn a_token_goes_with_the_key_that_signed_it() {
    let world = World::access().await;
    let tokens = json!({"accessToken": world.token(&json!({}))});
    world.ask(tokens.clone()).await;
    world.ask(tokens.clone()).await;
    assert_eq!(world.provider.fetches(Page::Keys), 1);
    world.provider.rotate();
    let newer = json!({"accessToken": world.token(&json!({}))});
    world.scene.app.clock().advance(Duration::from_secs(11));
    world.ask(newer.clone()).await;
    assert_eq!(world.provider.fetches(Page::Keys), 2);
    world.ask(tokens.clone()).await;
    world.provider.rotate();
    world.provider.withdraw();
    world.scene.app.clock().advance(Duration::from_secs(11));
    world
        .ask(json!({"accessToken": world.token(&json!({}))}))
        .await;
    let refused = world
        .scene
        .refused("IsAuthorizedWithToken", view(tokens))
        .await;
    assert_eq!(
        refused.message,
        "The accessToken is not valid: the issuer has no key of that key id."
    );
}

#[tokio::test]
async fn tokens_are_accepted_while_the_provider_is_away() {
    let world = World::access().await;
    world
        .ask(json!({"accessToken": world.token(&json!({}))}))
        .await;
    for page in [Page::Keys, Page::Discovery] {
        world.provider.behave(page, Behaviour::Down);
    }
    let first_seen_now = json!({"accessToken": world.token(&json!({"x": 1}))});
    world.ask(first_seen_now).await;
}

/// One token, two policy stores that differ in what they make of it.
#[tokio::test]
async fn policy_stores_do_not_share_what_they_found() {
    let one = World::access().await;
    let token = one.token(&json!({"level": 1}));
    one.ask(json!({"accessToken": token})).await;
    let created = one
        .scene
        .client
        .create_policy_store()
        .validation_settings(crate::common::mode(
            aws_sdk_verifiedpermissions::types::ValidationMode::Off,
        ))
        .send()
        .await
        .unwrap();
    let mut other = one.scene.clone();
    other.store = created.policy_store_id;
    let configuration = json!({
        "issuer": one.provider.issuer(), "entityIdPrefix": "other",
        "tokenSelection": {"identityTokenOnly": {"clientIds": ["c"]}},
    });
    let input = json!({
        "principalEntityType": "App::Robot",
        "configuration": {"openIdConnectConfiguration": configuration},
    });
    other.ok("CreateIdentitySource", input).await;
    for tokens in [
        json!({"accessToken": token}),
        json!({"identityToken": token}),
    ] {
        let refused = other.refused("IsAuthorizedWithToken", view(tokens)).await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
    }
    one.ask(json!({"accessToken": token})).await;
}
