//! Policies that link a template.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{START, Scene, entity};

const BOTH: &str = "permit(principal == ?principal, action, resource == ?resource);";
const SECOND_LATER: &str = "2026-01-01T00:00:01.123456Z";

/// The input of UpdatePolicyTemplate.
pub(crate) fn update(template: &str, text: &str) -> Value {
    json!({"policyTemplateId": template, "statement": text})
}

/// The input of CreatePolicy for a link.
pub(crate) fn linked(arguments: &Value) -> Value {
    json!({"definition": {"templateLinked": arguments}})
}

/// The members of `templateLinked` for `App::User::"principal"` and `App::Doc::"resource"`.
pub(crate) fn arguments(template: &str, principal: Option<&str>, resource: Option<&str>) -> Value {
    let mut arguments = json!({"policyTemplateId": template});
    if let Some(id) = principal {
        arguments["principal"] = entity("App::User", id);
    }
    if let Some(id) = resource {
        arguments["resource"] = entity("App::Doc", id);
    }
    arguments
}

#[tokio::test]
async fn the_arguments_fill_exactly_the_slots() {
    let scene = Scene::off().await;
    let principal = scene
        .template(r#"permit(principal == ?principal, action, resource == App::Doc::"d");"#)
        .await;
    let resource = scene
        .template(r#"permit(principal == App::User::"u", action, resource in ?resource);"#)
        .await;
    let both = scene.template(BOTH).await;
    let (u, d) = (Some("u"), Some("d"));
    for (template, given, wrong) in [
        (&both, (u, None), vec!["resource"]),
        (&both, (None, d), vec!["principal"]),
        (&principal, (u, d), vec!["resource"]),
        (&principal, (None, d), vec!["principal"]),
        (&resource, (u, d), vec!["principal"]),
        (&resource, (u, None), vec!["principal"]),
        (&both, (u, d), vec![]),
        (&principal, (u, None), vec![]),
        (&resource, (None, d), vec![]),
    ] {
        let input = linked(&arguments(template, given.0, given.1));
        let Some(part) = wrong.first() else {
            scene.ok("CreatePolicy", input).await;
            continue;
        };
        let refused = scene.refused("CreatePolicy", input).await;
        let (path, text) = (
            format!("/definition/templateLinked/{part}"),
            format!("Invalid Parameter: {part}"),
        );
        refused.assert_invalid(&[(path.as_str(), text.as_str())]);
    }
    let refused = scene
        .refused("CreatePolicy", linked(&arguments(&both, None, None)))
        .await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert_eq!(
        refused.message,
        "No principal and no resource was provided. At least one must be provided"
    );
    let mut no_type = arguments(&principal, u, None);
    no_type["principal"]["entityType"] = json!("no type");
    let refused = scene.refused("CreatePolicy", linked(&no_type)).await;
    let path = "/definition/templateLinked/principal";
    refused.assert_invalid(&[(path, "Invalid Parameter: principal")]);
    let unknown = linked(&arguments("unknown", u, d));
    let refused = scene.refused("CreatePolicy", unknown).await;
    assert_eq!(refused.missing(), ("POLICY_TEMPLATE", "unknown"));
}

#[tokio::test]
async fn a_link_tells_its_templates_scope_with_the_slots_filled() {
    let (user, doc) = (entity("App::User", "u"), entity("App::Doc", "d"));
    let group = entity("App::Group", "g");
    let read = json!([{"actionType": "Action", "actionId": "read"}]);
    for (template, given, summary) in [
        (
            "forbid(principal == ?principal, action, resource == ?resource);",
            (true, true),
            json!({"effect": "Forbid", "principal": user, "resource": doc}),
        ),
        (
            r#"permit(principal in ?principal, action == Action::"read", resource == App::Doc::"d");"#,
            (true, false),
            json!({"effect": "Permit", "principal": user, "resource": doc, "actions": read}),
        ),
        (
            r#"permit(principal in App::Group::"g", action in [Action::"read"], resource in ?resource);"#,
            (false, true),
            json!({"effect": "Permit", "principal": group, "resource": doc, "actions": read}),
        ),
        (
            "permit(principal is App::User in ?principal, action, resource is App::Doc);",
            (true, false),
            json!({"effect": "Permit", "principal": user}),
        ),
        (
            r#"permit(principal is App::User in App::Group::"g", action, resource is App::Doc in ?resource);"#,
            (false, true),
            json!({"effect": "Permit", "principal": group, "resource": doc}),
        ),
    ] {
        let scene = Scene::off().await;
        let id = scene
            .create(
                "CreatePolicyTemplate",
                json!({"statement": template, "name": "name/t"}),
            )
            .await;
        let given = arguments(&id, given.0.then_some("u"), given.1.then_some("d"));
        let mut by_name = given.clone();
        by_name["policyTemplateId"] = json!("name/t");
        let created = scene.ok("CreatePolicy", linked(&by_name)).await;
        let mut expected = summary;
        expected["policyId"] = created["policyId"].clone();
        expected["policyType"] = json!("TEMPLATE_LINKED");
        expected["createdDate"] = json!(START);
        expected["lastUpdatedDate"] = json!(START);
        assert_eq!(created, expected, "{template}");
        expected["definition"] = json!({"templateLinked": given});
        let got = scene
            .ok("GetPolicy", json!({"policyId": created["policyId"]}))
            .await;
        assert_eq!(got, expected, "{template}");
        let items = json!([{"policyStoreId": scene.store, "policyId": created["policyId"]}]);
        let got = scene.ok("BatchGetPolicy", json!({"requests": items})).await;
        assert_eq!(
            got["results"][0]["definition"],
            json!({"templateLinked": given})
        );
    }
}

#[tokio::test]
async fn links_decide_as_their_template_says() {
    let scene = Scene::off().await;
    let template = scene
        .template("permit(principal is App::User in ?principal, action, resource == ?resource);")
        .await;
    let first = scene.link(arguments(&template, Some("u"), Some("d"))).await;
    let twin = scene.link(arguments(&template, Some("u"), Some("d"))).await;
    scene.allows(("u", "view", "d"), &[&first, &twin]).await;
    scene.allows(("u", "view", "e"), &[]).await;
    scene.allows(("v", "view", "d"), &[]).await;
    scene.ok("DeletePolicy", json!({"policyId": first})).await;
    scene.allows(("u", "view", "d"), &[&twin]).await;
}

#[tokio::test]
async fn a_changed_template_changes_its_links_at_once() {
    let scene = Scene::off().await;
    let only = |action: &str, rest: &str| {
        format!(
            r#"permit(principal == ?principal, action == App::Action::"{action}", resource == ?resource){rest};"#
        )
    };
    let template = scene.template(&only("view", "")).await;
    let link = scene.link(arguments(&template, Some("u"), Some("d"))).await;
    scene.allows(("u", "view", "d"), &[&link]).await;
    scene.app.clock().advance(Duration::from_secs(1));
    let updated = scene
        .ok("UpdatePolicyTemplate", update(&template, &only("edit", "")))
        .await;
    let dates = json!({
        "policyTemplateId": template, "createdDate": START, "lastUpdatedDate": SECOND_LATER,
    });
    assert_eq!(updated, dates);
    scene.allows(("u", "view", "d"), &[]).await;
    scene.allows(("u", "edit", "d"), &[&link]).await;
    let got = scene.ok("GetPolicy", json!({"policyId": link})).await;
    assert_eq!(
        got["actions"],
        json!([{"actionType": "App::Action", "actionId": "edit"}])
    );
    assert_eq!(got["lastUpdatedDate"], json!(START));
    let conditional = only("edit", " when { false }");
    scene
        .ok("UpdatePolicyTemplate", update(&template, &conditional))
        .await;
    scene.allows(("u", "edit", "d"), &[]).await;
    let got = scene
        .ok("GetPolicyTemplate", json!({"policyTemplateId": template}))
        .await;
    assert_eq!(got["statement"], json!(conditional));
}

#[tokio::test]
async fn a_deleted_template_takes_its_links_with_it() {
    let scene = Scene::off().await;
    let doomed = scene
        .create(
            "CreatePolicyTemplate",
            json!({"statement": BOTH, "name": "name/t"}),
        )
        .await;
    let other = scene.template(BOTH).await;
    let mut input = linked(&arguments(&doomed, Some("u"), Some("d")));
    input["name"] = json!("name/link");
    let link = scene.create("CreatePolicy", input).await;
    let kept = scene.link(arguments(&other, Some("u"), Some("d"))).await;
    let fixed = scene
        .policy(r#"permit(principal == App::User::"u", action, resource);"#)
        .await;
    scene
        .allows(("u", "view", "d"), &[&link, &kept, &fixed])
        .await;
    let deleted = scene
        .ok(
            "DeletePolicyTemplate",
            json!({"policyTemplateId": "name/t"}),
        )
        .await;
    assert_eq!(deleted, json!({}));
    scene.allows(("u", "view", "d"), &[&kept, &fixed]).await;
    for reference in [link.as_str(), "name/link"] {
        let refused = scene
            .refused("GetPolicy", json!({"policyId": reference}))
            .await;
        assert_eq!(refused.missing(), ("POLICY", reference));
    }
    for reference in [doomed.as_str(), "name/t"] {
        let input = json!({"policyTemplateId": reference, "statement": BOTH});
        for operation in [
            "GetPolicyTemplate",
            "UpdatePolicyTemplate",
            "DeletePolicyTemplate",
        ] {
            let refused = scene.refused(operation, input.clone()).await;
            assert_eq!(
                refused.missing(),
                ("POLICY_TEMPLATE", reference),
                "{operation}"
            );
        }
        let input = linked(&arguments(reference, Some("u"), Some("d")));
        let refused = scene.refused("CreatePolicy", input).await;
        assert_eq!(refused.missing(), ("POLICY_TEMPLATE", reference));
    }
    let listed = scene.ok("ListPolicies", json!({})).await;
    assert_eq!(listed["policies"].as_array().unwrap().len(), 2);
    // Both names are free again.
    scene
        .ok(
            "UpdatePolicy",
            json!({"policyId": kept, "name": "name/link"}),
        )
        .await;
    scene
        .ok(
            "UpdatePolicyTemplate",
            json!({"policyTemplateId": other, "statement": BOTH, "name": "name/t"}),
        )
        .await;
}
