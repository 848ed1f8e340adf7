//! Tokens of Amazon Cognito user pools.

use aws_sdk_verifiedpermissions::types::ValidationMode;
use serde_json::{Value, json};
use store::Store;
use testkit::{App, IdentityProvider};
use verified_permissions::{CognitoIssuer, Options};

use super::{SOON, view};
use crate::scene::{Scene, entity, with};

const POOL_ID: &str = "us-east-1_Pool1";
const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool1";

struct Pool {
    scene: Scene,
    provider: IdentityProvider,
}

impl Pool {
    /// A user pool that is elsewhere; `more` are other members of the configuration.
    async fn new(more: Value, principal: Option<&str>) -> Self {
        let provider = IdentityProvider::start().await;
        let elsewhere = CognitoIssuer {
            pool_id: None,
            url: provider.issuer(),
        };
        let options = Options {
            cognito_issuers: vec![elsewhere],
            ..Options::default()
        };
        let app = App::over(Store::memory(), options);
        let scene = Scene::new(app, ValidationMode::Off).await;
        let arn = format!("arn:aws:cognito-idp:us-east-1:111122223333:userpool/{POOL_ID}");
        let pool = with(json!({"userPoolArn": arn}), more);
        let mut input = json!({"configuration": {"cognitoUserPoolConfiguration": pool}});
        if let Some(principal) = principal {
            input["principalEntityType"] = json!(principal);
        }
        scene.ok("CreateIdentitySource", input).await;
        Self { scene, provider }
    }

    fn token(&self, kind: &str, more: Value) -> String {
        let claims = json!({"iss": ISSUER, "sub": "s", "exp": SOON, "token_use": kind});
        self.provider.sign("RS256", &with(claims, more))
    }

    async fn ask(&self, tokens: Value) -> Value {
        self.scene.ok("IsAuthorizedWithToken", view(tokens)).await
    }

    async fn refused(&self, tokens: Value) -> String {
        let refused = self
            .scene
            .refused("IsAuthorizedWithToken", view(tokens))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        refused.message
    }
}

#[tokio::test]
async fn principals_and_groups_are_of_the_pool() {
    for (principal, group) in [(None, None), (Some("App::User"), Some("App::Group"))] {
        let more = group.map_or(
            json!({}),
            |group| json!({"groupConfiguration": {"groupEntityType": group}}),
        );
        let pool = Pool::new(more, principal).await;
        let group = group.unwrap_or("AWS::CognitoGroup");
        let statement =
            format!("permit(principal in {group}::\"{POOL_ID}|staff\", action, resource);");
        pool.scene.policy(&statement).await;
        let groups = json!({"cognito:groups": ["staff"]});
        for tokens in [
            json!({"identityToken": pool.token("id", groups.clone())}),
            json!({"accessToken": pool.token("access", groups)}),
        ] {
            let answer = pool.ask(tokens).await;
            assert_eq!(answer["decision"], "ALLOW");
            let principal = principal.unwrap_or("AWS::Cognito");
            let expected = entity(principal, &format!("{POOL_ID}|s"));
            assert_eq!(answer["principal"], expected);
        }
        let other = pool.token("id", json!({"cognito:groups": ["other"]}));
        assert_eq!(
            pool.ask(json!({"identityToken": other})).await["decision"],
            "DENY"
        );
    }
}

#[tokio::test]
async fn both_tokens_are_of_one_principal() {
    let pool = Pool::new(json!({}), Some("App::User")).await;
    pool.scene
        .policy(
            "permit(principal in AWS::CognitoGroup::\"us-east-1_Pool1|a\", action, resource) when { \
             principal in AWS::CognitoGroup::\"us-east-1_Pool1|b\" && principal.email == \"e\" && \
             context.token.scope.contains(\"read\") && !(principal has scope) };",
        )
        .await;
    let identity = pool.token("id", json!({"email": "e", "cognito:groups": ["a"]}));
    let access = pool.token(
        "access",
        json!({"scope": "read x", "cognito:groups": ["b"]}),
    );
    let both = json!({"identityToken": identity, "accessToken": access});
    let answer = pool.ask(both).await;
    assert_eq!(
        (&answer["decision"], &answer["errors"]),
        (&json!("ALLOW"), &json!([]))
    );
    for alone in [
        json!({"identityToken": identity}),
        json!({"accessToken": access}),
    ] {
        assert_eq!(pool.ask(alone).await["decision"], "DENY");
    }
    let other = pool.token("access", json!({"sub": "other"}));
    let message = pool
        .refused(json!({"identityToken": identity, "accessToken": other}))
        .await;
    assert_eq!(
        message,
        "The accessToken and the identityToken are of different principals."
    );
}

#[tokio::test]
async fn prefixed_claims_are_named_either_way() {
    let pool = Pool::new(json!({}), Some("App::User")).await;
    pool.scene
        .policy(
            "permit(principal, action, resource) when { principal[\"custom:tier\"] == \"gold\" && \
             principal.custom.tier == \"gold\" && principal.cognito.username == \"n\" && \
             principal[\"cognito:username\"] == \"n\" && !(principal has \"cognito:groups\") && \
             !(principal.cognito has groups) };",
        )
        .await;
    let claims = json!({"custom:tier": "gold", "cognito:username": "n", "cognito:groups": ["g"]});
    let answer = pool
        .ask(json!({"identityToken": pool.token("id", claims)}))
        .await;
    assert_eq!(
        (&answer["decision"], &answer["errors"]),
        (&json!("ALLOW"), &json!([]))
    );
    let both = pool.token("id", json!({"custom:tier": "gold", "custom": "x"}));
    assert_eq!(
        pool.refused(json!({"identityToken": both})).await,
        "The identityToken is not valid: it has a claim `custom` beside claims that start with \
         `custom:`."
    );
}

#[tokio::test]
async fn tokens_are_of_their_kind_and_of_a_known_client() {
    let pool = Pool::new(json!({"clientIds": ["ours"]}), Some("App::User")).await;
    let identity = |more| json!({"identityToken": pool.token("id", more)});
    let access = |more| json!({"accessToken": pool.token("access", more)});
    pool.ask(identity(json!({"aud": "ours"}))).await;
    pool.ask(access(json!({"client_id": "ours"}))).await;
    let swapped = json!({"accessToken": pool.token("id", json!({"client_id": "ours"}))});
    for (tokens, reason) in [
        (
            swapped,
            "The accessToken is not valid: its claim `token_use` is not `access`.",
        ),
        (
            json!({"identityToken": pool.token("access", json!({"aud": "ours"}))}),
            "The identityToken is not valid: its claim `token_use` is not `id`.",
        ),
        (
            identity(json!({"aud": "theirs"})),
            "The identityToken is not valid: its claim `aud` has no value that the identity \
             source accepts.",
        ),
        (
            access(json!({"aud": "ours"})),
            "The accessToken is not valid: its claim `client_id` has no value that the identity \
             source accepts.",
        ),
    ] {
        assert_eq!(pool.refused(tokens).await, reason);
    }
    // One bad token spoils a good one.
    let both = json!({
        "identityToken": pool.token("id", json!({"aud": "ours"})),
        "accessToken": pool.token("access", json!({"client_id": "theirs"})),
    });
    assert!(
        pool.refused(both)
            .await
            .starts_with("The accessToken is not valid: ")
    );
}

#[tokio::test]
async fn a_pool_that_is_elsewhere_may_name_itself_as_its_issuer() {
    let pool = Pool::new(json!({}), Some("App::User")).await;
    let own = format!("{}/{POOL_ID}", pool.provider.issuer());
    let token = pool.token("id", json!({"iss": own}));
    pool.ask(json!({"identityToken": token})).await;
    for issuer in [
        pool.provider.issuer(),
        format!("{own}x"),
        ISSUER.replace("Pool1", "Pool2"),
        ISSUER.replace("us-east-1", "us-east-2"),
    ] {
        let token = pool.token("id", json!({"iss": issuer}));
        let message = pool.refused(json!({"identityToken": token})).await;
        assert_eq!(
            message,
            "The identityToken is not valid: the token was issued by another issuer."
        );
    }
}
