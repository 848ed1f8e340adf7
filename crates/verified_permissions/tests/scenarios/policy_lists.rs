//! ListPolicies with filters, and BatchGetPolicy.

use serde_json::{Value, json};
use testkit::OTHER_ACCOUNT;

use crate::common::{call, call_refused, store_off};
use crate::scene::{START, Scene, definition, entity};

const TEMPLATE: &str = "permit(principal in ?principal, action, resource == ?resource);";

/// A policy store with policies by name.
async fn library() -> (Scene, Vec<(&'static str, String)>) {
    let scene = Scene::off().await;
    let mut ids = Vec::new();
    for (name, statement) in [
        ("any", "permit(principal, action, resource);"),
        ("user", r#"permit(principal == U::"a", action, resource);"#),
        (
            "group",
            r#"permit(principal in U::"a", action, resource == D::"x");"#,
        ),
        ("type", r#"permit(principal is U, action, resource is D);"#),
        (
            "type in",
            r#"permit(principal is U in U::"a", action, resource is D in D::"x");"#,
        ),
        ("other", r#"forbid(principal == U::"b", action, resource);"#),
    ] {
        ids.push((name, scene.policy(statement).await));
    }
    let template = json!({"statement": TEMPLATE, "name": "name/t"});
    let template = scene.create("CreatePolicyTemplate", template).await;
    let link = |principal, resource| {
        json!({
            "policyTemplateId": template,
            "principal": entity("U", principal),
            "resource": entity("D", resource),
        })
    };
    ids.push(("link a", scene.link(link("a", "x")).await));
    ids.push(("link b", scene.link(link("b", "y")).await));
    ids.push(("template", template.clone()));
    (scene, ids)
}

#[tokio::test]
async fn filters_select_by_the_scopes_and_combine_with_and() {
    let (scene, ids) = library().await;
    let a = json!({"identifier": entity("U", "a")});
    let x = json!({"identifier": entity("D", "x")});
    let is = |unspecified: bool| json!({"unspecified": unspecified});
    let template = &ids.last().unwrap().1;
    let all: [&str; 8] = [
        "any", "user", "group", "type", "type in", "other", "link a", "link b",
    ];
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({}), &all),
        (
            json!({"principal": a}),
            &["user", "group", "type in", "link a"],
        ),
        (json!({"resource": x}), &["group", "type in", "link a"]),
        (
            json!({"principal": a, "resource": x}),
            &["group", "type in", "link a"],
        ),
        (json!({"principal": a, "resource": is(true)}), &["user"]),
        (json!({"principal": is(true)}), &["any", "type"]),
        (
            json!({"principal": is(false)}),
            &["user", "group", "type in", "other", "link a", "link b"],
        ),
        (
            json!({"resource": is(true)}),
            &["any", "user", "type", "other"],
        ),
        (
            json!({"resource": is(false)}),
            &["group", "type in", "link a", "link b"],
        ),
        (json!({"principal": {"identifier": entity("U", "A")}}), &[]),
        (json!({"principal": {"identifier": entity("D", "x")}}), &[]),
        (json!({"policyType": "STATIC"}), &all[..6]),
        (json!({"policyType": "TEMPLATE_LINKED"}), &all[6..]),
        (
            json!({"policyType": "STATIC", "principal": a}),
            &["user", "group", "type in"],
        ),
        (
            json!({"policyType": "TEMPLATE_LINKED", "principal": a}),
            &["link a"],
        ),
        (json!({"policyTemplateId": template}), &all[6..]),
        (json!({"policyTemplateId": "name/t"}), &all[6..]),
        (
            json!({"policyTemplateId": template, "principal": a}),
            &["link a"],
        ),
        (
            json!({"policyTemplateId": template, "policyType": "STATIC"}),
            &[],
        ),
        (json!({"policyTemplateId": "unknown"}), &[]),
        (json!({"policyTemplateId": "name/unknown"}), &[]),
    ];
    let name_of = |policy: &Value| {
        let id = policy["policyId"].as_str().unwrap();
        ids.iter().find(|(_, known)| known == id).unwrap().0
    };
    for (filter, expected) in cases {
        let listed = scene.ok("ListPolicies", json!({"filter": filter})).await;
        let names: Vec<_> = listed["policies"]
            .as_array()
            .unwrap()
            .iter()
            .map(name_of)
            .collect();
        assert_eq!(names, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_names_exactly_one_kind_of_entity() {
    let scene = Scene::off().await;
    for reference in [
        json!({}),
        json!({"unspecified": true, "identifier": entity("U", "a")}),
    ] {
        let filter = json!({"filter": {"principal": reference}});
        let refused = scene.refused("ListPolicies", filter).await;
        assert_eq!(refused.fields[0].0, "/filter/principal");
    }
}

#[tokio::test]
async fn items_tell_all_but_the_statement() {
    let scene = Scene::off().await;
    let mut input = definition(r#"forbid(principal == U::"a", action == Action::"v", resource);"#);
    input["definition"]["static"]["description"] = json!("text");
    input["name"] = json!("name/p");
    let id = scene.create("CreatePolicy", input).await;
    let template = scene.template(TEMPLATE).await;
    let arguments = json!({
        "policyTemplateId": template,
        "principal": entity("U", "a"),
        "resource": entity("D", "x"),
    });
    let link = scene.link(arguments.clone()).await;
    let listed = scene.ok("ListPolicies", json!({})).await;
    let expected = json!([
        {
            "policyStoreId": scene.store, "policyId": id, "policyType": "STATIC",
            "principal": entity("U", "a"), "effect": "Forbid", "name": "name/p",
            "actions": [{"actionType": "Action", "actionId": "v"}],
            "definition": {"static": {"description": "text"}},
            "createdDate": START, "lastUpdatedDate": START,
        },
        {
            "policyStoreId": scene.store, "policyId": link, "policyType": "TEMPLATE_LINKED",
            "principal": entity("U", "a"), "resource": entity("D", "x"), "effect": "Permit",
            "definition": {"templateLinked": arguments},
            "createdDate": START, "lastUpdatedDate": START,
        },
    ]);
    assert_eq!(listed, json!({"policies": expected}));
}

#[tokio::test]
async fn a_batch_tells_what_it_found_and_what_not_in_the_order_of_its_items() {
    let scene = Scene::off().await;
    let first = scene.policy("permit(principal, action, resource);").await;
    let mut input = definition("forbid(principal, action, resource);");
    input["definition"]["static"]["description"] = json!("text");
    input["name"] = json!("name/second");
    let second = scene.create("CreatePolicy", input).await;
    let other_store = store_off(&scene.client).await;
    let alias = json!({"aliasName": "policy-store-alias/a"});
    scene.ok("CreatePolicyStoreAlias", alias).await;
    let item = |store: &str, policy: &str| json!({"policyStoreId": store, "policyId": policy});
    let store = scene.store.as_str();
    let requests = json!([
        item(store, "gone"),
        item(store, &second),
        item("nowhere", &first),
        item("policy-store-alias/a", "name/second"),
        item("policy-store-alias/b", &first),
        item(&other_store, &first),
        item(store, "name/gone"),
        item(store, &first),
        item(store, &first),
    ]);
    let got = scene
        .ok("BatchGetPolicy", json!({"requests": requests}))
        .await;
    let found = |id: &str, definition: Value| {
        json!({
            "policyStoreId": store, "policyId": id, "policyType": "STATIC",
            "definition": {"static": definition}, "createdDate": START, "lastUpdatedDate": START,
        })
    };
    let one = found(
        &first,
        json!({"statement": "permit(principal, action, resource);"}),
    );
    let definition =
        json!({"statement": "forbid(principal, action, resource);", "description": "text"});
    let mut two = found(&second, definition);
    two["name"] = json!("name/second");
    assert_eq!(got["results"], json!([two, two, one, one]));
    let errors: Vec<_> = got["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (&error["code"], &error["policyStoreId"], &error["policyId"]))
        .map(|(code, store, id)| [code, store, id].map(|text| text.as_str().unwrap().to_owned()))
        .collect();
    let error = |code: &str, store: &str, id: &str| [code, store, id].map(str::to_owned);
    assert_eq!(
        errors,
        [
            error("POLICY_NOT_FOUND", store, "gone"),
            error("POLICY_STORE_NOT_FOUND", "nowhere", &first),
            error(
                "POLICY_STORE_ALIAS_NOT_FOUND",
                "policy-store-alias/b",
                &first
            ),
            error("POLICY_NOT_FOUND", &other_store, &first),
            error("POLICY_NOT_FOUND", store, "name/gone"),
        ]
    );
    let (status, body) = call(
        &scene.app,
        OTHER_ACCOUNT,
        "BatchGetPolicy",
        &json!({"requests": requests}),
    )
    .await;
    assert_eq!((status, &body["results"]), (200, &json!([])));
}

#[tokio::test]
async fn a_batch_has_1_to_100_items() {
    let scene = Scene::off().await;
    let id = scene.policy("permit(principal, action, resource);").await;
    let items = |n: usize| {
        let item = json!({"policyStoreId": scene.store, "policyId": id});
        json!({"requests": vec![item; n]})
    };
    let got = scene.ok("BatchGetPolicy", items(100)).await;
    assert_eq!(got["results"].as_array().unwrap().len(), 100);
    assert_eq!(got["errors"], json!([]));
    for n in [0, 101] {
        let refused = call_refused(&scene.app, "BatchGetPolicy", &items(n)).await;
        assert_eq!(refused.fields[0].0, "/requests");
    }
}
