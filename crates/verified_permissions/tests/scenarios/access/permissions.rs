//! What every operation asks of IAM: its actions on its resources, no more and no less.

use serde_json::{Value, json};
use testkit::{ADMIN, LIMITED, LIMITED_ARN, OTHER_ACCOUNT, limited_to};

use super::operations::OPERATIONS;
use super::{ALIAS, World};
use crate::common::{call, call_ok};

/// An action without its service prefix, and the resource that it is asked for.
type Needed = (&'static str, fn(&World) -> String);

fn store(world: &World) -> String {
    world.arn.as_str().unwrap().to_owned()
}

fn all(_: &World) -> String {
    "*".to_owned()
}

fn alias(_: &World) -> String {
    format!(
        "arn:aws:verifiedpermissions:us-east-1:{}:{ALIAS}",
        ADMIN.account
    )
}

fn new_alias(world: &World) -> String {
    alias(world).replace("ours", "new")
}

/// The permissions of the operations whose action is not called as they are, or is not asked for
/// the policy store alone.
fn needed(operation: &'static str) -> Vec<Needed> {
    match operation {
        "BatchGetPolicy" => vec![("GetPolicy", store)],
        "BatchIsAuthorized" => vec![("IsAuthorized", store)],
        "BatchIsAuthorizedWithToken" => vec![("IsAuthorizedWithToken", store)],
        "CreatePolicyStore" | "ListPolicyStores" | "ListPolicyStoreAliases" => {
            vec![(operation, all)]
        }
        "CreatePolicyStoreAlias" => vec![(operation, new_alias), (operation, store)],
        "GetPolicyStoreAlias" | "DeletePolicyStoreAlias" => vec![(operation, alias)],
        _ => vec![(operation, store)],
    }
}

fn statement(world: &World, (action, resource): &Needed) -> Value {
    json!({
        "Effect": "Allow",
        "Action": format!("verifiedpermissions:{action}"),
        "Resource": resource(world),
    })
}

fn assert_refused(answer: &(u16, Value), world: &World, (action, resource): &Needed, what: &str) {
    let resource = resource(world);
    let expected = json!({
        "__type": "AccessDeniedException",
        "message": format!(
            "User: {LIMITED_ARN} is not authorized to perform: verifiedpermissions:{action} on \
             resource: {resource} because no identity-based policy allows the \
             verifiedpermissions:{action} action"
        ),
    });
    assert_eq!(*answer, (403, expected), "{what}");
}

#[tokio::test]
async fn every_operation_needs_exactly_its_permissions() {
    for (operation, input, _) in OPERATIONS {
        let world = World::new().await;
        let input = input(&world);
        let needed = needed(operation);
        for (at, missing) in needed.iter().enumerate() {
            let others = needed.iter().enumerate().filter(|(other, _)| *other != at);
            let statements: Vec<Value> = others.map(|(_, one)| statement(&world, one)).collect();
            world.app.reload(&limited_to(&json!(statements)));
            let before = world.state().await;
            let answer = call(&world.app, LIMITED, operation, &input).await;
            assert_refused(&answer, &world, missing, operation);
            assert_eq!(world.state().await, before, "{operation}");
        }
        let statements: Vec<Value> = needed.iter().map(|one| statement(&world, one)).collect();
        world.app.reload(&limited_to(&json!(statements)));
        let (status, body) = call(&world.app, LIMITED, operation, &input).await;
        assert_eq!(status, 200, "{operation}: {body}");
    }
}

#[tokio::test]
async fn an_alias_needs_permission_to_see_it_besides_the_store_it_stands_for() {
    let world = World::new().await;
    let input = json!({"policyStoreId": ALIAS});
    let (see, get): (Needed, Needed) = (("GetPolicyStoreAlias", alias), ("GetPolicyStore", store));
    for (allowed, missing) in [(&get, &see), (&see, &get)] {
        world
            .app
            .reload(&limited_to(&json!([statement(&world, allowed)])));
        let answer = call(&world.app, LIMITED, "GetPolicyStore", &input).await;
        assert_refused(&answer, &world, missing, "GetPolicyStore");
    }
    world.app.reload(&limited_to(&json!([
        statement(&world, &see),
        statement(&world, &get)
    ])));
    let (status, body) = call(&world.app, LIMITED, "GetPolicyStore", &input).await;
    assert_eq!((status, &body["policyStoreId"]), (200, &world.store));
    // What does not exist is told only to those who may look.
    let unknown = json!({"policyStoreId": "policy-store-alias/unknown"});
    assert_eq!(
        call(&world.app, LIMITED, "GetPolicyStore", &unknown)
            .await
            .0,
        403
    );
    assert_eq!(
        call(&world.app, ADMIN, "GetPolicyStore", &unknown).await.0,
        404
    );
}

#[tokio::test]
async fn tags_of_the_store_and_of_the_request_are_condition_keys() {
    let world = World::new().await;
    let by_tag = |key: &str, value: &str| {
        json!([{
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": { "StringEquals": { key: value } },
        }])
    };
    let get = json!({"policyStoreId": world.store});
    for (key, value, status) in [
        ("aws:ResourceTag/a", "b", 200),
        ("aws:ResourceTag/A", "b", 200),
        ("aws:ResourceTag/a", "c", 403),
        ("aws:ResourceTag/z", "b", 403),
    ] {
        world.app.reload(&limited_to(&by_tag(key, value)));
        let answer = call(&world.app, LIMITED, "GetPolicyStore", &get).await;
        assert_eq!(answer.0, status, "{key} {value}");
    }
    let tag = json!({"resourceArn": world.arn, "tags": {"team": "blue"}});
    for (key, value, status) in [
        ("aws:RequestTag/team", "blue", 200),
        ("aws:RequestTag/team", "red", 403),
        ("aws:ResourceTag/team", "blue", 200),
    ] {
        world.app.reload(&limited_to(&by_tag(key, value)));
        let answer = call(&world.app, LIMITED, "TagResource", &tag).await;
        assert_eq!(answer.0, status, "{key} {value}");
    }
    let keys = json!([{
        "Effect": "Allow", "Action": "verifiedpermissions:UntagResource", "Resource": "*",
        "Condition": { "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] } },
    }]);
    world.app.reload(&limited_to(&keys));
    for (keys, status) in [(json!(["team"]), 200), (json!(["team", "a"]), 403)] {
        let input = json!({"resourceArn": world.arn, "tagKeys": keys});
        let answer = call(&world.app, LIMITED, "UntagResource", &input).await;
        assert_eq!(answer.0, status, "{keys}");
    }
}

#[tokio::test]
async fn a_batch_is_refused_as_a_whole() {
    let world = World::new().await;
    let created = json!({"validationSettings": {"mode": "OFF"}});
    let other = call_ok(&world.app, "CreatePolicyStore", &created).await;
    let item = |store: &Value| json!({"policyStoreId": store, "policyId": world.policy});
    let input = json!({"requests": [item(&world.store), item(&other["policyStoreId"])]});
    let allowed = statement(&world, &("GetPolicy", store));
    world.app.reload(&limited_to(&json!([allowed])));
    let (status, body) = call(&world.app, LIMITED, "BatchGetPolicy", &input).await;
    assert_eq!(
        (status, &body["__type"]),
        (403, &json!("AccessDeniedException"))
    );
    let message = body["message"].as_str().unwrap();
    assert!(
        message.contains(other["arn"].as_str().unwrap()),
        "{message}"
    );
}

#[tokio::test]
async fn a_refusal_stands_in_the_decision_log() {
    let world = World::new().await;
    world.app.reload(&limited_to(&json!([{
        "Sid": "NoStores", "Effect": "Deny", "Action": "*", "Resource": "*",
    }])));
    let input = json!({"policyStoreId": world.store});
    let (_, body) = call(&world.app, LIMITED, "GetPolicyStore", &input).await;
    let reason = format!(
        "User: {LIMITED_ARN} is not authorized to perform: verifiedpermissions:GetPolicyStore on \
         resource: {} with an explicit deny in an identity-based policy",
        store(&world)
    );
    assert_eq!(body["message"], reason);
    let refusals = world.app.refusals();
    let [refusal] = refusals.as_slice() else {
        panic!("{refusals:?}")
    };
    let mut refusal = refusal.clone();
    assert!(
        refusal["requestId"]
            .as_str()
            .is_some_and(|id| id.len() == 36)
    );
    refusal["requestId"].take();
    assert_eq!(
        refusal,
        json!({
            "time": "2026-01-01T00:00:00.123456Z",
            "requestId": null,
            "principal": LIMITED_ARN,
            "action": "verifiedpermissions:GetPolicyStore",
            "resource": store(&world),
            "decision": "ExplicitDeny",
            "reason": reason,
            "statement": {
                "policyType": "identity",
                "policy": "user/limited: inline",
                "index": 0,
                "sid": "NoStores",
            },
            "sourceAddress": "127.0.0.1",
        })
    );
}

/// The root user of an account needs no policy, and has no power over another account.
#[tokio::test]
async fn another_accounts_administrator_is_refused_where_the_input_names_the_account() {
    let world = World::new().await;
    let input = json!({"resourceArn": world.arn});
    let (status, body) = call(&world.app, OTHER_ACCOUNT, "ListTagsForResource", &input).await;
    assert_eq!(status, 403);
    let message = body["message"].as_str().unwrap();
    assert!(
        message.ends_with(
            "because no resource-based policy allows the \
             verifiedpermissions:ListTagsForResource action"
        ),
        "{message}"
    );
}
