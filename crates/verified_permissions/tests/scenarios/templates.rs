//! Policy templates.

use serde_json::{Value, json};
use verified_permissions::Options;

use crate::links::{arguments, linked, update};
use crate::scene::{START, Scene, documents, entity};

const BOTH: &str = "permit(principal == ?principal, action, resource == ?resource);";
const STATEMENT: &str = "/template/statement";

fn statement(text: &str) -> Value {
    json!({"statement": text})
}

#[tokio::test]
async fn a_template_comes_back_as_it_was_given() {
    let scene = Scene::off().await;
    let text = "// note\r\n@id(\"x\")\tpermit (principal in ?principal,action , resource == ?resource)  ;\n";
    let input = json!({"statement": text, "description": "text", "name": "name/t"});
    let created = scene.ok("CreatePolicyTemplate", input).await;
    let id = created["policyTemplateId"].clone();
    let dates = json!({"policyTemplateId": id, "createdDate": START, "lastUpdatedDate": START});
    assert_eq!(created, dates);
    for reference in [&id, &json!("name/t")] {
        let got = scene
            .ok("GetPolicyTemplate", json!({"policyTemplateId": reference}))
            .await;
        let expected = json!({
            "policyTemplateId": id, "statement": text, "description": "text", "name": "name/t",
            "createdDate": START, "lastUpdatedDate": START,
        });
        assert_eq!(got, expected);
    }
    let item = json!({
        "policyStoreId": scene.store, "policyTemplateId": id, "description": "text",
        "name": "name/t", "createdDate": START, "lastUpdatedDate": START,
    });
    let listed = scene.ok("ListPolicyTemplates", json!({})).await;
    assert_eq!(listed, json!({"policyTemplates": [item]}));
    let plain = scene.template(BOTH).await;
    let got = scene
        .ok("GetPolicyTemplate", json!({"policyTemplateId": plain}))
        .await;
    let expected = json!({
        "policyTemplateId": plain, "statement": BOTH, "createdDate": START, "lastUpdatedDate": START,
    });
    assert_eq!(got, expected);
}

#[tokio::test]
async fn a_template_has_slots_where_they_belong() {
    let scene = Scene::off().await;
    let no_slot = r#"permit(principal == App::User::"u", action, resource == App::Doc::"d");"#;
    let refused = scene
        .refused("CreatePolicyTemplate", statement(no_slot))
        .await;
    refused.assert_invalid(&[(STATEMENT, "expected a template, got a static policy")]);
    let not_a_policy = "Failed to validate policy body.";
    let refused = scene
        .refused("CreatePolicyTemplate", statement(&BOTH.repeat(2)))
        .await;
    refused.assert_invalid(&[(STATEMENT, not_a_policy)]);
    for text in [
        "permit(principal == ?resource, action, resource == ?resource);",
        "permit(principal == ?principal, action == ?action, resource == ?resource);",
        "permit(principal == ?principal, action, resource == ?resource) when { ?principal == principal };",
        "permit(principal == ?other, action, resource == ?resource);",
        "permit(principal == ?principal, action, resource == ?resource)",
    ] {
        let refused = scene.refused("CreatePolicyTemplate", statement(text)).await;
        assert_eq!(refused.kind(), (400, "ValidationException"), "{text}");
        assert_eq!(
            refused.fields[0],
            (STATEMENT.to_owned(), not_a_policy.to_owned()),
            "{text}"
        );
        assert!(
            refused.fields.iter().all(|(path, _)| path == STATEMENT),
            "{text}"
        );
    }
    assert_eq!(
        scene.ok("ListPolicyTemplates", json!({})).await,
        json!({"policyTemplates": []})
    );
}

#[tokio::test]
async fn an_open_scope_is_refused_unless_it_is_switched_on() {
    let open = [
        (
            "principal",
            "permit(principal, action, resource == ?resource);",
        ),
        (
            "resource",
            "permit(principal in ?principal, action, resource);",
        ),
    ];
    let scene = Scene::off().await;
    for (part, text) in open {
        let refused = scene.refused("CreatePolicyTemplate", statement(text)).await;
        let text = format!("The {part} of a policy template's scope must be constrained.");
        refused.assert_invalid(&[(STATEMENT, text.as_str())]);
    }
    scene
        .template("permit(principal is App::User, action, resource == ?resource);")
        .await;

    let options = Options {
        allow_unconstrained_template_scope: true,
        ..Options::default()
    };
    let scene = Scene::with(options).await;
    for (part, text) in open {
        let template = scene.template(text).await;
        let (principal, resource) = match part {
            "principal" => (None, Some("d")),
            _ => (Some("u"), None),
        };
        let link = scene.link(arguments(&template, principal, resource)).await;
        let got = scene.ok("GetPolicy", json!({"policyId": link})).await;
        assert_eq!(got.get(part), None);
        scene.allows(("u", "view", "d"), &[&link]).await;
        scene
            .ok(
                "UpdatePolicyTemplate",
                update(&template, &format!("{text} // new")),
            )
            .await;
        scene
            .ok(
                "DeletePolicyTemplate",
                json!({"policyTemplateId": template}),
            )
            .await;
    }
}

#[tokio::test]
async fn a_template_keeps_its_effect_and_its_principal_and_resource_scope() {
    let scene = Scene::off().await;
    let text = |effect: &str, principal: &str, resource: &str| {
        format!("{effect}(principal {principal}, action, resource {resource});")
    };
    let template = scene
        .template(&text("permit", "== ?principal", r#"in A::"a""#))
        .await;
    for (parts, new) in [
        (
            vec![],
            text("permit", "==\n?principal", r#"in A :: "\u{61}""#),
        ),
        (
            vec!["effect"],
            text("forbid", "== ?principal", r#"in A::"a""#),
        ),
        (
            vec!["principal"],
            text("permit", "in ?principal", r#"in A::"a""#),
        ),
        (
            vec!["principal"],
            text("permit", "is A in ?principal", r#"in A::"a""#),
        ),
        (
            vec!["principal", "resource"],
            text("permit", r#"== A::"a""#, "in ?resource"),
        ),
        (
            vec!["resource"],
            text("permit", "== ?principal", r#"== A::"a""#),
        ),
        (
            vec!["resource"],
            text("permit", "== ?principal", "in ?resource"),
        ),
        (
            vec!["resource"],
            text("permit", "== ?principal", r#"in A::"b""#),
        ),
        (vec!["resource"], text("permit", "== ?principal", "")),
    ] {
        let input = update(&template, &new);
        if parts.is_empty() {
            scene.ok("UpdatePolicyTemplate", input).await;
            continue;
        }
        let refused = scene.refused("UpdatePolicyTemplate", input).await;
        let texts: Vec<_> = parts
            .iter()
            .map(|part| format!("You can't change the {part} of an existing policy template."))
            .collect();
        let fields: Vec<_> = texts
            .iter()
            .map(|text| (STATEMENT, text.as_str()))
            .collect();
        refused.assert_invalid(&fields);
    }
    let fixed = r#"permit(principal == A::"a", action, resource in A::"a");"#;
    let refused = scene
        .refused("UpdatePolicyTemplate", update(&template, fixed))
        .await;
    refused.assert_invalid(&[(STATEMENT, "expected a template, got a static policy")]);
}

#[tokio::test]
async fn strict_mode_validates_templates_and_links() {
    let scene = Scene::strict(&documents()).await;
    let text = |rest: &str| {
        format!(
            r#"permit(principal in ?principal, action == App::Action::"view", resource == ?resource){rest};"#
        )
    };
    let missing = "for policy `policy0`, attribute `name` on entity type `App::User` not found";
    let bad = text(r#" when { principal.name == "x" }"#);
    let refused = scene.refused("CreatePolicyTemplate", statement(&bad)).await;
    refused.assert_invalid(&[("/definition", missing)]);
    let template = scene.template(&text("")).await;
    let refused = scene
        .refused("UpdatePolicyTemplate", update(&template, &bad))
        .await;
    refused.assert_invalid(&[("/definition", missing)]);

    let link = scene.link(arguments(&template, Some("u"), Some("d"))).await;
    scene.allows(("u", "view", "d"), &[&link]).await;
    let mut inapplicable = arguments(&template, Some("u"), Some("d"));
    inapplicable["resource"] = entity("App::Folder", "f");
    let refused = scene.refused("CreatePolicy", linked(&inapplicable)).await;
    let text = "for policy `policy0`, unable to find an applicable action given the policy scope constraints";
    refused.assert_invalid(&[("/definition", text)]);
    let mut unknown = arguments(&template, Some("u"), Some("d"));
    unknown["principal"] = entity("Robot", "r");
    let refused = scene.refused("CreatePolicy", linked(&unknown)).await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert!(
        refused
            .fields
            .iter()
            .any(|(path, text)| path == "/definition"
                && text.ends_with("unrecognized entity type `Robot`"))
    );

    let off = json!({"validationSettings": {"mode": "OFF"}});
    scene.ok("UpdatePolicyStore", off).await;
    scene
        .ok("UpdatePolicyTemplate", update(&template, &bad))
        .await;
    scene.ok("CreatePolicy", linked(&unknown)).await;
}

#[tokio::test]
async fn a_description_and_a_name_change_apart_from_the_text() {
    let scene = Scene::off().await;
    let template = scene.template(BOTH).await;
    for (change, description, name) in [
        (json!({"description": "one"}), json!("one"), Value::Null),
        (json!({"name": "name/a"}), json!("one"), json!("name/a")),
        (json!({"name": "name/b"}), json!("one"), json!("name/b")),
        (json!({"description": ""}), Value::Null, json!("name/b")),
        (json!({"name": ""}), Value::Null, Value::Null),
    ] {
        let mut input = update(&template, BOTH);
        input
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        scene.ok("UpdatePolicyTemplate", input).await;
        let got = scene
            .ok("GetPolicyTemplate", json!({"policyTemplateId": template}))
            .await;
        assert_eq!(
            (&got["description"], &got["name"]),
            (&description, &name),
            "{change}"
        );
    }
    let named = json!({"statement": BOTH, "name": "name/a"});
    let holder = scene.create("CreatePolicyTemplate", named.clone()).await;
    let refused = scene.refused("CreatePolicyTemplate", named).await;
    assert_eq!(refused.conflict(), ("POLICY_TEMPLATE", holder.as_str()));
    let mut input = update(&template, BOTH);
    input["name"] = json!("name/a");
    let refused = scene.refused("UpdatePolicyTemplate", input).await;
    assert_eq!(refused.conflict(), ("POLICY_TEMPLATE", holder.as_str()));
}
