//! IsAuthorized: the answer, and what it is decided from.

use serde_json::json;

use crate::common;
use crate::scene::{Scene, ask_with, definition, documents, entity, question, redefinition};

const ANY: &str = "permit(principal, action, resource);";

#[tokio::test]
async fn the_schemas_action_groups_are_known() {
    let scene = Scene::strict(&documents()).await;
    let id = scene
        .policy(r#"permit(principal, action in App::Action::"all", resource);"#)
        .await;
    scene.allows(("u", "view", "d"), &[&id]).await;
    scene.allows(("u", "edit", "d"), &[&id]).await;
    scene.allows(("u", "all", "d"), &[&id]).await;
    scene.allows(("u", "share", "d"), &[]).await;
    scene.allows(("u", "unknown", "d"), &[]).await;
    let attributes = json!({"level": {"long": 1}});
    let user = json!({"identifier": entity("App::User", "u"), "attributes": attributes});
    let with_entities = ask_with(&json!({"entities": {"entityList": [user]}}));
    assert_eq!(
        scene.ok("IsAuthorized", with_entities).await["decision"],
        "ALLOW"
    );
    for (kind, id) in [
        ("App::Action", "view"),
        ("App::Action", "mine"),
        ("Action", "x"),
    ] {
        let item = json!({"identifier": entity(kind, id)});
        let refused = scene
            .refused(
                "IsAuthorized",
                ask_with(&json!({"entities": {"entityList": [item]}})),
            )
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, "/entities/entityList");
    }
    scene
        .ok("PutSchema", json!({"definition": {"cedarJson": "{}"}}))
        .await;
    scene.allows(("u", "view", "d"), &[]).await;
}

#[tokio::test]
async fn a_forbid_overrides_every_permit() {
    let scene = Scene::off().await;
    let permits = [scene.policy(ANY).await, scene.policy(ANY).await];
    scene
        .allows(("u", "view", "d"), &[&permits[0], &permits[1]])
        .await;
    let forbid = r#"forbid(principal == App::User::"u", action, resource);"#;
    let forbids = [scene.policy(forbid).await, scene.policy(forbid).await];
    let (decision, determining) = scene.ask("u", "view", "d").await;
    assert_eq!(decision, "DENY");
    let mut sorted = forbids.clone();
    sorted.sort_unstable();
    assert_eq!(determining, json!(sorted));
    scene
        .allows(("v", "view", "d"), &[&permits[0], &permits[1]])
        .await;
}

#[tokio::test]
async fn without_policies_the_answer_is_deny() {
    let scene = Scene::off().await;
    let answer = scene.ok("IsAuthorized", question("u", "view", "d")).await;
    assert_eq!(
        answer,
        json!({"decision": "DENY", "determiningPolicies": [], "errors": []})
    );
}

#[tokio::test]
async fn a_policy_that_fails_is_skipped_and_reported() {
    let scene = Scene::off().await;
    let good = scene.policy(ANY).await;
    let when =
        |condition: &str| format!("forbid(principal, action, resource) when {{ {condition} }};");
    let mut expected = Vec::new();
    for (condition, reason) in [
        (
            "principal.level > 1",
            r#"entity `App::User::"u"` does not exist"#,
        ),
        ("context.x", "record does not have the attribute `x`"),
        ("9223372036854775807 + 1 > 0", "integer overflow"),
        ("1 < \"a\"", "type error"),
        (
            "resource.name == 1",
            r#"`App::Doc::"d"` does not have the attribute `name`"#,
        ),
    ] {
        expected.push((scene.policy(&when(condition)).await, reason));
    }
    let doc = json!({"identifier": entity("App::Doc", "d")});
    let input = ask_with(&json!({"entities": {"entityList": [doc]}}));
    let answer = scene.ok("IsAuthorized", input).await;
    assert_eq!(answer["decision"], "ALLOW");
    assert_eq!(answer["determiningPolicies"], json!([{"policyId": good}]));
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), expected.len());
    for (id, reason) in expected {
        let start = format!("error while evaluating policy `{id}`: ");
        let error = errors.iter().find_map(|error| {
            error["errorDescription"]
                .as_str()
                .unwrap()
                .strip_prefix(&start)
        });
        assert!(error.unwrap().contains(reason), "{error:?} {reason}");
    }
}

#[tokio::test]
async fn what_a_question_leaves_out_matches_open_scopes_only() {
    let scene = Scene::off().await;
    let open = scene.policy(ANY).await;
    for statement in [
        r#"permit(principal == App::User::"u", action, resource);"#,
        "permit(principal is App::User, action, resource);",
        r#"permit(principal, action == App::Action::"view", resource);"#,
        r#"permit(principal, action, resource in App::Doc::"d");"#,
    ] {
        scene.policy(statement).await;
    }
    let answer = scene.ok("IsAuthorized", json!({})).await;
    let expected =
        json!({"decision": "ALLOW", "determiningPolicies": [{"policyId": open}], "errors": []});
    assert_eq!(answer, expected);
    for (part, matching) in [("principal", 3), ("action", 4), ("resource", 4)] {
        let mut input = question("u", "view", "d");
        input.as_object_mut().unwrap().remove(part);
        let answer = scene.ok("IsAuthorized", input).await;
        let determining = answer["determiningPolicies"].as_array().unwrap();
        assert_eq!(determining.len(), matching, "without {part}");
    }
}

#[tokio::test]
async fn types_have_namespaces_and_ids_any_characters() {
    let scene = Scene::off().await;
    for (id, literal) in [
        ("日本", "日本"),
        ("a\"b\\", r#"a\"b\\"#),
        (" ", " "),
        ("\0", r"\0"),
    ] {
        let statement = format!(
            r#"permit(principal == A::B::User::"{literal}", action == A::B::Action::"{literal}", resource == Doc::"{literal}");"#
        );
        let policy = scene.policy(&statement).await;
        let input = json!({
            "principal": entity("A::B::User", id),
            "action": {"actionType": "A::B::Action", "actionId": id},
            "resource": entity("Doc", id),
        });
        let answer = scene.ok("IsAuthorized", input).await;
        assert_eq!(
            answer["determiningPolicies"],
            json!([{"policyId": policy}]),
            "{id:?}"
        );
        let got = scene.ok("GetPolicy", json!({"policyId": policy})).await;
        assert_eq!(got["principal"], entity("A::B::User", id));
    }
}

#[tokio::test]
async fn a_type_that_is_no_name_is_refused_with_its_place() {
    let scene = Scene::off().await;
    for name in ["a b", "A::", "::A", "1A", "A::__cedar", "if", "é", "A\0"] {
        for (member, key) in [("principal", "entityType"), ("resource", "entityType")] {
            let mut input = question("u", "view", "d");
            input[member][key] = json!(name);
            let refused = scene.refused("IsAuthorized", input).await;
            assert_eq!(refused.kind(), (400, "ValidationException"), "{name:?}");
            assert_eq!(refused.fields[0].0, format!("/{member}/{key}"), "{name:?}");
        }
    }
    for name in ["Action::", "view", "a b::Action", "Actions"] {
        let mut input = question("u", "view", "d");
        input["action"]["actionType"] = json!(name);
        let refused = scene.refused("IsAuthorized", input).await;
        assert_eq!(refused.fields[0].0, "/action/actionType", "{name:?}");
    }
}

#[tokio::test]
async fn every_acknowledged_write_decides_the_next_question() {
    let scene = Scene::off().await;
    let view = r#"permit(principal, action == App::Action::"view", resource);"#;
    let edit = r#"permit(principal, action == App::Action::"edit", resource);"#;
    let group = r#"permit(principal, action in App::Action::"all", resource);"#;
    for _ in 0..3 {
        scene.allows(("u", "view", "d"), &[]).await;
        let id = scene.policy(view).await;
        scene.allows(("u", "view", "d"), &[&id]).await;
        scene.ok("UpdatePolicy", redefinition(&id, edit)).await;
        scene.allows(("u", "view", "d"), &[]).await;
        scene.allows(("u", "edit", "d"), &[&id]).await;
        scene.ok("UpdatePolicy", redefinition(&id, group)).await;
        scene.allows(("u", "edit", "d"), &[]).await;
        let put = json!({"definition": {"cedarJson": documents().to_string()}});
        scene.ok("PutSchema", put).await;
        scene.allows(("u", "edit", "d"), &[&id]).await;
        scene
            .ok("PutSchema", json!({"definition": {"cedarJson": "{}"}}))
            .await;
        scene.allows(("u", "edit", "d"), &[]).await;
        scene.ok("DeletePolicy", json!({"policyId": id})).await;
        scene.allows(("u", "all", "d"), &[]).await;
    }
    let refused = scene
        .refused("UpdatePolicy", redefinition("name/none", view))
        .await;
    assert_eq!(refused.missing(), ("POLICY", "name/none"));
}

#[tokio::test]
async fn an_alias_stands_for_the_policy_store() {
    let scene = Scene::off().await;
    let id = scene.policy(ANY).await;
    let alias = "policy-store-alias/a";
    scene
        .ok("CreatePolicyStoreAlias", json!({"aliasName": alias}))
        .await;
    let mut input = question("u", "view", "d");
    input["policyStoreId"] = json!(alias);
    let answer = common::call_ok(&scene.app, "IsAuthorized", &input).await;
    assert_eq!(answer["determiningPolicies"], json!([{"policyId": id}]));
    let mut create = definition(ANY);
    create["policyStoreId"] = json!(alias);
    let created = common::call_ok(&scene.app, "CreatePolicy", &create).await;
    assert_eq!(created["policyStoreId"], json!(scene.store));
    scene
        .allows(
            ("u", "view", "d"),
            &[&id, created["policyId"].as_str().unwrap()],
        )
        .await;
    scene
        .ok("DeletePolicyStoreAlias", json!({"aliasName": alias}))
        .await;
    let refused = common::call_refused(&scene.app, "IsAuthorized", &input).await;
    assert_eq!(refused.missing(), ("POLICY_STORE_ALIAS", alias));
}

#[tokio::test]
async fn a_deleted_policy_store_decides_nothing() {
    let scene = Scene::off().await;
    let id = scene.policy(ANY).await;
    scene.allows(("u", "view", "d"), &[&id]).await;
    scene.ok("DeletePolicyStore", json!({})).await;
    let refused = scene
        .refused("IsAuthorized", question("u", "view", "d"))
        .await;
    assert_eq!(refused.missing(), ("POLICY_STORE", scene.store.as_str()));
}

/// More policies than a worker compiles and evaluates beside its other work, on a runtime that has
/// several.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_many_policies_match_is_decided_by_all_of_them() {
    let scene = Scene::off().await;
    let mut ids = Vec::new();
    for number in 0..40 {
        let condition = format!("context.number == {number}");
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        ids.push(scene.policy(&text).await);
    }
    // The first compiles the bodies, the second finds them.
    for _ in 0..2 {
        for number in [0, 39] {
            let input = json!({
                "principal": entity("User", "u"),
                "action": {"actionType": "Action", "actionId": "a"},
                "resource": entity("Doc", "d"),
                "context": {"contextMap": {"number": {"long": number}}},
            });
            let answer = scene.ok("IsAuthorized", input).await;
            assert_eq!(answer["decision"], "ALLOW");
            let by = json!([{"policyId": ids[number]}]);
            assert_eq!(answer["determiningPolicies"], by);
        }
    }
}
