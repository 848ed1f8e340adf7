//! The schema says which claims there are and what they become.

use serde_json::{Value, json};

use super::{World, groups, view};
use crate::scene::Scene;

/// `App::User`s with a required level, `view` with a token of some scopes.
fn schema() -> Value {
    let token = json!({"type": "Record", "attributes": {
        "scope": {"type": "Set", "element": {"type": "String"}},
        "client_id": {"type": "String", "required": false},
    }});
    json!({"App": {
        "entityTypes": {
            "Group": {}, "Doc": {},
            "User": {"memberOfTypes": ["Group"], "shape": {"type": "Record", "attributes": {
                "level": {"type": "Long"},
                "addresses": {
                    "type": "Set", "element": {"type": "Extension", "name": "ipaddr"},
                    "required": false,
                },
            }}},
        },
        "actions": {
            "view": {"appliesTo": {
                "principalTypes": ["User"], "resourceTypes": ["Doc"],
                "context": {"type": "Record", "attributes": {"token": token}},
            }},
            "edit": {"appliesTo": {"principalTypes": ["User"], "resourceTypes": ["Doc"]}},
        },
    }})
}

#[tokio::test]
async fn a_schema_says_what_claims_are() {
    let selection = json!({"identityTokenOnly": {}});
    let world = World::new(Scene::strict(&schema()).await, selection, groups()).await;
    world
        .scene
        .policy(
            "permit(principal in App::Group::\"staff\", action == App::Action::\"edit\", resource) \
             when { principal.level > 2 && principal has addresses && \
             principal.addresses.contains(ip(\"1.2.3.4\")) };",
        )
        .await;
    let edit = |claims: Value| {
        let mut input = view(json!({"identityToken": world.token(&claims)}));
        input["action"]["actionId"] = json!("edit");
        input
    };
    let claims = json!({
        "level": 3, "addresses": ["1.2.3.4"], "groups": "other staff", "undeclared": {"a": 1},
    });
    let answer = world.scene.ok("IsAuthorizedWithToken", edit(claims)).await;
    assert_eq!(
        (&answer["decision"], &answer["errors"]),
        (&json!("ALLOW"), &json!([]))
    );
    for (claims, reason) in [
        (
            json!({}),
            "it lacks the claim `level`, which the schema requires",
        ),
        (
            json!({"level": "3"}),
            "its claim `level` is not of the type Long, which the schema declares",
        ),
        (
            json!({"level": 3, "addresses": ["here"]}),
            "its claim `addresses` is not of the type ipaddr, which the schema declares",
        ),
    ] {
        let refused = world
            .scene
            .refused("IsAuthorizedWithToken", edit(claims))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        let text = format!("The identityToken is not valid: {reason}.");
        assert_eq!(refused.message, text);
    }
}

#[tokio::test]
async fn each_action_says_what_its_token_is() {
    let selection = json!({"accessTokenOnly": {}});
    let world = World::new(Scene::strict(&schema()).await, selection, json!({})).await;
    world
        .scene
        .policy(
            "permit(principal, action == App::Action::\"view\", resource) \
             when { context.token.scope.contains(\"docs.read\") };",
        )
        .await;
    let ask = |claims: Value| json!({"accessToken": world.token(&claims)});
    let good = world
        .ask(ask(json!({"scope": "docs.read x", "other": 1})))
        .await;
    assert_eq!(
        (&good["decision"], &good["errors"]),
        (&json!("ALLOW"), &json!([]))
    );
    let bad = view(ask(json!({"scope": 1})));
    let refused = world.scene.refused("IsAuthorizedWithToken", bad).await;
    let text = "The accessToken is not valid: its claim `scope` is not of the type Set<String>, \
                which the schema declares.";
    assert_eq!(refused.message, text);
    // `edit` declares no token, and takes what there is.
    let mut edit = view(ask(json!({"scope": 1})));
    edit["action"]["actionId"] = json!("edit");
    world.scene.ok("IsAuthorizedWithToken", edit).await;
}

/// The same claims for actions that declare them differently, again and again.
#[tokio::test]
async fn what_was_made_for_one_action_is_not_taken_for_another() {
    let token = |kind: Value| json!({"type": "Record", "attributes": {"x": kind}});
    let action = |kind: Value| {
        let context = json!({"type": "Record", "attributes": {"token": token(kind)}});
        json!({"appliesTo": {
            "principalTypes": ["User"], "resourceTypes": ["Doc"], "context": context,
        }})
    };
    let text = || json!({"type": "String"});
    let set = || json!({"type": "Set", "element": {"type": "String"}});
    let actions = json!({"one": action(text()), "same": action(text()), "many": action(set())});
    let schema = json!({"App": {"entityTypes": {"User": {}, "Doc": {}}, "actions": actions}});
    let selection = json!({"accessTokenOnly": {}});
    let world = World::new(Scene::strict(&schema).await, selection, json!({})).await;
    for (action, condition) in [
        ("one", "context.token.x == \"a\""),
        ("same", "context.token.x == \"a\""),
        ("many", "context.token.x.contains(\"a\")"),
    ] {
        let statement = format!(
            "permit(principal, action == App::Action::\"{action}\", resource) when {{ {condition} }};"
        );
        world.scene.policy(&statement).await;
    }
    let token = world.token(&json!({"x": "a"}));
    let resource = crate::scene::entity("App::Doc", "d");
    let request = |action: &str| json!({"action": {"actionType": "App::Action", "actionId": action}, "resource": resource});
    for actions in [["one", "many", "same"], ["many", "same", "one"]] {
        let requests: Vec<_> = actions.iter().map(|action| request(action)).collect();
        let input = json!({"accessToken": token, "requests": requests});
        let answer = world.scene.ok("BatchIsAuthorizedWithToken", input).await;
        for result in answer["results"].as_array().unwrap() {
            assert_eq!(
                (&result["decision"], &result["errors"]),
                (&json!("ALLOW"), &json!([]))
            );
        }
    }
}
