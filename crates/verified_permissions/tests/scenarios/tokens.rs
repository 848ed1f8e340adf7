//! IsAuthorizedWithToken and its batch: who a token stands for, and when it is not accepted.

mod cognito;
mod refusals;
mod remembering;
mod typing;

use serde_json::{Value, json};
use testkit::IdentityProvider;

use crate::scene::{Scene, entity, with};

/// A minute after every test begins.
pub(super) const SOON: i64 = 1_767_225_660;

/// A policy store whose tokens come from a provider.
pub(super) struct World {
    pub(super) scene: Scene,
    pub(super) provider: IdentityProvider,
}

impl World {
    /// `selection` is the `tokenSelection`, and `more` are other members of the configuration.
    pub(super) async fn new(scene: Scene, selection: Value, more: Value) -> Self {
        let provider = IdentityProvider::start().await;
        let configuration = json!({
            "issuer": provider.issuer(), "tokenSelection": selection,
        });
        let configuration = with(configuration, more);
        let input = json!({
            "principalEntityType": "App::User",
            "configuration": {"openIdConnectConfiguration": configuration},
        });
        scene.ok("CreateIdentitySource", input).await;
        Self { scene, provider }
    }

    /// ID tokens of any client, groups from `groups`, no validation.
    pub(super) async fn identity() -> Self {
        let selection = json!({"identityTokenOnly": {}});
        Self::new(Scene::off().await, selection, groups()).await
    }

    /// Access tokens for anybody, groups from `groups`, no validation.
    pub(super) async fn access() -> Self {
        let selection = json!({"accessTokenOnly": {}});
        Self::new(Scene::off().await, selection, groups()).await
    }

    /// A token for `u` that is good for a minute, with more claims.
    pub(super) fn token(&self, more: &Value) -> String {
        let claims = json!({"iss": self.provider.issuer(), "sub": "u", "exp": SOON});
        self.provider.sign("ES256", &with(claims, more.clone()))
    }

    /// May the principal of this token `view` the document `d`?
    pub(super) async fn ask(&self, tokens: Value) -> Value {
        self.scene.ok("IsAuthorizedWithToken", view(tokens)).await
    }
}

pub(super) fn groups() -> Value {
    json!({"groupConfiguration": {"groupClaim": "groups", "groupEntityType": "App::Group"}})
}

/// The input for `view`ing the document `d`.
pub(super) fn view(tokens: Value) -> Value {
    let input = json!({
        "action": {"actionType": "App::Action", "actionId": "view"},
        "resource": entity("App::Doc", "d"),
    });
    with(input, tokens)
}

#[tokio::test]
async fn the_answer_names_the_principal_whatever_the_decision() {
    for (prefix, id) in [(None, "u"), (Some("idp"), "idp|u")] {
        let scene = Scene::off().await;
        let more = prefix.map_or(json!({}), |prefix| json!({"entityIdPrefix": prefix}));
        let world = World::new(scene, json!({"identityTokenOnly": {}}), more).await;
        let token = world.token(&json!({}));
        let denied = world.ask(json!({"identityToken": token})).await;
        let principal = entity("App::User", id);
        let expected = json!({
            "decision": "DENY", "determiningPolicies": [], "errors": [], "principal": principal,
        });
        assert_eq!(denied, expected);
        let statement = format!(r#"permit(principal == App::User::"{id}", action, resource);"#);
        let policy = world.scene.policy(&statement).await;
        let allowed = world.ask(json!({"identityToken": token})).await;
        let expected = json!({
            "decision": "ALLOW", "determiningPolicies": [{"policyId": policy}], "errors": [],
            "principal": principal,
        });
        assert_eq!(allowed, expected);
    }
}

#[tokio::test]
async fn claims_of_an_id_token_are_attributes_and_of_an_access_token_context() {
    let claims = json!({"level": 3, "scope": "read write", "groups": ["staff"], "x": {"y": [1]}});
    for (statement, of_identity, of_access) in [
        ("principal.level == 3", "ALLOW", "DENY"),
        ("principal.x.y.contains(1)", "ALLOW", "DENY"),
        (
            "principal has scope && principal.scope.contains(\"read\")",
            "ALLOW",
            "DENY",
        ),
        ("principal has groups", "DENY", "DENY"),
        ("principal in App::Group::\"staff\"", "ALLOW", "ALLOW"),
        ("principal in App::Group::\"other\"", "DENY", "DENY"),
        ("context has token", "DENY", "ALLOW"),
        ("context.token.level == 3", "DENY", "ALLOW"),
        (
            "context.token.scope.containsAll([\"read\", \"write\"])",
            "DENY",
            "ALLOW",
        ),
        ("context.token has groups", "DENY", "DENY"),
        (
            "context.token.sub == \"u\" && context.token has exp",
            "DENY",
            "ALLOW",
        ),
        ("principal has sub", "ALLOW", "DENY"),
    ] {
        let statement = format!("permit(principal, action, resource) when {{ {statement} }};");
        let world = World::identity().await;
        world.scene.policy(&statement).await;
        let answer = world
            .ask(json!({"identityToken": world.token(&claims)}))
            .await;
        assert_eq!(answer["decision"], of_identity, "{statement} {answer}");
        let world = World::access().await;
        world.scene.policy(&statement).await;
        let answer = world
            .ask(json!({"accessToken": world.token(&claims)}))
            .await;
        assert_eq!(answer["decision"], of_access, "{statement} {answer}");
    }
}

#[tokio::test]
async fn the_callers_context_stands_beside_the_tokens() {
    let world = World::access().await;
    world
        .scene
        .policy("permit(principal, action, resource) when { context.mfa && context has token };")
        .await;
    let token = world.token(&json!({}));
    for context in [
        json!({"contextMap": {"mfa": {"boolean": true}}}),
        json!({"cedarJson": "{\"mfa\": true}"}),
    ] {
        let answer = world
            .ask(json!({"accessToken": token, "context": context}))
            .await;
        assert_eq!(answer["decision"], "ALLOW", "{context}");
    }
    for context in [
        json!({"contextMap": {"token": {"boolean": true}}}),
        json!({"cedarJson": "{\"token\": {}}"}),
    ] {
        let input = view(json!({"accessToken": token, "context": context}));
        let refused = world.scene.refused("IsAuthorizedWithToken", input).await;
        assert_eq!(refused.fields[0].0, "/context");
    }
    // Without an access token as well: a policy could not tell whose claims they are.
    let world = World::identity().await;
    let context = json!({"contextMap": {"token": {"boolean": true}}});
    let token = world.token(&json!({}));
    let input = view(json!({"identityToken": token, "context": context}));
    let refused = world.scene.refused("IsAuthorizedWithToken", input).await;
    assert_eq!(refused.fields[0].0, "/context");
}

#[tokio::test]
async fn empty_cedar_json_is_fine() {
    let world = World::identity().await;
    world
        .scene
        .policy("permit(principal, action, resource);")
        .await;
    let token = world.token(&json!({}));
    let answer = world
        .ask(json!({
            "identityToken": token, "context": {"cedarJson": "{}"}, "entities": {"cedarJson": "[]"},
        }))
        .await;
    assert_eq!(answer["decision"], "ALLOW");
}

#[tokio::test]
async fn entities_are_resources_and_bare_actions() {
    let world = World::identity().await;
    world
        .scene
        .policy("permit(principal, action, resource) when { resource.owner == principal };")
        .await;
    let token = world.token(&json!({}));
    let owner = json!({"owner": {"entityIdentifier": entity("App::User", "u")}});
    let doc = json!({"identifier": entity("App::Doc", "d"), "attributes": owner});
    let action = json!({"identifier": entity("App::Action", "view")});
    let list = |items: Value| json!({"identityToken": token, "entities": {"entityList": items}});
    let cedar = |items: Value| json!({"identityToken": token, "entities": {"cedarJson": items.to_string()}});
    let uid = |kind: &str, id: &str| json!({"type": kind, "id": id});
    let doc_json = json!({
        "uid": uid("App::Doc", "d"), "parents": [],
        "attrs": {"owner": {"__entity": uid("App::User", "u")}},
    });
    let action_json = json!({"uid": uid("App::Action", "view"), "attrs": {}, "parents": []});
    for tokens in [
        list(json!([doc])),
        list(json!([doc, action])),
        cedar(json!([doc_json])),
        cedar(json!([doc_json, action_json])),
    ] {
        assert_eq!(world.ask(tokens).await["decision"], "ALLOW");
    }
    let of = |kind: &str, id: &str| json!({"identifier": entity(kind, id)});
    let json_of = |kind: &str| json!([{"uid": uid(kind, "x"), "attrs": {}, "parents": []}]);
    let mut parents = action.clone();
    parents["parents"] = json!([entity("App::Action", "all")]);
    let mut attributes = action;
    attributes["attributes"] = json!({"a": {"long": 1}});
    for (tokens, path) in [
        (list(json!([of("App::User", "u")])), "/entities/entityList"),
        (
            list(json!([doc, of("App::User", "other")])),
            "/entities/entityList",
        ),
        (
            list(json!([of("App::Group", "staff")])),
            "/entities/entityList",
        ),
        (list(json!([parents])), "/entities/entityList"),
        (list(json!([attributes])), "/entities/entityList"),
        (cedar(json_of("App::User")), "/entities/cedarJson"),
        (cedar(json_of("App::Group")), "/entities/cedarJson"),
    ] {
        let refused = world
            .scene
            .refused("IsAuthorizedWithToken", view(tokens.clone()))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"), "{tokens}");
        assert_eq!(refused.fields[0].0, path, "{tokens}");
    }
}

#[tokio::test]
async fn a_batch_asks_about_one_principal() {
    let world = World::access().await;
    let policy = world
        .scene
        .policy(
            "permit(principal in App::Group::\"staff\", action, resource == App::Doc::\"a\") \
             when { context.token.level == 1 && context.mfa };",
        )
        .await;
    let request = |doc: &str, mfa: bool| {
        json!({
            "action": {"actionType": "App::Action", "actionId": "view"},
            "resource": entity("App::Doc", doc),
            "context": {"contextMap": {"mfa": {"boolean": mfa}}},
        })
    };
    let requests = [request("a", true), request("b", true), request("a", false)];
    let token = world.token(&json!({"groups": ["staff"], "level": 1}));
    let input = json!({"accessToken": token, "requests": requests});
    let answer = world.scene.ok("BatchIsAuthorizedWithToken", input).await;
    let result = |at: usize, decision: &str, policies: Value| {
        json!({
            "request": requests[at], "decision": decision, "determiningPolicies": policies,
            "errors": [],
        })
    };
    let expected = json!({
        "principal": entity("App::User", "u"),
        "results": [
            result(0, "ALLOW", json!([{"policyId": policy}])),
            result(1, "DENY", json!([])),
            result(2, "DENY", json!([])),
        ],
    });
    assert_eq!(answer, expected);
    let many = |count| json!({"accessToken": token, "requests": vec![request("a", true); count]});
    world.scene.ok("BatchIsAuthorizedWithToken", many(30)).await;
    let refused = world
        .scene
        .refused("BatchIsAuthorizedWithToken", many(31))
        .await;
    assert_eq!(refused.fields[0].0, "/requests");
    let bad = json!({"contextMap": {"token": {"boolean": true}}});
    let mut input = many(2);
    input["requests"][1]["context"] = bad;
    let refused = world
        .scene
        .refused("BatchIsAuthorizedWithToken", input)
        .await;
    assert_eq!(refused.fields[0].0, "/requests/1/context");
}

#[tokio::test]
async fn a_principal_may_be_in_so_many_groups() {
    let world = World::identity().await;
    let of = |count: usize| {
        let groups: Vec<String> = (0..count).map(|at| format!("g{at}")).collect();
        world.token(&json!({ "groups": groups }))
    };
    let single = |count| view(json!({"identityToken": of(count)}));
    let batch = |count| json!({"identityToken": of(count), "requests": [{}]});
    for (operation, input, most) in [
        ("IsAuthorizedWithToken", single(101), 100),
        ("BatchIsAuthorizedWithToken", batch(100), 99),
    ] {
        let refused = world.scene.refused(operation, input).await;
        let text = format!("The principal is in more than {most} groups.");
        assert_eq!((refused.kind().0, refused.message), (400, text));
    }
    world.scene.ok("IsAuthorizedWithToken", single(100)).await;
    world
        .scene
        .ok("BatchIsAuthorizedWithToken", batch(99))
        .await;
}
