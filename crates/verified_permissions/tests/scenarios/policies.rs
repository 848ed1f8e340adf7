//! Policies: created, read, updated, deleted.

use serde_json::{Value, json};

use crate::scene::{START, Scene, definition, documents, entity, redefinition};

const ANY: &str = "permit(principal, action, resource);";
const STATEMENT: &str = "/definition/static/statement";
const NOT_A_POLICY: &str = "Failed to validate policy body.";

fn actions(ids: &[(&str, &str)]) -> Value {
    ids.iter()
        .map(|(kind, id)| json!({"actionType": kind, "actionId": id}))
        .collect()
}

/// Statements, and what their scopes say: effect, principal, resource and actions.
fn scopes() -> Vec<(&'static str, Value)> {
    let user = entity("User", "a");
    let group = entity("Org::Group", "g");
    vec![
        (ANY, json!({"effect": "Permit"})),
        (
            "forbid(principal, action, resource);",
            json!({"effect": "Forbid"}),
        ),
        (
            r#"permit(principal == User::"a", action, resource);"#,
            json!({"effect": "Permit", "principal": user}),
        ),
        (
            r#"permit(principal in Org::Group::"g", action, resource);"#,
            json!({"effect": "Permit", "principal": group}),
        ),
        (
            "permit(principal is Org::User, action, resource);",
            json!({"effect": "Permit"}),
        ),
        (
            r#"permit(principal is User in Org::Group::"g", action, resource);"#,
            json!({"effect": "Permit", "principal": group}),
        ),
        (
            r#"permit(principal, action, resource == User::"a");"#,
            json!({"effect": "Permit", "resource": user}),
        ),
        (
            r#"permit(principal, action, resource in Org::Group::"g");"#,
            json!({"effect": "Permit", "resource": group}),
        ),
        (
            "permit(principal, action, resource is Org::User);",
            json!({"effect": "Permit"}),
        ),
        (
            r#"permit(principal, action, resource is User in Org::Group::"g");"#,
            json!({"effect": "Permit", "resource": group}),
        ),
        (
            r#"permit(principal, action == Action::"read", resource);"#,
            json!({"effect": "Permit", "actions": actions(&[("Action", "read")])}),
        ),
        (
            r#"permit(principal, action in Org::Action::"all", resource);"#,
            json!({"effect": "Permit", "actions": actions(&[("Org::Action", "all")])}),
        ),
        (
            r#"permit(principal, action in [Action::"b", Org::Action::"a"], resource);"#,
            json!({
                "effect": "Permit",
                "actions": actions(&[("Action", "b"), ("Org::Action", "a")]),
            }),
        ),
        (
            r#"forbid(principal == User::"a", action == Action::"x", resource in Org::Group::"g") when { true } unless { false };"#,
            json!({
                "effect": "Forbid",
                "principal": user,
                "resource": group,
                "actions": actions(&[("Action", "x")]),
            }),
        ),
        (
            r#"permit(principal == User::"a \"quote\" \\ \n \u{e9}\0", action, resource == Doc::"日本");"#,
            json!({
                "effect": "Permit",
                "principal": entity("User", "a \"quote\" \\ \n é\0"),
                "resource": entity("Doc", "日本"),
            }),
        ),
    ]
}

#[tokio::test]
async fn every_output_tells_what_the_scope_says() {
    let scene = Scene::off().await;
    for (statement, summary) in scopes() {
        let mut expected = summary;
        expected["policyType"] = json!("STATIC");
        expected["createdDate"] = json!(START);
        expected["lastUpdatedDate"] = json!(START);
        let created = scene.ok("CreatePolicy", definition(statement)).await;
        let id = created["policyId"].clone();
        expected["policyId"] = id.clone();
        assert_eq!(created, expected, "{statement}");
        let update = redefinition(id.as_str().unwrap(), statement);
        assert_eq!(
            scene.ok("UpdatePolicy", update).await,
            expected,
            "{statement}"
        );

        expected["definition"] = json!({"static": {"statement": statement}});
        let got = scene.ok("GetPolicy", json!({"policyId": id})).await;
        assert_eq!(got, expected, "{statement}");

        expected["definition"] = json!({"static": {}});
        expected["policyStoreId"] = json!(scene.store);
        let listed = scene.ok("ListPolicies", json!({})).await;
        assert_eq!(listed, json!({"policies": [expected]}), "{statement}");
        scene.ok("DeletePolicy", json!({"policyId": id})).await;
    }
}

#[tokio::test]
async fn a_statement_comes_back_byte_for_byte() {
    let scene = Scene::off().await;
    for statement in [
        ANY,
        "permit (  principal\n,action , resource in Album:: \"test_album\" )  ;",
        "\n\n  permit(principal,action,resource);  \n",
        "permit(principal,\r\n\taction,\r\n\tresource\r\n);\r\n",
        "// first\n@id(\"my policy\")\n@note(\"x\") @empty\npermit(principal, action, resource); // last",
        "permit(principal, action, resource) when { context[\"名\"] == \"\\u{1F600} 😀\" };",
        "permit(principal, action, resource) when { \"a\\0b\" like \"*\\**\" };",
        "permit(principal, action, resource) when { true } ; // \u{0} NUL in a comment",
    ] {
        let id = scene.policy(statement).await;
        let got = scene.ok("GetPolicy", json!({"policyId": id})).await;
        assert_eq!(got["definition"]["static"]["statement"], json!(statement));
        let items = json!([{"policyStoreId": scene.store, "policyId": id}]);
        let got = scene.ok("BatchGetPolicy", json!({"requests": items})).await;
        assert_eq!(
            got["results"][0]["definition"]["static"]["statement"],
            json!(statement)
        );
    }
}

#[tokio::test]
async fn a_statement_that_is_not_one_policy_is_refused_in_every_mode() {
    for scene in [Scene::off().await, Scene::strict(&documents()).await] {
        let two = [ANY, ANY].join("\n");
        for statement in [&two, "// nothing", " "] {
            let refused = scene.refused("CreatePolicy", definition(statement)).await;
            refused.assert_invalid(&[(STATEMENT, NOT_A_POLICY)]);
        }
        for (slot, statement) in [
            (
                "?principal",
                "permit(principal == ?principal, action, resource);",
            ),
            (
                "?resource",
                "permit(principal, action, resource in ?resource);",
            ),
        ] {
            let refused = scene.refused("CreatePolicy", definition(statement)).await;
            let text =
                format!("expected a static policy, got a template containing the slot {slot}");
            refused.assert_invalid(&[(STATEMENT, text.as_str())]);
        }
        for statement in [
            "permit(principal, action)",
            "permit(principal, action, resource)",
            "allow(principal, action, resource);",
            "permit(principal, action, resource) when { };",
            "permit(principal, action, resource) when { principal.x = 1 };",
            "permit(principal == ?resource, action, resource);",
            "permit(principal, action is Action, resource);",
            "permit(principal, action, resource) when { !!!!!true };",
            "permit(principal, action, resource); /* no such comment */",
        ] {
            let refused = scene.refused("CreatePolicy", definition(statement)).await;
            assert_eq!(refused.kind(), (400, "ValidationException"), "{statement}");
            let first = (STATEMENT.to_owned(), NOT_A_POLICY.to_owned());
            assert_eq!(refused.fields[0], first, "{statement}");
            assert!(refused.fields.iter().all(|(path, _)| path == STATEMENT));
            assert!(
                refused.fields.len() > 1,
                "Cedar's own text is missing: {statement}"
            );
        }
        assert_eq!(
            scene.ok("ListPolicies", json!({})).await,
            json!({"policies": []})
        );
    }
}

#[tokio::test]
async fn strict_mode_refuses_with_cedars_texts() {
    let scene = Scene::strict(&documents()).await;
    let inapplicable = "for policy `policy0`, unable to find an applicable action given the policy scope constraints";
    let cases: [(&str, &[&str]); 9] = [
        (
            r#"permit(principal, action == App::Action::"delete", resource);"#,
            &[
                "for policy `policy0`, unrecognized action `App::Action::\"delete\"`",
                inapplicable,
            ],
        ),
        (
            r#"permit(principal == App::Doc::"d", action == App::Action::"view", resource);"#,
            &[inapplicable],
        ),
        (
            "permit(principal is App::Robot, action, resource);",
            &[
                "for policy `policy0`, unrecognized entity type `App::Robot`",
                inapplicable,
            ],
        ),
        (
            r#"permit(principal, action == App::Action::"view", resource) when { principal.name == "x" };"#,
            &["for policy `policy0`, attribute `name` on entity type `App::User` not found"],
        ),
        (
            r#"permit(principal, action == App::Action::"view", resource) when { principal.email == "x" };"#,
            &[
                "for policy `policy0`, unable to guarantee safety of access to optional attribute `email` on entity type `App::User`",
            ],
        ),
        (
            r#"permit(principal, action == App::Action::"view", resource) when { principal.level == "1" };"#,
            &["the types Long and String are not compatible"],
        ),
        (
            r#"permit(principal, action == App::Action::"view", resource) when { principal.level };"#,
            &["for policy `policy0`, unexpected type: expected Bool but saw Long"],
        ),
        (
            r#"permit(principal, action == App::Action::"view", resource) when { [] == [] };"#,
            &["for policy `policy0`, empty set literals are forbidden in policies"; 2],
        ),
        (
            r#"permit(principal, action == App::Action::"view", resource) when { ip("x") == ip("1.1.1.1") };"#,
            &[
                "for policy `policy0`, error during extension function argument validation: failed to parse as IP address: `\"x\"`",
            ],
        ),
    ];
    for (statement, texts) in cases {
        let refused = scene.refused("CreatePolicy", definition(statement)).await;
        let expected: Vec<_> = texts.iter().map(|text| ("/definition", *text)).collect();
        refused.assert_invalid(&expected);
    }
    assert_eq!(
        scene.ok("ListPolicies", json!({})).await,
        json!({"policies": []})
    );
    let impossible =
        r#"permit(principal, action == App::Action::"view", resource) when { false };"#;
    scene.policy(impossible).await;
    scene
        .policy(r#"permit(principal, action in App::Action::"all", resource);"#)
        .await;
}

#[tokio::test]
async fn strict_mode_without_a_schema_refuses_everything() {
    let app = testkit::App::new();
    let mode = aws_sdk_verifiedpermissions::types::ValidationMode::Strict;
    let scene = Scene::new(app, mode).await;
    let text = "No schema present - automatically failing all validation.";
    let refused = scene.refused("CreatePolicy", definition(ANY)).await;
    refused.assert_invalid(&[("/definition", text)]);

    scene
        .ok("PutSchema", json!({"definition": {"cedarJson": "{}"}}))
        .await;
    let text = "for policy `policy0`, unable to find an applicable action given the policy scope constraints";
    let refused = scene.refused("CreatePolicy", definition(ANY)).await;
    refused.assert_invalid(&[("/definition", text)]);

    let off = json!({"validationSettings": {"mode": "OFF"}});
    scene.ok("UpdatePolicyStore", off).await;
    scene.policy(ANY).await;
}

#[tokio::test]
async fn an_update_is_validated_against_the_schema_of_now() {
    let scene = Scene::strict(&documents()).await;
    let statement = r#"permit(principal, action == App::Action::"edit", resource);"#;
    let id = scene.policy(statement).await;
    let mut schema = documents();
    schema["App"]["actions"]
        .as_object_mut()
        .unwrap()
        .remove("edit");
    let put = json!({"definition": {"cedarJson": schema.to_string()}});
    scene.ok("PutSchema", put).await;
    scene.allows(("a", "edit", "d"), &[&id]).await;
    let refused = scene
        .refused("UpdatePolicy", redefinition(&id, statement))
        .await;
    assert_eq!(
        refused.fields[0],
        (
            "/definition".to_owned(),
            "for policy `policy0`, unrecognized action `App::Action::\"edit\"`".to_owned()
        )
    );
    let view = r#"permit(principal, action == App::Action::"view", resource);"#;
    scene.ok("UpdatePolicy", redefinition(&id, view)).await;
    scene.allows(("a", "edit", "d"), &[]).await;
    scene.allows(("a", "view", "d"), &[&id]).await;
}

#[tokio::test]
async fn a_deleted_policy_is_gone_and_deleting_it_again_is_no_error() {
    let scene = Scene::off().await;
    let id = scene.policy(ANY).await;
    for _ in 0..2 {
        assert_eq!(
            scene.ok("DeletePolicy", json!({"policyId": id})).await,
            json!({})
        );
        let refused = scene.refused("GetPolicy", json!({"policyId": id})).await;
        assert_eq!(refused.missing(), ("POLICY", id.as_str()));
        let refused = scene.refused("UpdatePolicy", redefinition(&id, ANY)).await;
        assert_eq!(refused.missing(), ("POLICY", id.as_str()));
    }
    scene
        .ok("DeletePolicy", json!({"policyId": "never-was"}))
        .await;
    scene
        .ok("DeletePolicy", json!({"policyId": "name/never-was"}))
        .await;
}

#[tokio::test]
async fn a_policy_of_another_policy_store_is_not_found() {
    let scene = Scene::off().await;
    let id = scene.policy(ANY).await;
    let store = crate::common::store_off(&scene.client).await;
    let other = Scene { store, ..scene };
    let refused = other.refused("GetPolicy", json!({"policyId": id})).await;
    assert_eq!(refused.missing(), ("POLICY", id.as_str()));
    other.ok("DeletePolicy", json!({"policyId": id})).await;
    other.allows(("a", "b", "c"), &[]).await;
    let nowhere = Scene {
        store: "nowhere".to_owned(),
        ..other
    };
    for (operation, input) in [
        ("CreatePolicy", definition(ANY)),
        ("GetPolicy", json!({"policyId": id})),
        ("UpdatePolicy", redefinition(&id, ANY)),
        ("DeletePolicy", json!({"policyId": id})),
        ("ListPolicies", json!({})),
        ("IsAuthorized", json!({})),
    ] {
        let refused = nowhere.refused(operation, input).await;
        assert_eq!(
            refused.missing(),
            ("POLICY_STORE", "nowhere"),
            "{operation}"
        );
    }
}
