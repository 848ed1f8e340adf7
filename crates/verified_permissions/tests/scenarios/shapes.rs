//! Requests that do not have the shape of the model, and those that only look as if.

use aws_sdk_verifiedpermissions::operation::create_policy_store::CreatePolicyStoreError;
use aws_sdk_verifiedpermissions::types::ValidationMode;
use model::shape::Kind;
use model::verified_permissions::OPERATIONS;
use serde_json::{Value, json};
use testkit::{ADMIN, App};

use crate::common::{Failure, call, call_ok, call_refused, failure, mode, start};

async fn new_store(app: &App) -> Value {
    let input = json!({"validationSettings": {"mode": "OFF"}});
    call_ok(app, "CreatePolicyStore", &input).await["policyStoreId"].clone()
}

fn paths(refused: &Failure) -> Vec<&str> {
    assert_eq!(refused.kind(), (400, "ValidationException"), "{refused:?}");
    assert_eq!(refused.message, "Invalid input");
    refused
        .fields
        .iter()
        .map(|(path, _)| path.as_str())
        .collect()
}

#[tokio::test]
async fn every_required_member_that_is_missing_is_named() {
    let app = App::new();
    let mut refusals = 0;
    for operation in OPERATIONS {
        let Kind::Structure(members) = &operation.input.kind else {
            panic!("{}", operation.name);
        };
        let required = members.iter().filter(|member| member.required);
        let expected: Vec<_> = required.map(|member| format!("/{}", member.name)).collect();
        if expected.is_empty() {
            call_ok(&app, operation.name, &json!({})).await;
            continue;
        }
        refusals += 1;
        let refused = call_refused(&app, operation.name, &json!({})).await;
        assert_eq!(paths(&refused), expected, "{}", operation.name);
        for (path, message) in &refused.fields {
            let text =
                format!("Value at '{path}' failed to satisfy constraint: Member must not be null");
            assert_eq!(*message, text);
        }
    }
    assert_eq!(refusals, 32);
}

#[tokio::test]
async fn all_violations_are_reported_at_once() {
    let app = App::new();
    let input = json!({
        "clientToken": "a token",
        "validationSettings": {"mode": "MAYBE"},
        "description": "d".repeat(151),
        "deletionProtection": "enabled",
        "encryptionSettings": {"kmsEncryptionSettings": {"key": "a key"}},
        "tags": {"": "v", "k": "v".repeat(257)},
    });
    let refused = call_refused(&app, "CreatePolicyStore", &input).await;
    refused.assert_invalid(&[
        (
            "/clientToken",
            "Value at '/clientToken' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: ^[a-zA-Z0-9-]*$",
        ),
        (
            "/validationSettings/mode",
            "Value at '/validationSettings/mode' failed to satisfy constraint: Member must \
             satisfy enum value set: [OFF, STRICT]",
        ),
        (
            "/description",
            "Value with length 151 at '/description' failed to satisfy constraint: Member must \
             have length between 0 and 150, inclusive",
        ),
        (
            "/deletionProtection",
            "Value at '/deletionProtection' failed to satisfy constraint: Member must satisfy \
             enum value set: [ENABLED, DISABLED]",
        ),
        (
            "/encryptionSettings/kmsEncryptionSettings/key",
            "Value at '/encryptionSettings/kmsEncryptionSettings/key' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        ),
        (
            "/tags/",
            "Value with length 0 at '/tags/' failed to satisfy constraint: Member must have \
             length between 1 and 128, inclusive",
        ),
        (
            "/tags/k",
            "Value with length 257 at '/tags/k' failed to satisfy constraint: Member must have \
             length between 0 and 256, inclusive",
        ),
    ]);
    let listed = call_ok(&app, "ListPolicyStores", &json!({})).await;
    assert_eq!(listed["policyStores"], json!([]));
}

#[tokio::test]
async fn the_sdk_shows_the_fields() {
    let (_app, client) = start();
    let call = client
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Off));
    let error = call.description("d".repeat(151)).send().await.unwrap_err();
    let error = error.into_service_error();
    let CreatePolicyStoreError::ValidationException(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.message, "Invalid input");
    let fields = error.field_list();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0].path(), "/description");
    // What the SDK has no name for is refused as well.
    let call = client
        .create_policy_store()
        .validation_settings(mode("LOOSE".into()));
    let refused = failure(call.send().await);
    assert_eq!(paths(&refused), ["/validationSettings/mode"]);
}

#[tokio::test]
async fn violations_deep_inside_have_the_path_to_them() {
    let app = App::new();
    let store = new_store(&app).await;
    for (operation, input, expected) in [
        (
            "BatchGetPolicy",
            json!({"requests": [
                {"policyStoreId": store, "policyId": "p"},
                {"policyStoreId": "", "policyId": "a b"},
                {"policyStoreId": store},
            ]}),
            vec![
                "/requests/1/policyStoreId",
                "/requests/1/policyId",
                "/requests/2/policyId",
            ],
        ),
        (
            "IsAuthorized",
            json!({
                "policyStoreId": store,
                "action": {"actionType": "Act", "actionId": ""},
                "context": {"contextMap": {"a/b": {"record": {"x": {"set": [{"long": 1}, {}]}}}}},
                "entities": {"entityList": [{"identifier": {"entityType": "T"}}]},
            }),
            vec![
                "/action/actionType",
                "/action/actionId",
                "/context/contextMap/a~1b/record/x/set/1",
                "/entities/entityList/0/identifier/entityId",
            ],
        ),
        (
            "UntagResource",
            json!({"resourceArn": "", "tagKeys": ["ok", ""]}),
            vec!["/resourceArn", "/tagKeys/1"],
        ),
        (
            "ListPolicies",
            json!({"policyStoreId": store, "filter": {
                "principal": {"identifier": {"entityType": "", "entityId": "x"}},
                "policyType": "static",
            }}),
            vec![
                "/filter/principal/identifier/entityType",
                "/filter/policyType",
            ],
        ),
    ] {
        let refused = call_refused(&app, operation, &input).await;
        assert_eq!(paths(&refused), expected, "{operation}");
    }
}

#[tokio::test]
async fn lists_and_maps_have_bounds() {
    let app = App::new();
    let many = |count: usize, item: Value| Value::Array(vec![item; count]);
    let item = json!({"policyStoreId": "s", "policyId": "p"});
    let arn = "arn:aws:verifiedpermissions::111122223333:policy-store/s";
    for (operation, input, path) in [
        ("BatchGetPolicy", json!({"requests": []}), "/requests"),
        (
            "BatchGetPolicy",
            json!({"requests": many(101, item.clone())}),
            "/requests",
        ),
        (
            "BatchIsAuthorized",
            json!({"policyStoreId": "s", "requests": []}),
            "/requests",
        ),
        (
            "UntagResource",
            json!({"resourceArn": arn, "tagKeys": []}),
            "/tagKeys",
        ),
        (
            "UntagResource",
            json!({"resourceArn": arn, "tagKeys": many(201, json!("k"))}),
            "/tagKeys",
        ),
        (
            "ListIdentitySources",
            json!({"policyStoreId": "s", "filters": many(11, json!({}))}),
            "/filters",
        ),
    ] {
        assert_eq!(
            paths(&call_refused(&app, operation, &input).await),
            [path],
            "{operation}"
        );
    }
    call_ok(
        &app,
        "BatchGetPolicy",
        &json!({"requests": many(100, item)}),
    )
    .await;
}

#[tokio::test]
async fn at_most_100_violations_are_listed() {
    let app = App::new();
    let keys = vec![json!(""); 150];
    let refused = call_refused(&app, "UntagResource", &json!({"tagKeys": keys})).await;
    assert_eq!(refused.fields.len(), 100);
}

#[tokio::test]
async fn lengths_are_counted_in_characters() {
    let app = App::new();
    for (length, status) in [(150, 200), (151, 400)] {
        for letter in ["a", "ä", "🦀"] {
            let description = letter.repeat(length);
            let input = json!({"validationSettings": {"mode": "OFF"}, "description": description});
            let (answered, body) = call(&app, ADMIN, "CreatePolicyStore", &input).await;
            assert_eq!(answered, status, "{length} {letter}: {body}");
        }
    }
}

#[tokio::test]
async fn a_wrong_json_type_is_a_serialization_fault_that_quotes_nothing() {
    let app = App::new();
    let store = new_store(&app).await;
    for (operation, input, path) in [
        (
            "GetPolicyStore",
            json!({"policyStoreId": 424_242}),
            "/policyStoreId",
        ),
        (
            "GetPolicyStore",
            json!({"policyStoreId": ["424242"]}),
            "/policyStoreId",
        ),
        (
            "GetPolicyStore",
            json!({"policyStoreId": store, "tags": "424242"}),
            "/tags",
        ),
        (
            "ListPolicyStores",
            json!({"maxResults": "424242"}),
            "/maxResults",
        ),
        (
            "ListPolicyStores",
            json!({"maxResults": 4242.42}),
            "/maxResults",
        ),
        (
            "CreatePolicyStore",
            json!({"validationSettings": "424242"}),
            "/validationSettings",
        ),
        (
            "CreatePolicyStore",
            json!({"validationSettings": {}, "tags": ["424242"]}),
            "/tags",
        ),
        (
            "BatchGetPolicy",
            json!({"requests": [{"policyStoreId": {"a": "424242"}, "policyId": "p"}]}),
            "/requests/0/policyStoreId",
        ),
        (
            "IsAuthorized",
            json!({"policyStoreId": store, "context": {"contextMap": {"n": {"long": 4242.42}}}}),
            "/context/contextMap/n/long",
        ),
        (
            "UntagResource",
            json!({"resourceArn": "a", "tagKeys": [null]}),
            "/tagKeys/0",
        ),
    ] {
        let refused = call_refused(&app, operation, &input).await;
        assert_eq!(
            refused.kind(),
            (400, "SerializationException"),
            "{operation} {input}"
        );
        let start = format!("Value at '{path}' must be ");
        assert!(refused.message.starts_with(&start), "{}", refused.message);
        assert!(
            !refused.body.to_string().contains("4242"),
            "{}",
            refused.body
        );
        assert!(refused.body.get("fieldList").is_none());
    }
}

#[tokio::test]
async fn nulls_and_unknown_members_are_ignored() {
    let app = App::new();
    let input = json!({
        "validationSettings": {"mode": "OFF", "newer": {"a": [1]}, "cedarJson": null},
        "clientToken": null,
        "description": null,
        "encryptionSettings": {"default": {"newer": 1}, "kmsEncryptionSettings": null, "newer": 1},
        "tags": null,
        "notYetKnown": [{"a": 1}],
    });
    let created = call_ok(&app, "CreatePolicyStore", &input).await;
    let input = json!({"policyStoreId": created["policyStoreId"], "tags": null});
    let found = call_ok(&app, "GetPolicyStore", &input).await;
    assert_eq!(found.get("description"), None);
    assert_eq!(found["encryptionState"], json!({"default": {}}));
    // A required member that is null is not there.
    let refused = call_refused(&app, "GetPolicyStore", &json!({"policyStoreId": null})).await;
    assert_eq!(paths(&refused), ["/policyStoreId"]);
}

#[tokio::test]
async fn a_union_has_exactly_one_member() {
    let app = App::new();
    let store = new_store(&app).await;
    let fixed = json!({"statement": "permit(principal, action, resource);"});
    let linked = json!({"policyTemplateId": "t"});
    for definition in [
        json!({}),
        json!({"static": null}),
        json!({"newer": {}}),
        json!({"static": fixed, "templateLinked": linked}),
    ] {
        let input = json!({"policyStoreId": store, "definition": definition});
        let refused = call_refused(&app, "CreatePolicy", &input).await;
        let text = "Value at '/definition' failed to satisfy constraint: Member must have \
                    exactly one member set";
        refused.assert_invalid(&[("/definition", text)]);
    }
    let definition = json!({"static": fixed, "templateLinked": null, "newer": 1});
    let input = json!({"policyStoreId": store, "definition": definition});
    call_ok(&app, "CreatePolicy", &input).await;
}
