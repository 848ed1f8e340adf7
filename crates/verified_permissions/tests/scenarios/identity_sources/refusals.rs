//! Identity sources that cannot be.

use serde_json::json;
use testkit::{Behaviour, IdentityProvider, Page};

use super::{cognito, openid};
use crate::scene::Scene;

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
