//! Identity sources: what they are made of, and what they may be.

mod refusals;

use std::time::Duration;

use serde_json::{Value, json};
use testkit::IdentityProvider;

use crate::scene::{START, Scene, with};

const POOL: &str = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Pool1";
const POOL_ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool1";
const LATER: &str = "2026-01-01T00:00:01.123456Z";

fn cognito(more: Value) -> Value {
    let pool = with(json!({"userPoolArn": POOL}), more);
    json!({ "cognitoUserPoolConfiguration": pool })
}

fn openid(issuer: &str, more: Value) -> Value {
    let provider = json!({"issuer": issuer, "tokenSelection": {"identityTokenOnly": {}}});
    let provider = with(provider, more);
    json!({ "openIdConnectConfiguration": provider })
}

async fn create(scene: &Scene, configuration: &Value, principal: Option<&str>) -> Value {
    let mut input = json!({"configuration": configuration});
    if let Some(principal) = principal {
        input["principalEntityType"] = json!(principal);
    }
    let created = scene.ok("CreateIdentitySource", input).await;
    created["identitySourceId"].clone()
}

async fn get(scene: &Scene, id: &Value) -> Value {
    scene
        .ok("GetIdentitySource", json!({"identitySourceId": id}))
        .await
}

#[tokio::test]
async fn a_user_pool_comes_back_with_its_issuer() {
    for (given, principal, expected) in [
        (
            cognito(json!({})),
            None,
            json!({"userPoolArn": POOL, "clientIds": [], "issuer": POOL_ISSUER}),
        ),
        (
            cognito(json!({
                "clientIds": ["a", "b"], "groupConfiguration": {"groupEntityType": "App::Group"},
            })),
            Some("App::User"),
            json!({
                "userPoolArn": POOL, "clientIds": ["a", "b"], "issuer": POOL_ISSUER,
                "groupConfiguration": {"groupEntityType": "App::Group"},
            }),
        ),
    ] {
        let scene = Scene::off().await;
        let id = create(&scene, &given, principal).await;
        let details = json!({
            "clientIds": expected["clientIds"], "userPoolArn": POOL,
            "discoveryUrl": POOL_ISSUER, "openIdIssuer": "COGNITO",
        });
        let expected = json!({
            "identitySourceId": id, "createdDate": START, "lastUpdatedDate": START,
            "principalEntityType": principal.unwrap_or("AWS::Cognito"), "details": details,
            "configuration": {"cognitoUserPoolConfiguration": expected},
        });
        assert_eq!(get(&scene, &id).await, expected);
        let mut item = expected;
        item["policyStoreId"] = json!(scene.store);
        let listed = scene.ok("ListIdentitySources", json!({})).await;
        assert_eq!(listed, json!({"identitySources": [item]}));
    }
}

#[tokio::test]
async fn a_provider_comes_back_as_it_was_given() {
    let provider = IdentityProvider::start().await;
    let issuer = provider.issuer();
    for more in [
        json!({}),
        json!({"tokenSelection": {"accessTokenOnly": {}}}),
        json!({
            "entityIdPrefix": "idp",
            "groupConfiguration": {"groupClaim": "groups", "groupEntityType": "App::Group"},
            "tokenSelection": {"accessTokenOnly": {
                "principalIdClaim": "uid", "audiences": ["https://api.example"],
            }},
        }),
        json!({"tokenSelection": {"identityTokenOnly": {
            "principalIdClaim": "email", "clientIds": ["a"],
        }}}),
        json!({"tokenSelection": {"identityTokenOnly": {"clientIds": []}}}),
    ] {
        let scene = Scene::off().await;
        let configuration = openid(&issuer, more);
        let id = create(&scene, &configuration, Some("App::User")).await;
        let expected = json!({
            "identitySourceId": id, "createdDate": START, "lastUpdatedDate": START,
            "principalEntityType": "App::User", "configuration": configuration,
        });
        assert_eq!(get(&scene, &id).await, expected);
    }
}

#[tokio::test]
async fn an_update_replaces_the_configuration_and_keeps_the_type() {
    let scene = Scene::off().await;
    let provider = IdentityProvider::start().await;
    let given = cognito(json!({"clientIds": ["a"]}));
    let id = create(&scene, &given, Some("App::User")).await;
    scene.app.clock().advance(Duration::from_secs(1));
    let update = |configuration: &Value| json!({"identitySourceId": id, "updateConfiguration": configuration});
    let other = openid(&provider.issuer(), json!({"entityIdPrefix": "p"}));
    let updated = scene.ok("UpdateIdentitySource", update(&other)).await;
    let dates = json!({
        "identitySourceId": id, "createdDate": START, "lastUpdatedDate": LATER,
    });
    assert_eq!(updated, dates);
    let got = get(&scene, &id).await;
    assert_eq!(got["configuration"], other);
    assert_eq!(got["principalEntityType"], "App::User");
    assert_eq!(got.get("details"), None);
    let mut input = update(&cognito(json!({})));
    input["principalEntityType"] = json!("App::Person");
    scene.ok("UpdateIdentitySource", input).await;
    let got = get(&scene, &id).await;
    assert_eq!(got["principalEntityType"], "App::Person");
    let pool = &got["configuration"]["cognitoUserPoolConfiguration"];
    assert_eq!(pool["clientIds"], json!([]));
    // What is refused changes nothing.
    let mut bad = update(&cognito(json!({"clientIds": ["b"]})));
    bad["principalEntityType"] = json!("no name");
    let refused = scene.refused("UpdateIdentitySource", bad).await;
    assert_eq!(refused.fields[0].0, "/principalEntityType");
    assert_eq!(get(&scene, &id).await, got);
}

#[tokio::test]
async fn the_default_type_of_user_pools_is_no_providers() {
    let scene = Scene::off().await;
    let provider = IdentityProvider::start().await;
    let id = create(&scene, &cognito(json!({})), None).await;
    let other = openid(&provider.issuer(), json!({}));
    let update = json!({"identitySourceId": id, "updateConfiguration": other});
    let refused = scene.refused("UpdateIdentitySource", update.clone()).await;
    assert_eq!(
        refused.message,
        "Invalid PrincipalEntityType, must not be empty"
    );
    let typed = with(update, json!({"principalEntityType": "App::User"}));
    scene.ok("UpdateIdentitySource", typed).await;
    // The type that is kept counts as one that is given.
    let groups = json!({"groupConfiguration": {"groupEntityType": "App::User"}});
    let update = json!({"identitySourceId": id, "updateConfiguration": cognito(groups)});
    let refused = scene.refused("UpdateIdentitySource", update).await;
    let path =
        "/updateConfiguration/cognitoUserPoolConfiguration/groupConfiguration/groupEntityType";
    assert_eq!(refused.fields[0].0, path);
}

#[tokio::test]
async fn a_policy_store_has_one_identity_source() {
    let scene = Scene::off().await;
    let given = json!({"configuration": cognito(json!({}))});
    let mut with_token = given.clone();
    with_token["clientToken"] = json!("once");
    let first = scene.ok("CreateIdentitySource", with_token.clone()).await;
    // The same request is no second one, and another one with its token is a conflict.
    assert_eq!(
        scene.ok("CreateIdentitySource", with_token.clone()).await,
        first
    );
    with_token["principalEntityType"] = json!("App::User");
    let refused = scene.refused("CreateIdentitySource", with_token).await;
    let id = first["identitySourceId"].as_str().unwrap();
    assert_eq!(refused.conflict(), ("IDENTITY_SOURCE", id));
    let refused = scene.refused("CreateIdentitySource", given.clone()).await;
    assert_eq!(refused.kind(), (402, "ServiceQuotaExceededException"));
    let expected = json!({
        "__type": "ServiceQuotaExceededException",
        "message": "Identity Source Limit Exceeded.",
        "resourceType": "IDENTITY_SOURCE", "resourceId": scene.store,
        "serviceCode": "verifiedpermissions",
    });
    assert_eq!(refused.body, expected);
    let named = json!({"identitySourceId": id});
    assert_eq!(
        scene.ok("DeleteIdentitySource", named.clone()).await,
        json!({})
    );
    for operation in ["DeleteIdentitySource", "GetIdentitySource"] {
        let refused = scene.refused(operation, named.clone()).await;
        assert_eq!(refused.missing(), ("IDENTITY_SOURCE", id));
    }
    let mut update = named;
    update["updateConfiguration"] = cognito(json!({}));
    let refused = scene.refused("UpdateIdentitySource", update).await;
    assert_eq!(refused.missing(), ("IDENTITY_SOURCE", id));
    let again = scene.ok("CreateIdentitySource", given).await;
    assert_ne!(again["identitySourceId"], first["identitySourceId"]);
}

#[tokio::test]
async fn one_of_many_creators_succeeds() {
    let scene = Scene::off().await;
    let provider = IdentityProvider::start().await;
    let input = json!({
        "configuration": openid(&provider.issuer(), json!({})), "principalEntityType": "User",
    });
    let creators: Vec<_> = (0..8)
        .map(|_| {
            let (scene, input) = (scene.clone(), input.clone());
            tokio::spawn(async move { scene.call("CreateIdentitySource", input).await.0 })
        })
        .collect();
    let mut statuses = Vec::new();
    for creator in creators {
        statuses.push(creator.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 402, 402, 402, 402, 402, 402, 402]);
}

#[tokio::test]
async fn a_list_is_filtered_by_the_type_of_principals() {
    let scene = Scene::off().await;
    let list = async |input: Value| {
        let listed = scene.ok("ListIdentitySources", input).await;
        listed["identitySources"].as_array().unwrap().len()
    };
    assert_eq!(list(json!({})).await, 0);
    create(&scene, &cognito(json!({})), Some("App::User")).await;
    let (ours, other) = (
        json!({"principalEntityType": "App::User"}),
        json!({"principalEntityType": "App::Person"}),
    );
    for (input, expected) in [
        (json!({}), 1),
        (json!({"maxResults": 1}), 1),
        (json!({"maxResults": 50, "filters": []}), 1),
        (json!({"filters": [ours]}), 1),
        (json!({"filters": [other]}), 0),
        (json!({"filters": [other, ours]}), 1),
        (json!({"filters": [{}]}), 1),
    ] {
        assert_eq!(list(input.clone()).await, expected, "{input}");
    }
    for (input, path) in [
        (json!({"maxResults": 0}), "/maxResults"),
        (json!({"nextToken": "a"}), "/nextToken"),
        (json!({"nextToken": "a b"}), "/nextToken"),
    ] {
        let refused = scene.refused("ListIdentitySources", input).await;
        assert_eq!(refused.fields[0].0, path);
    }
}

#[tokio::test]
async fn a_policy_store_takes_its_identity_source_with_it() {
    let scene = Scene::off().await;
    let id = create(&scene, &cognito(json!({})), None).await;
    scene.ok("DeletePolicyStore", json!({})).await;
    let refused = scene
        .refused("GetIdentitySource", json!({"identitySourceId": id}))
        .await;
    assert_eq!(refused.missing(), ("POLICY_STORE", scene.store.as_str()));
}
