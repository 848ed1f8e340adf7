//! Quotas, at their limits. Sizes are in bytes of UTF-8.

use serde_json::{Value, json};
use verified_permissions::{Options, Quotas};

use crate::common::{Failure, call, call_refused};
use crate::scene::{Scene, definition, entity, redefinition};

const ANY: &str = "permit(principal, action, resource);";
const BOTH: &str = "permit(principal == ?principal, action, resource == ?resource);";

/// A scene with other quotas.
async fn with(change: impl FnOnce(&mut Quotas)) -> Scene {
    let mut options = Options::default();
    change(&mut options.quotas);
    Scene::with(options).await
}

/// `statement` with a comment that makes it `bytes` long, of characters of two bytes.
fn padded(statement: &str, bytes: usize) -> String {
    let missing = bytes - statement.len() - " //".len();
    let text = format!(
        "{statement} //{}{}",
        "x".repeat(missing % 2),
        "é".repeat(missing / 2)
    );
    assert_eq!(text.len(), bytes);
    text
}

#[track_caller]
fn assert_quota(
    refused: &Failure,
    resource_type: &str,
    resource: Option<&str>,
    code: Option<&str>,
) {
    assert_eq!(
        refused.kind(),
        (402, "ServiceQuotaExceededException"),
        "{refused:?}"
    );
    assert!(!refused.message.is_empty());
    let body = &refused.body;
    assert_eq!(body["resourceType"], json!(resource_type));
    assert_eq!(body["serviceCode"], "verifiedpermissions");
    assert_eq!(body.get("resourceId").and_then(Value::as_str), resource);
    assert_eq!(body.get("quotaCode").and_then(Value::as_str), code);
}

#[tokio::test]
async fn a_policy_has_at_most_10_000_bytes() {
    for (scene, limit) in [
        (Scene::off().await, 10_000),
        (with(|quotas| quotas.policy_bytes = 100).await, 100),
    ] {
        let id = scene.policy(&padded(ANY, limit)).await;
        scene
            .ok("UpdatePolicy", redefinition(&id, &padded(ANY, limit)))
            .await;
        let over = padded(ANY, limit + 1);
        for (operation, input) in [
            ("CreatePolicy", definition(&over)),
            ("UpdatePolicy", redefinition(&id, &over)),
        ] {
            let refused = scene.refused(operation, input).await;
            assert_quota(&refused, "POLICY", Some(&scene.store), None);
        }
    }
}

#[tokio::test]
async fn a_template_has_at_most_10_000_bytes() {
    let scene = with(|quotas| quotas.policy_bytes = 1_000_000).await;
    let template = scene.template(&padded(BOTH, 10_000)).await;
    let over = json!({"statement": padded(BOTH, 10_001), "policyTemplateId": template});
    let refused = scene.refused("CreatePolicyTemplate", over.clone()).await;
    assert_quota(&refused, "POLICY_TEMPLATE", Some(&scene.store), None);
    // UpdatePolicyTemplate has no quota exception.
    let refused = scene.refused("UpdatePolicyTemplate", over).await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
}

#[tokio::test]
async fn a_policy_store_has_at_most_40_templates() {
    for (scene, limit) in [
        (Scene::off().await, 40),
        (with(|quotas| quotas.policy_templates = 2).await, 2),
    ] {
        let mut last = String::new();
        for _ in 0..limit {
            last = scene.template(BOTH).await;
        }
        let refused = scene
            .refused("CreatePolicyTemplate", json!({"statement": BOTH}))
            .await;
        assert_quota(
            &refused,
            "POLICY_TEMPLATE",
            Some(&scene.store),
            Some("L-97BDA0CF"),
        );
        scene
            .ok("DeletePolicyTemplate", json!({"policyTemplateId": last}))
            .await;
        scene.template(BOTH).await;
    }
}

#[tokio::test]
async fn an_account_has_so_many_policy_stores() {
    let scene = with(|quotas| quotas.policy_stores = 3).await;
    let create = json!({"validationSettings": {"mode": "OFF"}});
    for _ in 0..2 {
        crate::common::store_off(&scene.client).await;
    }
    let refused = call_refused(&scene.app, "CreatePolicyStore", &create).await;
    assert_quota(&refused, "POLICY_STORE", None, Some("L-919F2C9C"));
    let (status, _) = call(
        &scene.app,
        testkit::OTHER_ACCOUNT,
        "CreatePolicyStore",
        &create,
    )
    .await;
    assert_eq!(status, 200);
    scene.ok("DeletePolicyStore", json!({})).await;
    crate::common::store_off(&scene.client).await;
}

#[tokio::test]
async fn a_policy_store_has_at_most_10_aliases() {
    for (scene, limit) in [
        (Scene::off().await, 10),
        (with(|quotas| quotas.policy_store_aliases = 1).await, 1),
    ] {
        let alias = |at: usize| json!({"aliasName": format!("policy-store-alias/{at}")});
        for at in 0..limit {
            scene.ok("CreatePolicyStoreAlias", alias(at)).await;
        }
        let refused = scene.refused("CreatePolicyStoreAlias", alias(limit)).await;
        assert_eq!(refused.kind(), (402, "ServiceQuotaExceededException"));
        // One that is there is no new one.
        scene.ok("CreatePolicyStoreAlias", alias(0)).await;
        let mut delete = alias(0);
        delete["deletionMode"] = json!("HardDelete");
        scene.ok("DeletePolicyStoreAlias", delete).await;
        scene.ok("CreatePolicyStoreAlias", alias(limit)).await;
    }
}

/// A schema with this namespace, `bytes` long.
fn schema(namespace: &str, bytes: usize) -> Value {
    let text = json!({namespace: {"entityTypes": {}, "actions": {}}}).to_string();
    let text = format!("{text}{}", " ".repeat(bytes - text.len()));
    json!({"definition": {"cedarJson": text}})
}

#[tokio::test]
async fn a_schema_has_at_most_100_000_bytes() {
    for (scene, limit) in [
        (Scene::off().await, 100_000),
        (with(|quotas| quotas.schema_bytes = 200).await, 200),
    ] {
        scene.ok("PutSchema", schema("A", limit)).await;
        let refused = scene.refused("PutSchema", schema("A", limit + 1)).await;
        assert_quota(&refused, "SCHEMA", Some(&scene.store), None);
    }
}

#[tokio::test]
async fn a_schema_has_at_most_100_namespaces() {
    for (scene, limit) in [
        (Scene::off().await, 100),
        (with(|quotas| quotas.schema_namespaces = 1).await, 1),
    ] {
        let namespaces = |n: usize| {
            let empty = json!({"entityTypes": {}, "actions": {}});
            let all: Value = (0..n)
                .map(|at| (format!("N{at}"), empty.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into();
            json!({"definition": {"cedarJson": all.to_string()}})
        };
        let put = scene.ok("PutSchema", namespaces(limit)).await;
        assert_eq!(put["namespaces"].as_array().unwrap().len(), limit);
        let refused = scene.refused("PutSchema", namespaces(limit + 1)).await;
        assert_quota(&refused, "SCHEMA", Some(&scene.store), None);
    }
}

/// The statement of a policy for `Doc::"id"`, `bytes` long; without an id for no resource.
fn for_doc(id: Option<&str>, bytes: usize) -> String {
    let resource = id
        .map(|id| format!(r#" == Doc::"{id}""#))
        .unwrap_or_default();
    padded(
        &format!("permit(principal, action, resource{resource});"),
        bytes,
    )
}

/// Asserts that exactly `bytes` are left for policies of the resource.
#[track_caller]
fn left(scene: &Scene, id: Option<&str>, bytes: usize) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    let (scene, id) = (scene.clone(), id.map(str::to_owned));
    async move {
        let id = id.as_deref();
        let (status, body) = scene
            .call("CreatePolicy", definition(&for_doc(id, bytes + 1)))
            .await;
        assert_eq!(
            (status, &body["__type"]),
            (402, &json!("ServiceQuotaExceededException")),
            "{at}"
        );
        assert_eq!(body["resourceType"], "POLICY", "{at}");
        assert_eq!(body["resourceId"], json!(scene.store), "{at}");
        let (status, body) = scene
            .call("CreatePolicy", definition(&for_doc(id, bytes)))
            .await;
        assert_eq!(status, 200, "{at}: {body}");
        scene
            .ok("DeletePolicy", json!({"policyId": body["policyId"]}))
            .await;
    }
}

#[tokio::test]
async fn the_policies_of_a_resource_have_so_many_bytes_together() {
    let scene = with(|quotas| quotas.policy_bytes_per_resource = 1000).await;
    for id in [Some("a"), Some("é\0"), None] {
        left(&scene, id, 1000).await;
        let first = scene.policy(&for_doc(id, 300)).await;
        left(&scene, id, 700).await;
        let second = scene.policy(&for_doc(id, 500)).await;
        left(&scene, id, 200).await;
        scene
            .ok("UpdatePolicy", redefinition(&first, &for_doc(id, 200)))
            .await;
        left(&scene, id, 300).await;
        scene
            .ok("UpdatePolicy", redefinition(&first, &for_doc(id, 500)))
            .await;
        let refused = scene
            .refused("CreatePolicy", definition(&for_doc(id, 100)))
            .await;
        assert_quota(&refused, "POLICY", Some(&scene.store), None);
        let refused = scene
            .refused("UpdatePolicy", redefinition(&first, &for_doc(id, 501)))
            .await;
        assert_quota(&refused, "POLICY", Some(&scene.store), None);
        scene.ok("DeletePolicy", json!({"policyId": second})).await;
        left(&scene, id, 500).await;
        scene
            .ok("UpdatePolicy", json!({"policyId": first, "name": "name/x"}))
            .await;
        left(&scene, id, 500).await;
        scene.ok("DeletePolicy", json!({"policyId": first})).await;
        left(&scene, id, 1000).await;
        left(&scene, id, 1000).await;
    }
}

#[tokio::test]
async fn the_default_for_a_resource_is_200_000_bytes() {
    let scene = Scene::off().await;
    for _ in 0..19 {
        scene.policy(&for_doc(Some("a"), 10_000)).await;
    }
    scene.policy(&for_doc(Some("a"), 9_900)).await;
    left(&scene, Some("a"), 100).await;
    let refused = scene
        .refused("CreatePolicy", definition(&for_doc(Some("a"), 101)))
        .await;
    assert_quota(&refused, "POLICY", Some(&scene.store), None);
    scene.policy(&for_doc(Some("b"), 10_000)).await;
    scene.policy(ANY).await;
}

#[tokio::test]
async fn a_link_counts_its_principal_and_its_resource() {
    let scene = with(|quotas| quotas.policy_bytes_per_resource = 1000).await;
    let template = scene.template(BOTH).await;
    let link = |template: &str| {
        let (principal, resource) = (entity("A::User", "é"), entity("Doc", "a"));
        json!({"policyTemplateId": template, "principal": principal, "resource": resource})
    };
    // A::User::"é" and Doc::"a"
    let bytes = 13 + 8;
    let first = scene.link(link(&template)).await;
    left(&scene, Some("a"), 1000 - bytes).await;
    left(&scene, None, 1000).await;
    scene.link(link(&template)).await;
    left(&scene, Some("a"), 1000 - 2 * bytes).await;
    scene
        .ok("UpdatePolicy", json!({"policyId": first, "name": "name/x"}))
        .await;
    let update = json!({"policyTemplateId": template, "statement": padded(BOTH, 9_000)});
    scene.ok("UpdatePolicyTemplate", update).await;
    left(&scene, Some("a"), 1000 - 2 * bytes).await;
    scene.ok("DeletePolicy", json!({"policyId": first})).await;
    left(&scene, Some("a"), 1000 - bytes).await;
    scene
        .ok(
            "DeletePolicyTemplate",
            json!({"policyTemplateId": template}),
        )
        .await;
    left(&scene, Some("a"), 1000).await;

    // In a template that fixes the resource, the link counts for that one.
    let fixed = r#"permit(principal == ?principal, action, resource in Doc::"b");"#;
    let template = scene.template(fixed).await;
    let mut arguments = link(&template);
    arguments.as_object_mut().unwrap().remove("resource");
    scene.link(arguments).await;
    left(&scene, Some("b"), 1000 - 13).await;
    scene
        .ok(
            "DeletePolicyTemplate",
            json!({"policyTemplateId": template}),
        )
        .await;
    left(&scene, Some("b"), 1000).await;
}

#[tokio::test]
async fn a_refused_policy_counts_for_nothing() {
    let scene = with(|quotas| quotas.policy_bytes_per_resource = 1000).await;
    let mut named = definition(&for_doc(Some("a"), 300));
    named["name"] = json!("name/x");
    scene.create("CreatePolicy", named.clone()).await;
    let refused = scene.refused("CreatePolicy", named).await;
    assert_eq!(refused.kind(), (409, "ConflictException"));
    left(&scene, Some("a"), 700).await;
    // What is over the quota takes no name.
    let mut over = definition(&for_doc(Some("a"), 701));
    over["name"] = json!("name/y");
    scene.refused("CreatePolicy", over).await;
    let refused = scene
        .refused("GetPolicy", json!({"policyId": "name/y"}))
        .await;
    assert_eq!(refused.missing(), ("POLICY", "name/y"));
}
