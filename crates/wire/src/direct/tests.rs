use model::OperationModel;
use model::verified_permissions::OPERATIONS;
use model::verified_permissions::types::{
    BatchIsAuthorizedInput, CreatePolicyInput, CreatePolicyStoreInput, IsAuthorizedInput,
    ListPoliciesInput, UpdatePolicyInput,
};
use serde_json::{Value, json};

use super::*;
use crate::shape_check::shape_check;

fn operation(name: &str) -> &'static OperationModel {
    OPERATIONS.iter().find(|found| found.name == name).unwrap()
}

/// What the long way reads.
pub(super) fn long_way<T: DeserializeOwned>(shape: &Shape, body: &[u8]) -> Option<T> {
    let value = shape_check(shape, crate::aws_json::parse_body(body).ok()?).ok()?;
    serde_json::from_value(value).ok()
}

fn entity(id: &str) -> Value {
    json!({ "entityType": "User", "entityId": id })
}

fn question() -> Value {
    json!({
        "policyStoreId": "PSEXAMPLEabcdefg111111",
        "principal": entity("a\"\\\u{e9}\u{1F600}"),
        "action": { "actionType": "N::Action", "actionId": "view" },
        "resource": { "entityType": "Photo", "entityId": "p" },
        "context": { "contextMap": {
            "all": { "set": [
                { "boolean": true }, { "long": -5 }, { "long": i64::MAX }, { "string": "" },
                { "record": { "k": { "decimal": "1.5" }, "e": { "entityIdentifier": entity("b") } } },
            ] },
            "ip": { "ipaddr": "10.0.0.7" },
        } },
        "entities": { "entityList": [
            { "identifier": entity("a"), "attributes": {}, "parents": [entity("b")] },
            { "identifier": entity("b"), "tags": { "t": { "string": "x" } } },
        ] },
    })
}

fn batch() -> Value {
    let mut request = question();
    let members = request.as_object_mut().unwrap();
    let (store, entities) = (members.remove("policyStoreId"), members.remove("entities"));
    json!({ "policyStoreId": store, "entities": entities, "requests": [request, {}] })
}

/// Every place of a value, with its neighbours changed in every way that may matter.
pub(super) fn variants(value: &Value) -> Vec<Value> {
    let mut all = vec![
        Value::Null,
        json!(true),
        json!(1),
        json!(-1),
        json!(1.0),
        json!(u64::MAX),
        json!("x"),
        json!("a\nb"),
        json!(""),
        json!("x".repeat(300)),
        json!([]),
        json!({}),
        json!([value]),
        json!({ "unheardOf": value }),
    ];
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut without = map.clone();
                without.remove(key);
                all.push(Value::Object(without.clone()));
                for (name, more) in [("unheardOf", json!(1)), ("n", Value::Null)] {
                    let mut with = map.clone();
                    with.insert(name.to_owned(), more);
                    all.push(Value::Object(with));
                }
                let mut renamed = without;
                renamed.insert(format!("{key}s"), inner.clone());
                all.push(Value::Object(renamed));
                for changed in variants(inner) {
                    let mut map = map.clone();
                    map.insert(key.clone(), changed);
                    all.push(Value::Object(map));
                }
            }
            all.push(map.values().cloned().collect());
        }
        Value::Array(items) => {
            all.push(items.iter().chain(items).cloned().collect());
            for (at, item) in items.iter().enumerate() {
                for changed in variants(item) {
                    let mut items = items.clone();
                    items[at] = changed;
                    all.push(Value::Array(items));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

/// Reads a body and everything like it both ways; how often the short one did.
fn compare<T: DeserializeOwned + PartialEq>(name: &str, usual: &Value) -> usize {
    let shape = operation(name).input;
    let mut direct = 0;
    for value in [usual.clone()].into_iter().chain(variants(usual)) {
        let body = value.to_string();
        if let Some(input) = read::<T>(shape, body.as_bytes()) {
            assert!(long_way(shape, body.as_bytes()) == Some(input), "{body}");
            direct += 1;
        }
    }
    assert!(
        read::<T>(shape, usual.to_string().as_bytes()).is_some(),
        "{usual}"
    );
    direct
}

#[test]
fn what_is_read_at_once_is_what_the_long_way_reads() {
    let statement = json!({ "static": { "statement": "permit(principal, action, resource);" } });
    let store = json!({
        "validationSettings": { "mode": "STRICT" },
        "tags": { "a": "b", "c": "" },
        "deletionProtection": "ENABLED",
    });
    let page = json!({
        "policyStoreId": "PS", "maxResults": 5, "nextToken": "t",
        "filter": { "principal": { "identifier": entity("a") }, "policyType": "STATIC" },
    });
    let update = json!({ "policyStoreId": "PS", "policyId": "P", "definition": statement });
    let create = json!({ "policyStoreId": "PS", "definition": statement, "clientToken": "t" });
    for direct in [
        compare::<IsAuthorizedInput>("IsAuthorized", &question()),
        compare::<BatchIsAuthorizedInput>("BatchIsAuthorized", &batch()),
        compare::<CreatePolicyInput>("CreatePolicy", &create),
        compare::<UpdatePolicyInput>("UpdatePolicy", &update),
        compare::<CreatePolicyStoreInput>("CreatePolicyStore", &store),
        compare::<ListPoliciesInput>("ListPolicies", &page),
    ] {
        assert!(direct > 1, "variants without a fault are read at once too");
    }
}

#[test]
fn what_is_not_plainly_right_is_left_to_the_long_way() {
    let shape = operation("IsAuthorized").input;
    let read = |body: &str| read::<IsAuthorizedInput>(shape, body.as_bytes()).is_some();
    assert!(read(r#" {"policyStoreId": "PS"} "#));
    for body in [
        "",
        "[]",
        "null",
        r#"["PS"]"#,
        r#"{"policyStoreId": "PS"}{}"#,
        r#"{"policyStoreId": "PS",}"#,
        r#"{"policyStoreId": "PS", "policyStoreId": "PS"}"#,
        r#"{"policyStoreId": "PS", "unheardOf": 1}"#,
        r#"{"policyStoreId": null}"#,
        r#"{"policyStoreId": ""}"#,
        r#"{"policyStoreId": "P S"}"#,
        r#"{"policyStoreId": "\ud800"}"#,
        r#"{"policyStoreId": "PS", "principal": ["User", "a"]}"#,
        r#"{"policyStoreId": "PS", "context": {"contextMap": {"k": "boolean"}}}"#,
        r#"{"policyStoreId": "PS", "context": {"contextMap": {"k": {}}}}"#,
        r#"{"policyStoreId": "PS", "context": {"contextMap": {"k": {"long": 1.0}}}}"#,
        r#"{"policyStoreId": "PS", "context": {"contextMap": {"k": {"long": 9223372036854775808}}}}"#,
        r#"{"policyStoreId": "PS", "context": {"contextMap": {"k": {"long": 1, "string": null}}}}"#,
        r#"{"policyStoreId": "PS", "context": {"contextMap": {"k": {"boolean": null}}}}"#,
    ] {
        assert!(!read(body), "{body}");
    }
    let shape = operation("CreatePolicyStore").input;
    let body = r#"{"validationSettings": {"mode": {"OFF": null}}}"#;
    assert!(super::read::<CreatePolicyStoreInput>(shape, body.as_bytes()).is_none());
}

#[test]
fn nesting_is_bounded_as_on_the_long_way() {
    let shape = operation("IsAuthorized").input;
    for depth in [10, 50, 60, 62, 64, 70, 1_000] {
        let value = format!("{}{}", r#"{"set":["#.repeat(depth), "]}".repeat(depth));
        let body =
            format!(r#"{{"policyStoreId":"PS","context":{{"contextMap":{{"k":{value}}}}}}}"#);
        let direct = read::<IsAuthorizedInput>(shape, body.as_bytes());
        assert!(direct == long_way(shape, body.as_bytes()), "{depth}");
    }
}

#[test]
fn of_a_repeated_key_the_last_value_counts_on_both_ways() {
    let shape = operation("IsAuthorized").input;
    let body = |map: &str| format!(r#"{{"policyStoreId":"PS","context":{{"contextMap":{map}}}}}"#);
    for (map, at_once) in [
        (r#"{"k": {"long": 1}, "k": {"long": 2}}"#, true),
        (r#"{"k": {"long": 1}, "k": {"long": 1.5}}"#, false),
        (r#"{"k": {"long": 1.5}, "k": {"long": 1}}"#, false),
        (r#"{"k": {"long": 1, "long": 2}}"#, false),
    ] {
        let body = body(map);
        let direct = read::<IsAuthorizedInput>(shape, body.as_bytes());
        assert_eq!(direct.is_some(), at_once, "{map}");
        if at_once {
            assert!(direct == long_way(shape, body.as_bytes()), "{map}");
        }
    }
}
