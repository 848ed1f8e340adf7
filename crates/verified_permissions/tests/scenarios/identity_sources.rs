//! Identity sources: what they are made of, and what they may be.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Behaviour, IdentityProvider, Page};

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
async fn a_provider_has_to_be_there() {
    let scene = Scene::off().await;
    let provider = IdentityProvider::start().await;
    let issuer = provider.issuer();
    let input = json!({
        "configuration": openid(&issuer, json!({})), "principalEntityType": "User",
    });
    let text = format!(
        "Failed to deserialize discovery document from issuer: \
         {issuer}/.well-known/openid-configuration"
    );
    let not_json = Behaviour::Answer(200, Vec::new(), "<html>".to_owned());
    let other = json!({"issuer": "https://other.example", "jwks_uri": format!("{issuer}/keys")});
    let other = Behaviour::Answer(200, Vec::new(), other.to_string());
    let missing = Behaviour::Answer(404, Vec::new(), String::new());
    for behaviour in [not_json, other, missing, Behaviour::Down] {
        provider.behave(Page::Discovery, behaviour.clone());
        let refused = scene.refused("CreateIdentitySource", input.clone()).await;
        assert_eq!(
            refused.kind(),
            (400, "ValidationException"),
            "{behaviour:?}"
        );
        assert_eq!(
            (refused.message.as_str(), refused.fields.len()),
            (text.as_str(), 0)
        );
    }
    // Where everything else is wrong already, the provider is not asked.
    let asked = provider.fetches(Page::Discovery);
    let mut nowhere = input.clone();
    nowhere["policyStoreId"] = json!("nowhere");
    let (status, _) =
        crate::common::call(&scene.app, testkit::ADMIN, "CreateIdentitySource", &nowhere).await;
    assert_eq!(status, 404);
    provider.behave(Page::Discovery, Behaviour::Good);
    let untyped = json!({"configuration": openid(&issuer, json!({}))});
    let refused = scene.refused("CreateIdentitySource", untyped).await;
    assert_eq!(
        refused.message,
        "Invalid PrincipalEntityType, must not be empty"
    );
    assert_eq!(provider.fetches(Page::Discovery), asked);
    let created = scene.ok("CreateIdentitySource", input.clone()).await;
    assert_eq!(provider.fetches(Page::Discovery), asked + 1);
    scene.refused("CreateIdentitySource", input).await;
    assert_eq!(provider.fetches(Page::Discovery), asked + 1);
    provider.behave(Page::Discovery, Behaviour::Down);
    let update = json!({
        "identitySourceId": created["identitySourceId"],
        "updateConfiguration": openid(&issuer, json!({"entityIdPrefix": "p"})),
    });
    let refused = scene.refused("UpdateIdentitySource", update).await;
    assert_eq!(refused.message, text);
}

#[tokio::test]
async fn what_is_no_configuration_is_refused_with_its_path() {
    let scene = Scene::off().await;
    let pool = "/configuration/cognitoUserPoolConfiguration";
    let provider = "/configuration/openIdConnectConfiguration";
    let groups = |name: &str| json!({"groupConfiguration": {"groupEntityType": name}});
    let issuer = "https://issuer.example";
    for (configuration, path) in [
        (json!({}), "/configuration".to_owned()),
        (
            json!({"cognitoUserPoolConfiguration": {"userPoolArn": "arn:aws:s3:::bucket"}}),
            format!("{pool}/userPoolArn"),
        ),
        (
            cognito(json!({"clientIds": [""]})),
            format!("{pool}/clientIds/0"),
        ),
        (
            cognito(groups("no name")),
            format!("{pool}/groupConfiguration/groupEntityType"),
        ),
        (
            cognito(groups("9")),
            format!("{pool}/groupConfiguration/groupEntityType"),
        ),
        (
            openid("ftp://issuer.example", json!({})),
            format!("{provider}/issuer"),
        ),
        (
            openid("http://issuer.example", json!({})),
            format!("{provider}/issuer"),
        ),
        (
            openid("http://10.0.0.1", json!({})),
            format!("{provider}/issuer"),
        ),
        (
            openid(issuer, json!({"entityIdPrefix": ""})),
            format!("{provider}/entityIdPrefix"),
        ),
        (
            openid(issuer, json!({"tokenSelection": {}})),
            format!("{provider}/tokenSelection"),
        ),
        (
            openid(
                issuer,
                json!({"tokenSelection": {"accessTokenOnly": {"audiences": []}}}),
            ),
            format!("{provider}/tokenSelection/accessTokenOnly/audiences"),
        ),
    ] {
        let input = json!({"configuration": configuration, "principalEntityType": "User"});
        let refused = scene.refused("CreateIdentitySource", input).await;
        assert_eq!(refused.fields[0].0, path, "{configuration}: {refused:?}");
    }
    // Names by the pattern, and yet no types, or none that principals and groups could have.
    for group in [
        "in",
        "Photos::if",
        "__cedar::Group",
        "Action",
        "Photos::Action",
        "User",
    ] {
        let oidc = json!({"groupConfiguration": {"groupClaim": "g", "groupEntityType": group}});
        for (configuration, path) in [
            (cognito(groups(group)), pool),
            (openid(issuer, oidc), provider),
        ] {
            let input = json!({"configuration": configuration, "principalEntityType": "User"});
            let refused = scene.refused("CreateIdentitySource", input).await;
            let path = format!("{path}/groupConfiguration/groupEntityType");
            assert_eq!(refused.fields[0].0, path, "{group} {refused:?}");
        }
    }
    for principal in [
        "no name",
        "9",
        "User::",
        "::User",
        "User::\"a\"",
        "if",
        "Action",
        "App::Action",
    ] {
        let input = json!({
            "configuration": cognito(json!({})), "principalEntityType": principal,
        });
        let refused = scene.refused("CreateIdentitySource", input).await;
        assert_eq!(refused.fields[0].0, "/principalEntityType", "{principal}");
    }
    // The model's own words, though its pattern is checked where the configuration is known.
    let input = json!({
        "configuration": openid("http://issuer.example", json!({})), "principalEntityType": "User",
    });
    let refused = scene.refused("CreateIdentitySource", input).await;
    let path = format!("{provider}/issuer");
    let text = format!(
        "Value at '{path}' failed to satisfy constraint: Member must satisfy regular expression \
         pattern: ^https://.*$"
    );
    refused.assert_invalid(&[(&path, &text)]);
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
