//! Inputs that are meant to hurt. None may end the process, and none is the server's fault.

use serde_json::{Map, Value, json};

use crate::common::{call_refused, put_schema};
use crate::nesting::{nested, when};
use crate::scene::{Scene, definition, entity, redefinition};

#[tokio::test]
async fn schemas_that_explode_are_refused_at_once() {
    let scene = Scene::off().await;
    let chain = |members: usize, member: &dyn Fn(usize) -> Value| -> Value {
        (0..members)
            .map(|at| (format!("T{at}"), member(at)))
            .collect::<Map<_, _>>()
            .into()
    };
    let doubling = chain(60, &|at| {
        let next = json!({"type": format!("T{}", at + 1)});
        let record = json!({"type": "Record", "attributes": {"a": next, "b": next}});
        if at == 59 {
            json!({"type": "Long"})
        } else {
            record
        }
    });
    let shape = json!({"shape": {"type": "Record", "attributes": {"a": {"type": "T0"}}}});
    let groups = chain(
        1_800,
        &|at| json!({"memberOf": [{"id": format!("T{}", (at + 1) % 1_800)}]}),
    );
    let types = chain(2_000, &|_| json!({}));
    let names: Vec<_> = (0..2_000).map(|at| format!("T{at}")).collect();
    let everything = json!({"a": {"appliesTo": {"principalTypes": names, "resourceTypes": names}}});
    for namespace in [
        json!({"commonTypes": doubling, "entityTypes": {"E": shape}, "actions": {}}),
        json!({"entityTypes": {}, "actions": groups}),
        json!({"entityTypes": types, "actions": everything}),
    ] {
        let put = json!({"definition": {"cedarJson": json!({"N": namespace}).to_string()}});
        let refused = scene.refused("PutSchema", put).await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, "/schema");
    }

    // Long hierarchies of types are within the bounds, and must be within the stack.
    let members = chain(1_800, &|at| match at {
        1_799 => json!({}),
        _ => json!({"memberOfTypes": [format!("T{}", at + 1)]}),
    });
    let schema = json!({"N": {"entityTypes": members, "actions": {}}});
    put_schema(&scene.client, &scene.store, &schema.to_string()).await;
    let sets = |levels| {
        nested(
            r#"{"type":"Set","element":"#,
            r#"{"type":"Long"}"#,
            "}",
            levels,
        )
    };
    for levels in [100, 10_000] {
        let text = format!(
            r#"{{"N":{{"entityTypes":{{"E":{{"shape":{{"type":"Record","attributes":{{"a":{}}}}}}}}},"actions":{{}}}}}}"#,
            sets(levels)
        );
        let put = json!({"definition": {"cedarJson": text}});
        let (status, body) = scene.call("PutSchema", put).await;
        assert!(matches!(status, 200 | 400 | 402), "{body}");
    }
}

#[tokio::test]
async fn a_faulty_policy_gets_at_most_100_texts() {
    let names: Vec<_> = (0..200).map(|at| format!("T{at}")).collect();
    let types: Map<_, _> = names.iter().map(|name| (name.clone(), json!({}))).collect();
    let applies = json!({"principalTypes": names, "resourceTypes": names});
    let schema = json!({"N": {"entityTypes": types, "actions": {"a": {"appliesTo": applies}}}});
    let scene = Scene::strict(&schema).await;
    let statement = when("principal.x == resource.y");
    let refused = scene.refused("CreatePolicy", definition(&statement)).await;
    assert_eq!(refused.fields.len(), 100);
    let refused = scene
        .refused("CreatePolicy", definition(&"permit;".repeat(1_000)))
        .await;
    assert!(refused.fields.len() <= 100);
}

#[tokio::test]
async fn odd_texts_are_never_the_servers_fault() {
    let scene = Scene::off().await;
    let policy = scene.policy("permit(principal, action, resource);").await;
    let longest = "x".repeat(100_000);
    for odd in [
        "",
        "\0",
        "a\0b",
        "name/\0",
        "policy-store-alias/\0",
        "name/",
        "/",
        "//",
        "..",
        "'; DROP",
        "%00",
        "\u{feff}",
        "\u{202e}",
        "\u{1F600}",
        "__cedar",
        "A::__cedar::B",
        "\"",
        "\\",
        "\r\n",
        longest.as_str(),
    ] {
        let reference = entity(odd, odd);
        let linked =
            json!({"policyTemplateId": odd, "principal": reference, "resource": reference});
        let action = json!({"actionType": odd, "actionId": odd});
        let mut inputs = vec![
            ("CreatePolicy", definition(odd)),
            (
                "CreatePolicy",
                json!({"definition": {"templateLinked": linked}}),
            ),
            (
                "CreatePolicy",
                json!({"clientToken": odd, "name": odd, "definition": {"static": {"statement": "permit(principal,action,resource);"}}}),
            ),
            (
                "CreatePolicyTemplate",
                json!({"statement": odd, "name": odd, "clientToken": odd}),
            ),
            ("PutSchema", json!({"definition": {"cedarJson": odd}})),
            (
                "PutSchema",
                json!({"definition": {"cedarJson": json!({odd: {"entityTypes": {odd: {}}, "actions": {odd: {}}}}).to_string()}}),
            ),
            ("CreatePolicyStoreAlias", json!({"aliasName": odd})),
            ("UpdatePolicy", json!({"policyId": policy, "name": odd})),
            (
                "IsAuthorized",
                json!({"principal": reference, "action": action, "resource": reference}),
            ),
            (
                "IsAuthorized",
                json!({"context": {"cedarJson": odd}, "entities": {"cedarJson": odd}}),
            ),
            (
                "IsAuthorized",
                json!({"context": {"contextMap": {odd: {"string": odd}}}}),
            ),
            (
                "IsAuthorized",
                json!({"entities": {"entityList": [{"identifier": reference, "attributes": {odd: {"string": odd}}}]}}),
            ),
            ("ListPolicies", json!({"nextToken": odd})),
            (
                "ListPolicies",
                json!({"filter": {"principal": {"identifier": reference}}}),
            ),
            ("ListPolicies", json!({"filter": {"policyTemplateId": odd}})),
        ];
        for operation in ["GetPolicy", "DeletePolicy"] {
            inputs.push((operation, json!({"policyId": odd})));
        }
        for operation in ["GetPolicyTemplate", "DeletePolicyTemplate"] {
            inputs.push((operation, json!({"policyTemplateId": odd})));
        }
        for (operation, input) in inputs {
            let (status, body) = scene.call(operation, input).await;
            assert!(
                matches!(status, 200 | 400 | 402 | 404 | 409),
                "{operation} {odd:?} {body}"
            );
        }
        for operation in [
            "GetPolicyStore",
            "ListPolicies",
            "IsAuthorized",
            "GetSchema",
        ] {
            let input = json!({"policyStoreId": odd});
            let refused = call_refused(&scene.app, operation, &input).await;
            assert!(matches!(refused.status, 400 | 404), "{operation} {odd:?}");
        }
        let items = json!({"requests": [{"policyStoreId": odd, "policyId": odd}]});
        let (status, body) = scene.call("BatchGetPolicy", items).await;
        assert!(matches!(status, 200 | 400), "{odd:?} {body}");
    }
}

#[tokio::test]
async fn a_nul_in_an_entitys_id_is_a_character_like_others() {
    let scene = Scene::off().await;
    let statement = r#"permit(principal == U::"a\0", action, resource == D::"\0");"#;
    let id = scene.policy(statement).await;
    let template = scene
        .template("permit(principal == ?principal, action, resource == ?resource);")
        .await;
    let (principal, resource) = (entity("U", "a\0"), entity("D", "\0"));
    let link = scene
        .link(json!({"policyTemplateId": template, "principal": principal, "resource": resource}))
        .await;
    let filter = json!({"filter": {"resource": {"identifier": resource}, "principal": {"identifier": principal}}});
    let listed = scene.ok("ListPolicies", filter).await;
    assert_eq!(listed["policies"].as_array().unwrap().len(), 2);
    scene
        .ok("UpdatePolicy", redefinition(&id, &format!("{statement}//")))
        .await;
    for id in [&id, &link] {
        scene.ok("DeletePolicy", json!({"policyId": id})).await;
    }
}
