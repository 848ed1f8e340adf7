//! Client tokens: a create request that is sent again creates nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{ADMIN, OTHER_ACCOUNT};
use tokio::task::JoinSet;

use crate::common::{Failure, call, call_ok, call_refused, store_off};
use crate::scene::{START, Scene, definition, entity};

const ANY: &str = "permit(principal, action, resource);";
const BOTH: &str = "permit(principal == ?principal, action, resource == ?resource);";

/// A create operation that has a token: a request, one with other parameters, the member of the id, the type of the resource, and how to delete it.
struct Case {
    operation: &'static str,
    input: Value,
    other: Value,
    id: &'static str,
    resource_type: &'static str,
    delete: &'static str,
}

fn cases(store: &str) -> [Case; 4] {
    let within = |mut input: Value| {
        input["policyStoreId"] = json!(store);
        input["clientToken"] = json!("token-1");
        input
    };
    let mode = |mode: &str| json!({"validationSettings": {"mode": mode}, "clientToken": "token-1"});
    let link = |principal: &str| {
        json!({"definition": {"templateLinked": {
            "policyTemplateId": "name/t",
            "principal": entity("U", principal),
            "resource": entity("D", "d"),
        }}})
    };
    let static_case = Case {
        operation: "CreatePolicy",
        input: within(definition(ANY)),
        other: within(definition("forbid(principal, action, resource);")),
        id: "policyId",
        resource_type: "POLICY",
        delete: "DeletePolicy",
    };
    [
        Case {
            operation: "CreatePolicyStore",
            input: mode("OFF"),
            other: mode("STRICT"),
            id: "policyStoreId",
            resource_type: "POLICY_STORE",
            delete: "DeletePolicyStore",
        },
        Case {
            operation: "CreatePolicyTemplate",
            input: within(json!({"statement": BOTH})),
            other: within(json!({"statement": BOTH, "description": "x"})),
            id: "policyTemplateId",
            resource_type: "POLICY_TEMPLATE",
            delete: "DeletePolicyTemplate",
        },
        Case {
            input: within(link("a")),
            other: within(link("b")),
            ..static_case
        },
        static_case,
    ]
}

/// A scene with the template `name/t`, and one case.
async fn scene_and(at: usize) -> (Scene, Case) {
    let scene = Scene::off().await;
    scene
        .create(
            "CreatePolicyTemplate",
            json!({"statement": BOTH, "name": "name/t"}),
        )
        .await;
    let [a, b, c, d] = cases(&scene.store);
    let case = match at {
        0 => a,
        1 => b,
        2 => c,
        _ => d,
    };
    (scene, case)
}

async fn ok(scene: &Scene, case: &Case) -> Value {
    call_ok(&scene.app, case.operation, &case.input).await
}

/// How many resources of the case's kind there are.
async fn count(scene: &Scene, case: &Case) -> usize {
    let (operation, member) = match case.resource_type {
        "POLICY_STORE" => ("ListPolicyStores", "policyStores"),
        "POLICY" => ("ListPolicies", "policies"),
        _ => ("ListPolicyTemplates", "policyTemplates"),
    };
    let listed = scene.ok(operation, json!({"maxResults": 50})).await;
    listed[member].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_creates_nothing() {
    for at in 0..4 {
        let (scene, case) = scene_and(at).await;
        let first = ok(&scene, &case).await;
        let created = count(&scene, &case).await;
        scene
            .app
            .clock()
            .advance(Duration::from_secs(8 * 60 * 60 - 1));
        assert_eq!(ok(&scene, &case).await, first, "{}", case.operation);
        assert_eq!(count(&scene, &case).await, created, "{}", case.operation);
        assert_eq!(first["createdDate"], json!(START));
    }
}

#[tokio::test]
async fn another_request_with_the_token_is_a_conflict() {
    for at in 0..4 {
        let (scene, case) = scene_and(at).await;
        let first = ok(&scene, &case).await;
        let created = count(&scene, &case).await;
        let refused = call_refused(&scene.app, case.operation, &case.other).await;
        assert_eq!(
            refused.conflict(),
            (case.resource_type, first[case.id].as_str().unwrap())
        );
        assert_eq!(count(&scene, &case).await, created, "{}", case.operation);
        // The refused request has not taken the token over.
        assert_eq!(ok(&scene, &case).await, first);
    }
}

#[tokio::test]
async fn after_eight_hours_a_token_is_forgotten() {
    for at in 0..4 {
        let (scene, case) = scene_and(at).await;
        let first = ok(&scene, &case).await;
        let created = count(&scene, &case).await;
        scene.app.clock().advance(Duration::from_secs(8 * 60 * 60));
        let second = ok(&scene, &case).await;
        assert_ne!(first[case.id], second[case.id], "{}", case.operation);
        assert_eq!(
            count(&scene, &case).await,
            created + 1,
            "{}",
            case.operation
        );
        // From now on the token stands for the second.
        assert_eq!(ok(&scene, &case).await, second);
        let refused = call_refused(&scene.app, case.operation, &case.other).await;
        assert_eq!(refused.conflict().1, second[case.id].as_str().unwrap());
        scene.app.clock().advance(Duration::from_secs(8 * 60 * 60));
        call_ok(&scene.app, case.operation, &case.other).await;
    }
}

#[tokio::test]
async fn the_answer_outlives_the_resource() {
    for at in 0..4 {
        let (scene, case) = scene_and(at).await;
        let first = ok(&scene, &case).await;
        let mut delete = json!({"policyStoreId": scene.store});
        delete[case.id] = first[case.id].clone();
        call_ok(&scene.app, case.delete, &delete).await;
        let left = count(&scene, &case).await;
        assert_eq!(ok(&scene, &case).await, first, "{}", case.operation);
        assert_eq!(count(&scene, &case).await, left, "{}", case.operation);
    }
}

#[tokio::test]
async fn the_answer_of_a_link_outlives_its_template() {
    let (scene, case) = scene_and(2).await;
    let first = ok(&scene, &case).await;
    assert_eq!(first.get("actions"), None);
    let statement =
        r#"permit(principal == ?principal, action == A::Action::"x", resource == ?resource);"#;
    let update = json!({"policyTemplateId": "name/t", "statement": statement});
    scene.ok("UpdatePolicyTemplate", update).await;
    assert_eq!(ok(&scene, &case).await, first);
    scene
        .ok(
            "DeletePolicyTemplate",
            json!({"policyTemplateId": "name/t"}),
        )
        .await;
    assert_eq!(ok(&scene, &case).await, first);
    assert_eq!(count(&scene, &case).await, 0);
}

#[tokio::test]
async fn a_refused_request_leaves_its_token_free() {
    let scene = Scene::off().await;
    let with_token = |statement: &str| {
        let mut input = definition(statement);
        input["clientToken"] = json!("t");
        input
    };
    let named = |mut input: Value| {
        input["name"] = json!("name/taken");
        input
    };
    scene.create("CreatePolicy", named(definition(ANY))).await;
    scene.refused("CreatePolicy", with_token("nonsense")).await;
    let refused = scene.refused("CreatePolicy", named(with_token(ANY))).await;
    assert_eq!(refused.kind(), (409, "ConflictException"));
    scene.ok("CreatePolicy", with_token(ANY)).await;
}

#[tokio::test]
async fn a_token_belongs_to_its_operation_policy_store_and_account() {
    let scene = Scene::off().await;
    let other_store = store_off(&scene.client).await;
    let mut ids = Vec::new();
    for store in [&scene.store, &other_store] {
        for case in cases(store)
            .into_iter()
            .skip(1)
            .filter(|case| case.operation != "CreatePolicy")
        {
            ids.push(call_ok(&scene.app, case.operation, &case.input).await[case.id].clone());
        }
        let [.., case] = cases(store);
        ids.push(call_ok(&scene.app, case.operation, &case.input).await[case.id].clone());
    }
    let [case, ..] = cases("");
    for user in [ADMIN, OTHER_ACCOUNT] {
        let (status, body) = call(&scene.app, user, case.operation, &case.input).await;
        assert_eq!(status, 200, "{body}");
        ids.push(body[case.id].clone());
    }
    let mut different = ids.clone();
    different.sort_by_key(ToString::to_string);
    different.dedup();
    assert_eq!(different.len(), 6, "{ids:?}");
}

#[tokio::test]
async fn without_a_token_every_request_creates() {
    let scene = Scene::off().await;
    let first = scene.policy(ANY).await;
    assert_ne!(scene.policy(ANY).await, first);
}

#[tokio::test]
async fn parameters_are_compared_as_they_mean() {
    let scene = Scene::off().await;
    let mut input = definition(ANY);
    input["clientToken"] = json!("t");
    let first = scene.ok("CreatePolicy", input.clone()).await;
    input["name"] = Value::Null;
    input["futureMember"] = json!(1);
    assert_eq!(scene.ok("CreatePolicy", input).await, first);
}

#[tokio::test]
async fn a_token_has_1_to_64_letters_digits_and_hyphens() {
    let scene = Scene::off().await;
    for (token, accepted) in [
        ("a-B-9".to_owned(), true),
        ("x".repeat(64), true),
        ("x".repeat(65), false),
        (String::new(), false),
        ("a_b".to_owned(), false),
        ("a\0".to_owned(), false),
        ("a\n".to_owned(), false),
        ("é".to_owned(), false),
    ] {
        let mut input = definition(ANY);
        input["clientToken"] = json!(token);
        let (status, body) = scene.call("CreatePolicy", input).await;
        assert_eq!(status == 200, accepted, "{token:?} {body}");
        if !accepted {
            let refused = Failure::read(status, body.to_string().as_bytes());
            assert_eq!(refused.fields[0].0, "/clientToken", "{token:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_the_same_time_with_one_token_create_one_resource() {
    let (scene, _) = scene_and(0).await;
    let app = Arc::clone(&scene.app);
    for case in cases(&scene.store) {
        let before = count(&scene, &case).await;
        let mut requests = JoinSet::new();
        for _ in 0..16 {
            let request = scene.app.request(ADMIN, case.operation, &case.input);
            let app = Arc::clone(&app);
            requests.spawn(async move { app.send(request).await });
        }
        let mut bodies = Vec::new();
        for response in requests.join_all().await {
            assert_eq!(response.status(), 200);
            bodies.push(response.into_body());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{}", case.operation);
        assert_eq!(count(&scene, &case).await, before + 1, "{}", case.operation);
        let mut delete = json!({"policyStoreId": scene.store});
        let body: Value = serde_json::from_slice(&bodies[0]).unwrap();
        delete[case.id] = body[case.id].clone();
        call_ok(&scene.app, case.delete, &delete).await;
        scene.app.clock().advance(Duration::from_secs(9 * 60 * 60));
    }
}
