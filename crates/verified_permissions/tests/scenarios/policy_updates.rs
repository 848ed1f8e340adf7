//! What an update of a policy may change, and its name and description.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{START, Scene, definition, redefinition};

const ANY: &str = "permit(principal, action, resource);";
const SECOND_LATER: &str = "2026-01-01T00:00:01.123456Z";
const STATEMENT: &str = "/definition/static/statement";

#[tokio::test]
async fn actions_and_conditions_and_the_look_may_change() {
    for (old, new) in [
        (
            ANY,
            r#"permit(principal, action == App::Action::"a", resource);"#,
        ),
        (
            r#"permit(principal, action in [App::Action::"a"], resource);"#,
            ANY,
        ),
        (
            ANY,
            r#"permit(principal, action, resource) when { context has x } unless { 1 == 2 };"#,
        ),
        (
            ANY,
            "// note\n@id(\"x\")\npermit (\n  principal,action ,\tresource ) ;",
        ),
        (
            r#"forbid(principal in A::B::"\u{e9}", action, resource is C);"#,
            r#"forbid ( principal in A :: B::"é",action,resource is /* */ C);"#,
        ),
        (
            r#"permit(principal == U::"a", action, resource is D in F::"f");"#,
            r#"permit(principal == U::"\x61", action, resource is D in F::"f") when { true };"#,
        ),
    ] {
        let new = new.replace("/* */", "// comment\n");
        let scene = Scene::off().await;
        let id = scene.policy(old).await;
        scene.app.clock().advance(Duration::from_secs(1));
        let updated = scene.ok("UpdatePolicy", redefinition(&id, &new)).await;
        assert_eq!(updated["createdDate"], json!(START), "{new}");
        assert_eq!(updated["lastUpdatedDate"], json!(SECOND_LATER), "{new}");
        let got = scene.ok("GetPolicy", json!({"policyId": id})).await;
        assert_eq!(got["definition"], json!({"static": {"statement": new}}));
        assert_eq!(got["lastUpdatedDate"], json!(SECOND_LATER));
        assert_eq!(got["actions"], updated["actions"]);
    }
}

#[tokio::test]
async fn effect_principal_and_resource_cannot_change() {
    let principals = [
        "principal",
        r#"principal == U::"a""#,
        r#"principal == U::"b""#,
        r#"principal == V::"a""#,
        r#"principal in U::"a""#,
        "principal is U",
        "principal is V",
        r#"principal is U in U::"a""#,
        r#"principal is V in U::"a""#,
        r#"principal is U in U::"b""#,
    ];
    let refused = |part: &str| {
        (
            STATEMENT.to_owned(),
            format!("You can't change the {part} of an existing policy."),
        )
    };
    let scene = Scene::off().await;
    for old in principals {
        let resource = |principal: &str| principal.replace("principal", "resource");
        let by_principal = |principal| format!("permit({principal}, action, resource);");
        let by_resource =
            |principal| format!("permit(principal, action, {});", resource(principal));
        let principal_policy = scene.policy(&by_principal(old)).await;
        let resource_policy = scene.policy(&by_resource(old)).await;
        for new in principals {
            let update = redefinition(&principal_policy, &by_principal(new));
            let other = redefinition(&resource_policy, &by_resource(new));
            if old == new {
                scene.ok("UpdatePolicy", update).await;
                scene.ok("UpdatePolicy", other).await;
            } else {
                let found = scene.refused("UpdatePolicy", update).await;
                assert_eq!(found.fields, [refused("principal")], "{old} to {new}");
                let found = scene.refused("UpdatePolicy", other).await;
                assert_eq!(found.fields, [refused("resource")], "{old} to {new}");
            }
        }
        let got = scene
            .ok("GetPolicy", json!({"policyId": principal_policy}))
            .await;
        assert_eq!(
            got["definition"]["static"]["statement"],
            json!(by_principal(old))
        );
    }
    let id = scene.policy(ANY).await;
    let all = r#"forbid(principal is U, action, resource is U);"#;
    let found = scene.refused("UpdatePolicy", redefinition(&id, all)).await;
    assert_eq!(found.kind(), (400, "ValidationException"));
    assert_eq!(
        found.fields,
        ["effect", "principal", "resource"].map(refused)
    );
}

#[tokio::test]
async fn an_update_needs_one_static_policy() {
    let scene = Scene::off().await;
    let id = scene.policy(ANY).await;
    let two = [ANY, ANY].concat();
    for statement in [
        two.as_str(),
        "nonsense",
        "permit(principal == ?principal, action, resource);",
    ] {
        let refused = scene
            .refused("UpdatePolicy", redefinition(&id, statement))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, STATEMENT);
    }
    scene.allows(("a", "b", "c"), &[&id]).await;
}

#[tokio::test]
async fn a_link_has_no_text_to_update() {
    let scene = Scene::off().await;
    let template = scene
        .template(r#"permit(principal == ?principal, action, resource == App::Doc::"d");"#)
        .await;
    let principal = crate::scene::entity("App::User", "u");
    let id = scene
        .link(json!({"policyTemplateId": template, "principal": principal}))
        .await;
    let statement = r#"permit(principal == App::User::"u", action, resource == App::Doc::"d");"#;
    let refused = scene
        .refused("UpdatePolicy", redefinition(&id, statement))
        .await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert_eq!(refused.fields[0].0, "/definition/static");
    scene
        .ok("UpdatePolicy", json!({"policyId": id, "name": "name/link"}))
        .await;
    let got = scene
        .ok("GetPolicy", json!({"policyId": "name/link"}))
        .await;
    assert_eq!(got["policyType"], "TEMPLATE_LINKED");
    assert_eq!(
        got["definition"],
        json!({"templateLinked": {"policyTemplateId": template, "principal": principal}})
    );
}

/// The descriptions that GetPolicy and ListPolicies show.
async fn descriptions(scene: &Scene, id: &str) -> [Value; 2] {
    let got = scene.ok("GetPolicy", json!({"policyId": id})).await;
    let listed = scene.ok("ListPolicies", json!({})).await;
    [
        got["definition"]["static"]["description"].clone(),
        listed["policies"][0]["definition"]["static"]["description"].clone(),
    ]
}

#[tokio::test]
async fn a_description_is_replaced_with_the_text() {
    let scene = Scene::off().await;
    let with = |mut input: Value, description: &str| {
        input["definition"]["static"]["description"] = json!(description);
        input
    };
    let longest = "é".repeat(150);
    let id = scene
        .create("CreatePolicy", with(definition(ANY), &longest))
        .await;
    assert_eq!(
        descriptions(&scene, &id).await,
        [json!(longest), json!(longest)]
    );
    scene.ok("UpdatePolicy", json!({"policyId": id})).await;
    assert_eq!(
        descriptions(&scene, &id).await,
        [json!(longest), json!(longest)]
    );
    scene
        .ok("UpdatePolicy", with(redefinition(&id, ANY), "new"))
        .await;
    assert_eq!(
        descriptions(&scene, &id).await,
        [json!("new"), json!("new")]
    );
    for cleared in [with(redefinition(&id, ANY), ""), redefinition(&id, ANY)] {
        scene
            .ok("UpdatePolicy", with(redefinition(&id, ANY), "new"))
            .await;
        scene.ok("UpdatePolicy", cleared).await;
        assert_eq!(descriptions(&scene, &id).await, [Value::Null, Value::Null]);
    }
    let refused = with(definition(ANY), &"e".repeat(151));
    let refused = scene.refused("CreatePolicy", refused).await;
    assert_eq!(refused.fields[0].0, "/definition/static/description");
}

/// The input of CreatePolicy with a name.
fn named(name: &str) -> Value {
    let mut input = definition(ANY);
    input["name"] = json!(name);
    input
}

#[tokio::test]
async fn a_name_stands_for_the_id() {
    let scene = Scene::off().await;
    let created = scene.ok("CreatePolicy", named("name/a/b_c-1")).await;
    assert_eq!(created.get("name"), None);
    let id = created["policyId"].as_str().unwrap();
    for reference in [id, "name/a/b_c-1"] {
        let got = scene.ok("GetPolicy", json!({"policyId": reference})).await;
        assert_eq!(
            (&got["policyId"], &got["name"]),
            (&json!(id), &json!("name/a/b_c-1"))
        );
        let updated = scene.ok("UpdatePolicy", redefinition(reference, ANY)).await;
        assert_eq!(updated["policyId"], json!(id));
        assert_eq!(updated.get("name"), None);
        let items = json!([{"policyStoreId": scene.store, "policyId": reference}]);
        let got = scene.ok("BatchGetPolicy", json!({"requests": items})).await;
        assert_eq!(got["results"][0]["policyId"], json!(id));
        assert_eq!(got["results"][0]["name"], "name/a/b_c-1");
    }
    scene.allows(("a", "b", "c"), &[id]).await;
    scene
        .ok("DeletePolicy", json!({"policyId": "name/a/b_c-1"}))
        .await;
    scene.allows(("a", "b", "c"), &[]).await;
    let refused = scene
        .refused("GetPolicy", json!({"policyId": "name/a/b_c-1"}))
        .await;
    assert_eq!(refused.missing(), ("POLICY", "name/a/b_c-1"));
}

#[tokio::test]
async fn a_name_is_one_policys_until_it_is_given_up() {
    let scene = Scene::off().await;
    let first = scene.create("CreatePolicy", named("name/one")).await;
    let refused = scene.refused("CreatePolicy", named("name/one")).await;
    assert_eq!(refused.conflict(), ("POLICY", first.as_str()));
    let second = scene.create("CreatePolicy", named("name/two")).await;
    let rename = |id: &str, name: &str| json!({"policyId": id, "name": name});
    let refused = scene
        .refused("UpdatePolicy", rename(&second, "name/one"))
        .await;
    assert_eq!(refused.conflict(), ("POLICY", first.as_str()));
    let by_name = |name: &str| scene.ok("GetPolicy", json!({"policyId": name}));
    assert_eq!(by_name("name/two").await["policyId"], json!(second));

    // Its own name again is no conflict; another one frees the old.
    scene.ok("UpdatePolicy", rename(&first, "name/one")).await;
    scene.ok("UpdatePolicy", rename(&first, "name/other")).await;
    let refused = scene
        .refused("GetPolicy", json!({"policyId": "name/one"}))
        .await;
    assert_eq!(refused.missing(), ("POLICY", "name/one"));
    scene.ok("UpdatePolicy", rename(&second, "name/one")).await;
    assert_eq!(by_name("name/one").await["policyId"], json!(second));

    // Left out it stays, the empty name removes it, deletion frees it.
    scene.ok("UpdatePolicy", redefinition(&second, ANY)).await;
    assert_eq!(by_name(&second).await["name"], "name/one");
    scene.ok("UpdatePolicy", rename(&second, "")).await;
    assert_eq!(by_name(&second).await.get("name"), None);
    scene.ok("DeletePolicy", json!({"policyId": first})).await;
    scene.create("CreatePolicy", named("name/other")).await;
    scene.create("CreatePolicy", named("name/one")).await;
    // An empty name is no name, for any number of policies.
    scene.create("CreatePolicy", named("")).await;
    scene.create("CreatePolicy", named("")).await;
}

#[tokio::test]
async fn a_policy_and_a_template_may_have_the_same_name() {
    let scene = Scene::off().await;
    let policy = scene.create("CreatePolicy", named("name/x")).await;
    let statement = "permit(principal == ?principal, action, resource == ?resource);";
    let template = json!({"statement": statement, "name": "name/x"});
    let template = scene.create("CreatePolicyTemplate", template).await;
    let got = scene.ok("GetPolicy", json!({"policyId": "name/x"})).await;
    assert_eq!(got["policyId"], json!(policy));
    let got = scene
        .ok("GetPolicyTemplate", json!({"policyTemplateId": "name/x"}))
        .await;
    assert_eq!(got["policyTemplateId"], json!(template));
    scene
        .ok(
            "DeletePolicyTemplate",
            json!({"policyTemplateId": "name/x"}),
        )
        .await;
    scene.ok("GetPolicy", json!({"policyId": "name/x"})).await;
}

#[tokio::test]
async fn a_name_has_its_prefix_and_something_after_it() {
    let scene = Scene::off().await;
    let id = scene.policy(ANY).await;
    let longest = format!("name/{}", "x".repeat(145));
    for name in [
        "x", "name", "name/", "Name/x", "/name/x", "name/ä", "name/a b", "name/\n",
    ] {
        let update = json!({"policyId": id, "name": name});
        for (operation, input) in [("CreatePolicy", named(name)), ("UpdatePolicy", update)] {
            let refused = scene.refused(operation, input).await;
            assert_eq!(refused.kind(), (400, "ValidationException"), "{name:?}");
            assert_eq!(refused.fields[0].0, "/name", "{name:?}");
        }
    }
    let refused = scene
        .refused("CreatePolicy", named(&format!("{longest}x")))
        .await;
    assert_eq!(refused.fields[0].0, "/name");
    scene.create("CreatePolicy", named(&longest)).await;
    scene.ok("GetPolicy", json!({"policyId": longest})).await;
}
