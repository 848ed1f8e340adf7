//! BatchIsAuthorized: many questions in one call.

use serde_json::{Value, json};

use crate::scene::{Scene, entity, question};

/// Questions about `u`, `view` and `d` and others, as items of a batch.
fn item(principal: &str, action: &str, resource: &str) -> Value {
    question(principal, action, resource)
}

fn batch(requests: &[Value]) -> Value {
    json!({"requests": requests})
}

#[tokio::test]
async fn every_question_has_its_answer_in_its_place() {
    let scene = Scene::off().await;
    let view = scene
        .policy(r#"permit(principal == App::User::"u", action == App::Action::"view", resource);"#)
        .await;
    let forbid = scene
        .policy(r#"forbid(principal, action, resource == App::Doc::"secret") when { context.x };"#)
        .await;
    let mut secret = item("u", "view", "secret");
    secret["context"] = json!({"contextMap": {"x": {"boolean": true}}});
    let mut cedar = item("u", "view", "secret");
    cedar["context"] = json!({"cedarJson": r#"{ "x" : false }"#});
    let failing = item("u", "view", "secret");
    let no_action = json!({"principal": entity("App::User", "u"), "resource": entity("A", "b")});
    let requests = [
        item("u", "view", "d"),
        item("u", "edit", "d"),
        secret,
        cedar,
        failing,
        no_action,
    ];
    let answer = scene.ok("BatchIsAuthorized", batch(&requests)).await;
    let error =
        format!("error while evaluating policy `{forbid}`: record does not have the attribute `x`");
    let result = |at: usize, decision: &str, policies: &[&String], errors: &[&String]| {
        let policies: Vec<_> = policies.iter().map(|id| json!({"policyId": id})).collect();
        let errors: Vec<_> = errors
            .iter()
            .map(|text| json!({"errorDescription": text}))
            .collect();
        json!({
            "request": requests[at], "decision": decision,
            "determiningPolicies": policies, "errors": errors,
        })
    };
    let expected = [
        result(0, "ALLOW", &[&view], &[]),
        result(1, "DENY", &[], &[]),
        result(2, "DENY", &[&forbid], &[]),
        result(3, "ALLOW", &[&view], &[]),
        result(4, "ALLOW", &[&view], &[&error]),
        result(5, "DENY", &[], &[]),
    ];
    assert_eq!(answer, json!({"results": expected}));
}

#[tokio::test]
async fn the_questions_share_their_entities() {
    let scene = Scene::off().await;
    let id = scene
        .policy(r#"permit(principal in App::Group::"g", action, resource);"#)
        .await;
    let member =
        json!({"identifier": entity("App::User", "u"), "parents": [entity("App::Group", "g")]});
    let mut input = batch(&[item("u", "view", "d"), item("v", "view", "d")]);
    input["entities"] = json!({"entityList": [member]});
    let answer = scene.ok("BatchIsAuthorized", input).await;
    assert_eq!(
        answer["results"][0]["determiningPolicies"],
        json!([{"policyId": id}])
    );
    assert_eq!(answer["results"][1]["decision"], "DENY");
}

#[tokio::test]
async fn all_principals_or_all_resources_are_the_same() {
    let scene = Scene::off().await;
    let without = |part: &str| {
        let mut item = item("u", "view", "d");
        item.as_object_mut().unwrap().remove(part);
        item
    };
    let text = "The requests of a batch must all have the same principal or the same resource.";
    for (requests, accepted) in [
        (vec![item("u", "view", "d")], true),
        (
            vec![
                item("u", "view", "d"),
                item("u", "edit", "e"),
                item("u", "view", "f"),
            ],
            true,
        ),
        (
            vec![
                item("u", "view", "d"),
                item("v", "edit", "d"),
                item("w", "view", "d"),
            ],
            true,
        ),
        (vec![item("u", "view", "d"), item("v", "view", "e")], false),
        (
            vec![
                item("u", "view", "d"),
                item("u", "view", "e"),
                item("v", "view", "e"),
            ],
            false,
        ),
        (vec![without("principal"), without("principal")], true),
        (vec![without("principal"), item("u", "view", "d")], true),
        (vec![without("principal"), item("u", "view", "e")], false),
        (vec![without("resource"), item("u", "view", "e")], true),
    ] {
        let input = batch(&requests);
        if accepted {
            let answer = scene.ok("BatchIsAuthorized", input).await;
            assert_eq!(answer["results"].as_array().unwrap().len(), requests.len());
        } else {
            let refused = scene.refused("BatchIsAuthorized", input).await;
            refused.assert_invalid(&[("/requests", text)]);
        }
    }
}

#[tokio::test]
async fn a_batch_has_1_to_30_questions() {
    let scene = Scene::off().await;
    let questions: Vec<_> = (0..31)
        .map(|at| item("u", "view", &at.to_string()))
        .collect();
    for n in [1, 30] {
        let answer = scene.ok("BatchIsAuthorized", batch(&questions[..n])).await;
        assert_eq!(answer["results"].as_array().unwrap().len(), n);
    }
    for n in [0, 31] {
        let refused = scene
            .refused("BatchIsAuthorized", batch(&questions[..n]))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, "/requests");
    }
}

#[tokio::test]
async fn a_bad_question_refuses_the_batch_with_its_place() {
    let scene = Scene::off().await;
    let good = item("u", "view", "d");
    let mut bad_type = item("u", "view", "e");
    bad_type["resource"]["entityType"] = json!("no type");
    let mut bad_context = item("u", "view", "e");
    bad_context["context"] = json!({"contextMap": {"v": {"ipaddr": "1.2"}}});
    let mut bad_json = item("u", "view", "e");
    bad_json["context"] = json!({"cedarJson": "["});
    for (bad, path) in [
        (bad_type, "/requests/1/resource/entityType"),
        (bad_context, "/requests/1/context/contextMap"),
        (bad_json, "/requests/1/context/cedarJson"),
    ] {
        let refused = scene
            .refused("BatchIsAuthorized", batch(&[good.clone(), bad]))
            .await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, path);
    }
}
