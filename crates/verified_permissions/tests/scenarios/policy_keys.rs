//! Filters find policies by their keys: the result is that of looking at every policy, however
//! the policies came to be there.

use std::sync::Arc;

use serde_json::{Value, json};
use store::{NewDocument, Store, StoreError, WriteTx};
use testkit::App;
use verified_permissions::Options;

use crate::scene::{Scene, definition, entity};

const BOTH: &str = "permit(principal == ?principal, action, resource == ?resource);";
const FIXED: &str = r#"permit(principal in U::"a", action, resource in ?resource);"#;
const OPEN: &str = "permit(principal == ?principal, action, resource);";

/// A policy store over `data` with some dozens of policies of every shape.
async fn library(data: Store) -> (Scene, Vec<String>) {
    let options = Options {
        allow_unconstrained_template_scope: true,
        ..Options::default()
    };
    let app = App::over(data, options);
    let scene = Scene::new(app, aws_sdk_verifiedpermissions::types::ValidationMode::Off).await;
    let mut templates = Vec::new();
    for statement in [BOTH, FIXED, OPEN] {
        templates.push(scene.template(statement).await);
    }
    for round in 0..4 {
        for (user, doc) in [("a", "x"), ("b", "x"), ("a", "y"), ("c\"", "ü")] {
            let (user, doc) = (entity("U", user), entity("D", doc));
            for (template, principal, resource) in [
                (0, Some(&user), Some(&doc)),
                (1, None, Some(&doc)),
                (2, Some(&user), None),
            ] {
                let mut link = json!({"policyTemplateId": templates[template]});
                link["principal"] = json!(principal);
                link["resource"] = json!(resource);
                let link: serde_json::Map<String, Value> = link
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                if round < 2 {
                    scene.link(json!(link)).await;
                }
            }
        }
        for statement in [
            "permit(principal, action, resource);",
            r#"permit(principal == U::"a", action, resource);"#,
            r#"permit(principal in U::"a", action, resource == D::"x");"#,
            r#"forbid(principal is U in U::"b", action, resource is D);"#,
            r#"permit(principal is U, action, resource in D::"ü");"#,
        ] {
            scene.policy(statement).await;
        }
    }
    (scene, templates)
}

/// All filters over a few entities and templates.
fn filters(templates: &[String]) -> Vec<Value> {
    let entities = |kind: &str, ids: [&str; 3]| {
        let mut choices = vec![
            Value::Null,
            json!({"unspecified": true}),
            json!({"unspecified": false}),
        ];
        choices.extend(ids.map(|id| json!({"identifier": entity(kind, id)})));
        choices
    };
    let mut filters = Vec::new();
    for principal in entities("U", ["a", "c\"", "nobody"]) {
        for resource in entities("D", ["x", "ü", "nothing"]) {
            for kind in [json!(null), json!("STATIC"), json!("TEMPLATE_LINKED")] {
                for template in [json!(null), json!(templates[0]), json!(templates[1])] {
                    let members = [
                        ("principal", &principal),
                        ("resource", &resource),
                        ("policyType", &kind),
                        ("policyTemplateId", &template),
                    ];
                    let members = members.into_iter().filter(|(_, value)| !value.is_null());
                    filters.push(
                        members
                            .map(|(name, value)| (name.to_owned(), value.clone()))
                            .collect(),
                    );
                }
            }
        }
    }
    filters
}

/// What the filter says, of what ListPolicies shows of a policy.
fn takes(filter: &Value, policy: &Value) -> bool {
    let reference = |part: &str| {
        let wanted = &filter[part];
        match wanted["unspecified"].as_bool() {
            _ if wanted.is_null() => true,
            Some(unspecified) => unspecified == policy.get(part).is_none(),
            None => policy[part] == wanted["identifier"],
        }
    };
    let template = &filter["policyTemplateId"];
    let linked = &policy["definition"]["templateLinked"]["policyTemplateId"];
    reference("principal")
        && reference("resource")
        && (filter["policyType"].is_null() || filter["policyType"] == policy["policyType"])
        && (template.is_null() || template == linked)
}

/// All pages of a filtered list.
async fn listed(scene: &Scene, filter: &Value, size: usize) -> Vec<Value> {
    let mut policies = Vec::new();
    let mut input = json!({"filter": filter, "maxResults": size});
    loop {
        let page = scene.ok("ListPolicies", input.clone()).await;
        policies.extend(page["policies"].as_array().unwrap().iter().cloned());
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => return policies,
        }
    }
}

async fn check(scene: &Scene, templates: &[String]) {
    let all = listed(scene, &json!({}), 50).await;
    for (at, filter) in filters(templates).iter().enumerate() {
        let expected: Vec<_> = all.iter().filter(|policy| takes(filter, policy)).collect();
        let found = listed(scene, filter, [50, 3, 7][at % 3]).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
}

#[tokio::test]
async fn every_filter_finds_what_looking_at_every_policy_finds() {
    let (scene, templates) = library(Store::memory()).await;
    check(&scene, &templates).await;
    // Updates leave the keys, deletions take them along.
    let all = listed(&scene, &json!({}), 50).await;
    for (at, policy) in all.iter().enumerate() {
        let id = policy["policyId"].clone();
        if at % 5 == 1 {
            scene.ok("DeletePolicy", json!({"policyId": id})).await;
        } else if at % 5 == 2 {
            let name = format!("name/{at}");
            scene
                .ok("UpdatePolicy", json!({"policyId": id, "name": name}))
                .await;
        }
    }
    check(&scene, &templates).await;
    let gone = json!({"policyTemplateId": templates[1]});
    scene.ok("DeletePolicyTemplate", gone.clone()).await;
    assert!(listed(&scene, &gone, 50).await.is_empty());
    check(&scene, &templates).await;
}

/// Takes the keys away, as if the previous release had written everything.
async fn make_old(data: &Store, policy_store: &str) {
    let parent = policy_store.to_owned();
    let work = move |tx: &mut dyn WriteTx| {
        for old in tx.list("vp.policy", &parent, None, usize::MAX)? {
            tx.put(NewDocument {
                kind: "vp.policy",
                parent: &parent,
                id: &old.id,
                version: old.version,
                body: &old.body,
                keys: Some(&[]),
            })?;
        }
        assert!(tx.delete("vp.policy_keys", &parent, "")?);
        Ok::<_, StoreError>(())
    };
    data.write(work).await.unwrap();
}

#[tokio::test]
async fn policies_of_an_older_release_are_found() {
    let data = Store::memory();
    let (scene, templates) = library(data.clone()).await;
    make_old(&data, &scene.store).await;
    // Some policies have their keys already.
    scene
        .policy(r#"permit(principal == U::"a", action, resource);"#)
        .await;
    check(&scene, &templates).await;
}

#[tokio::test]
async fn links_of_an_older_release_go_with_their_template() {
    let data = Store::memory();
    let (scene, templates) = library(data.clone()).await;
    let links = json!({"policyTemplateId": templates[0]});
    let before = listed(&scene, &json!({}), 50).await.len();
    let count = listed(&scene, &links, 50).await.len();
    make_old(&data, &scene.store).await;
    scene.ok("DeletePolicyTemplate", links.clone()).await;
    assert_eq!(count, 8);
    assert_eq!(listed(&scene, &json!({}), 50).await.len(), before - count);
    assert!(listed(&scene, &links, 50).await.is_empty());
    check(&scene, &templates).await;
}

/// More policies than are given keys at once, while others are created.
#[tokio::test]
async fn a_large_policy_store_gets_its_keys_beside_other_writes() {
    let data = Store::memory();
    let scene = Scene::new(
        App::over(data.clone(), Options::default()),
        aws_sdk_verifiedpermissions::types::ValidationMode::Off,
    )
    .await;
    let statement = r#"permit(principal == U::"a", action, resource);"#;
    let first = scene.policy(statement).await;
    let parent = scene.store.clone();
    let copy = move |tx: &mut dyn WriteTx| {
        let one = tx.get("vp.policy", &parent, &first)?.unwrap();
        for number in 0..1_200 {
            tx.insert(NewDocument {
                kind: "vp.policy",
                parent: &parent,
                id: &format!("copy-{number:04}"),
                version: one.version,
                body: &one.body,
                keys: None,
            })?;
        }
        Ok::<_, StoreError>(())
    };
    data.write(copy).await.unwrap();
    make_old(&data, &scene.store).await;
    let scene = Arc::new(scene);
    let mut lists = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let scene = Arc::clone(&scene);
        lists.spawn(async move {
            let filter = json!({"principal": {"identifier": entity("U", "a")}});
            listed(&scene, &filter, 50).await.len()
        });
    }
    for _ in 0..10 {
        scene
            .create(
                "CreatePolicy",
                definition("permit(principal, action, resource);"),
            )
            .await;
    }
    for found in lists.join_all().await {
        assert_eq!(found, 1_201);
    }
    let unspecified = json!({"principal": {"unspecified": true}});
    assert_eq!(listed(&scene, &unspecified, 50).await.len(), 10);
}
