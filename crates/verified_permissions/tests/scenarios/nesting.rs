//! Statements and values nested as deep as Cedar's recursion can bear, and deeper.

use aws_sdk_verifiedpermissions::types::ValidationMode;
use serde_json::json;
use store::Store;
use testkit::App;
use verified_permissions::Options;

use crate::scene::{Scene, definition, documents, entity, question, redefinition};

const STATEMENT: &str = "/definition/static/statement";

/// `open` `levels` times, `inside`, `close` as often.
pub(crate) fn nested(open: &str, inside: &str, close: &str, levels: usize) -> String {
    format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
}

/// As deep as a statement of 10,000 bytes can be.
pub(crate) fn deepest(open: &str, inside: &str, close: &str) -> String {
    nested(open, inside, close, 9_900 / (open.len() + close.len()))
}

/// A policy with this condition.
pub(crate) fn when(condition: &str) -> String {
    format!("permit(principal, action, resource) when {{{condition}}};")
}

/// Ways to nest a condition, each with a Boolean inside.
const NESTINGS: [(&str, &str, &str); 12] = [
    ("(", "true", ")"),
    ("!(", "true", ")"),
    ("!!!!(", "true", ")"),
    ("[", "true", "] == 1"),
    ("{a:", "true", "}.a"),
    ("[1].contains(", "true", ")"),
    ("ip(", "\"::\"", ")"),
    ("1 == -(1 + ", "1", ")"),
    ("(context has a.b) && (", "true", ")"),
    ("if true then ", "true", " else true"),
    ("if ", "true", " then true else true"),
    ("if true then true else ", "true", ""),
];

#[tokio::test]
async fn statements_nested_beyond_reason_are_refused() {
    let text = "A policy can be nested at most 500 levels deep.";
    let not_a_policy = "Failed to validate policy body.";
    for scene in [Scene::off().await, Scene::strict(&documents()).await] {
        let id = scene
            .policy(r#"permit(principal, action == App::Action::"view", resource);"#)
            .await;
        for (open, inside, close) in NESTINGS {
            let condition = nested(open, inside, close, 600);
            let fits = condition.len() < 9_900;
            let condition = if fits {
                condition
            } else {
                deepest(open, inside, close)
            };
            let statement = when(&condition);
            let (status, body) = scene.call("CreatePolicy", definition(&statement)).await;
            assert!(status == 400 || !fits, "{open} {status} {body}");
            let (status, body) = scene
                .call("UpdatePolicy", redefinition(&id, &statement))
                .await;
            assert!(status == 400 || !fits, "{open} {status} {body}");
            let template = statement
                .replacen("principal", "principal == ?principal", 1)
                .replacen("resource", "resource == ?resource", 1);
            let (status, body) = scene
                .call("CreatePolicyTemplate", json!({"statement": template}))
                .await;
            assert!(status == 400 || !fits, "{open} {status} {body}");
        }
        let refused = scene
            .refused(
                "CreatePolicy",
                definition(&when(&nested("(", "1", ")", 500))),
            )
            .await;
        refused.assert_invalid(&[(STATEMENT, not_a_policy), (STATEMENT, text)]);
        for statement in [
            format!(
                "permit(principal in {}, action, resource);",
                deepest("(", r#"A::"a""#, ")")
            ),
            format!(
                "permit(principal, action in {}, resource);",
                deepest("[", r#"Action::"a""#, "]")
            ),
            deepest("(", "", ")"),
            "(".repeat(10_000),
            "!".repeat(10_000),
            "if ".repeat(3_300),
            when(&"(".repeat(9_000)),
            when(&"!".repeat(9_000)),
            when(&"if ".repeat(3_000)),
            when(&"{a:".repeat(3_000)),
            when(&format!("\"\" // \r{}", deepest("(", "1", ")"))),
        ] {
            let refused = scene.refused("CreatePolicy", definition(&statement)).await;
            assert_eq!(refused.kind(), (400, "ValidationException"));
            assert_eq!(refused.fields[0].0, STATEMENT);
        }
        assert_eq!(
            scene.ok("DeletePolicy", json!({"policyId": id})).await,
            json!({})
        );
    }
}

/// Policies as deep as is allowed, and chains as long as fit into a policy.
fn deep_conditions() -> Vec<String> {
    let mut conditions: Vec<_> = NESTINGS
        .iter()
        .filter(|(open, _, _)| !open.starts_with("ip") && !open.starts_with("1 =="))
        .map(|(open, inside, close)| {
            let levels = 9_800 / (open.len() + close.len());
            nested(open, inside, close, levels.min(240))
        })
        .collect();
    for (first, link) in [
        ("true", "&&true"),
        ("false", "||true"),
        ("true", "||true"),
        ("1==1", "+1"),
        ("1==1", "*1"),
        ("context has a", ".a"),
        ("principal == context", ".a"),
        ("principal == context", "[\"a\"]"),
        ("principal == context", ".isEmpty()"),
    ] {
        conditions.push(format!("{first}{}", link.repeat(9_800 / link.len())));
    }
    conditions
}

#[tokio::test]
async fn the_deepest_policies_decide_from_every_thread() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let store = Store::sqlite(&path).unwrap();
    let app = App::over(store.clone(), Options::default());
    let scene = Scene::new(app, ValidationMode::Off).await;
    for condition in deep_conditions() {
        scene.policy(&when(&condition)).await;
    }
    let first = scene.ok("IsAuthorized", question("u", "view", "d")).await;
    assert_eq!(first["decision"], "ALLOW");
    let forgetful = App::over(store, Options::default());
    let mut input = question("u", "view", "d");
    input["policyStoreId"] = json!(scene.store);
    let second = crate::common::call_ok(&forgetful, "IsAuthorized", &input).await;
    assert_eq!(second["determiningPolicies"], first["determiningPolicies"]);
}

#[tokio::test]
async fn strict_mode_looks_to_the_end_of_the_longest_chain() {
    let scene = Scene::strict(&documents()).await;
    for (first, link) in [
        ("1", "||true"),
        ("true", "+1"),
        ("context", ".a"),
        ("1", "&&true"),
    ] {
        let condition = format!("1 == ({first}{})", link.repeat(9_800 / link.len()));
        let statement = when(&condition);
        let statement = statement.replace("action,", r#"action == App::Action::"view","#);
        let refused = scene.refused("CreatePolicy", definition(&statement)).await;
        assert_eq!(refused.fields[0].0, "/definition", "{link}");
    }
}

#[tokio::test]
async fn a_raised_quota_does_not_raise_the_depth() {
    let mut options = Options::default();
    options.quotas.policy_bytes = 1_000_000;
    options.quotas.policy_bytes_per_resource = 10_000_000;
    let scene = Scene::with(options).await;
    for condition in [
        nested("(", "true", ")", 100_000),
        nested("if true then true else ", "true", "", 10_000),
        format!("1==1{}", "+1".repeat(300_000)),
        format!("context{}", ".a".repeat(300_000)),
        format!("true{}", "&&true".repeat(100_000)),
    ] {
        let refused = scene
            .refused("CreatePolicy", definition(&when(&condition)))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, STATEMENT);
    }
    let list = r#"App::User::"someone","#.repeat(20_000);
    scene
        .policy(&when(&format!("principal in [{list} principal]")))
        .await;
    assert_eq!(scene.ask("u", "view", "d").await.0, "ALLOW");
}

#[tokio::test]
async fn nested_values_are_read_or_refused() {
    let scene = Scene::off().await;
    scene
        .policy(
            r#"permit(principal, action, resource) when { context == {a: 1} || principal has b };"#,
        )
        .await;
    for levels in [20, 60, 100, 120, 125, 126, 127, 200, 10_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = nested(open, "1", close, levels);
            let context = format!("{{\"a\":{value}}}");
            let entity = |attrs: &str, tags: &str| {
                format!(
                    r#"[{{"uid":{{"type":"A","id":"a"}},"parents":[],"attrs":{attrs},"tags":{tags}}}]"#
                )
            };
            for input in [
                json!({"context": {"cedarJson": context}}),
                json!({"entities": {"cedarJson": entity(&context, "{}")}}),
                json!({"entities": {"cedarJson": entity("{}", &context)}}),
                json!({"entities": {"cedarJson": nested(open, "1", close, levels)}}),
            ] {
                let mut question = question("u", "view", "d");
                question
                    .as_object_mut()
                    .unwrap()
                    .extend(input.as_object().unwrap().clone());
                let (status, body) = scene.call("IsAuthorized", question).await;
                assert!(matches!(status, 200 | 400), "{levels} {body}");
                assert!(levels < 127 || status == 400, "{levels} {body}");
            }
        }
    }
    let wire = |kind: &str, levels: usize| {
        (0..levels).fold(json!({"long": 1}), |value, _| match kind {
            "set" => json!({"set": [value]}),
            _ => json!({"record": {"a": value}}),
        })
    };
    for kind in ["set", "record"] {
        let mut question = question("u", "view", "d");
        question["context"] = json!({"contextMap": {"a": wire(kind, 38)}});
        let item = json!({
            "identifier": entity("App::User", "u"),
            "attributes": {"b": wire(kind, 38)},
            "tags": {"b": wire(kind, 38)},
        });
        question["entities"] = json!({"entityList": [item]});
        assert_eq!(
            scene.ok("IsAuthorized", question).await["decision"],
            "ALLOW"
        );
    }
}
