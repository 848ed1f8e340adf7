//! A server that starts over an existing database.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_verifiedpermissions::types::ValidationMode;
use serde_json::{Value, json};
use store::Store;
use testkit::{ADMIN, App};
use verified_permissions::Options;

use crate::scene::Scene;

/// What the scene answers, about everything.
async fn answers(scene: &Scene) -> Vec<Value> {
    let policies = scene.ok("ListPolicies", json!({"maxResults": 50})).await;
    let mut answers = vec![
        scene.ok("GetPolicyStore", json!({"tags": true})).await,
        scene.ok("GetSchema", json!({})).await,
        scene.ok("ListPolicyTemplates", json!({})).await,
    ];
    for item in policies["policies"].as_array().unwrap() {
        answers.push(
            scene
                .ok("GetPolicy", json!({"policyId": item["policyId"]}))
                .await,
        );
    }
    answers.push(policies);
    for (user, act) in [("a", "view"), ("b", "edit"), ("c", "share")] {
        answers.push(
            scene
                .ok("IsAuthorized", crate::scene::question(user, act, "d"))
                .await,
        );
    }
    answers
}

/// A server over the database, with the policy store of another one.
fn reopened(path: &Path, policy_store: &str) -> (Store, Scene) {
    let data = Store::sqlite(path).unwrap();
    let app = App::seeded(data.clone(), Options::default(), 2);
    let client = app.client(ADMIN);
    (
        data,
        Scene {
            app: Arc::new(app),
            client,
            store: policy_store.to_owned(),
        },
    )
}

#[tokio::test]
async fn a_reopened_database_gives_the_same_answers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let data = Store::sqlite(&path).unwrap();
    let scene = Scene::new(
        App::over(data.clone(), Options::default()),
        ValidationMode::Strict,
    )
    .await;
    let schema = crate::scene::documents().to_string();
    scene
        .ok("PutSchema", json!({"definition": {"cedarJson": schema}}))
        .await;
    scene.policy(r#"permit(principal, action in App::Action::"all", resource) unless { principal == App::User::"b" };"#).await;
    let template =
        r#"forbid(principal in ?principal, action == App::Action::"view", resource == ?resource);"#;
    let template = scene.template(template).await;
    let link = json!({
        "policyTemplateId": template,
        "principal": crate::scene::entity("App::User", "a"),
        "resource": crate::scene::entity("App::Doc", "d"),
    });
    let mut input = json!({"definition": {"templateLinked": link}, "clientToken": "t"});
    input["name"] = json!("name/link");
    let created = scene.ok("CreatePolicy", input.clone()).await;
    let before = answers(&scene).await;
    assert_eq!(before.len(), 9);
    let store = scene.store.clone();
    data.close().await;
    drop((scene, data));

    let (data, scene) = reopened(&path, &store);
    assert_eq!(answers(&scene).await, before);
    assert_eq!(scene.ok("CreatePolicy", input).await, created);
    scene
        .ok(
            "DeletePolicyTemplate",
            json!({"policyTemplateId": template}),
        )
        .await;
    scene
        .policy(r#"permit(principal, action == App::Action::"share", resource);"#)
        .await;
    let before = answers(&scene).await;
    data.close().await;
    drop((scene, data));
    let (_data, scene) = reopened(&path, &store);
    assert_eq!(answers(&scene).await, before);
}
