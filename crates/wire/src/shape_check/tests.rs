use model::verified_permissions::shapes;
use model::verified_permissions::types::{CreatePolicyInput, PolicyDefinition};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

mod bounds;
mod every_operation;

/// The typed input, as the pipeline makes it: [`shape_check`], then serde.
fn decode<T: DeserializeOwned>(shape: &Shape, value: Value) -> Result<T, Rejection> {
    let value = shape_check(shape, value)?;
    serde_json::from_value(value).map_err(|error| Rejection::Malformed(error.to_string()))
}

/// `(path, constraint)` of each violation.
fn violations(shape: &Shape, value: Value) -> Vec<(String, String)> {
    match shape_check(shape, value) {
        Ok(_) => Vec::new(),
        Err(Rejection::Invalid(violations)) => violations
            .into_iter()
            .map(|violation| {
                let (value, constraint) = violation
                    .message
                    .split_once(" failed to satisfy constraint: ")
                    .unwrap();
                assert!(
                    value.ends_with(&format!(" at '{}'", violation.path)),
                    "{value}"
                );
                (violation.path, constraint.to_owned())
            })
            .collect(),
        Err(other) => panic!("{other:?}"),
    }
}

fn wrong_type(shape: &Shape, value: Value) -> String {
    match shape_check(shape, value) {
        Err(Rejection::WrongType(wrong)) => {
            assert!(wrong.message.contains(&format!("'{}'", wrong.path)));
            wrong.message
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_name_the_path_and_the_constraint() {
    let value = json!({"policyStoreId": "", "maxResults": 0});
    let Err(Rejection::Invalid(found)) = shape_check(&shapes::LIST_POLICIES_INPUT, value) else {
        panic!("two constraints are violated")
    };
    let found: Vec<_> = found
        .iter()
        .map(|v| (v.path.as_str(), v.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "/policyStoreId",
                "Value with length 0 at '/policyStoreId' failed to satisfy constraint: \
                 Member must have length between 1 and 200, inclusive"
            ),
            (
                "/maxResults",
                "Value at '/maxResults' failed to satisfy constraint: \
                 Member must be greater than or equal to 1"
            ),
        ]
    );
}

#[test]
fn patterns_and_enums_list_what_they_allow() {
    let value = json!({
        "policyStoreId": "no spaces",
        "validationSettings": {"mode": "off"},
        "deletionProtection": "ENABLED",
    });
    assert_eq!(
        violations(&shapes::UPDATE_POLICY_STORE_INPUT, value),
        [
            (
                "/policyStoreId".to_owned(),
                "Member must satisfy regular expression pattern: ^[a-zA-Z0-9-/_]*$".to_owned()
            ),
            (
                "/validationSettings/mode".to_owned(),
                "Member must satisfy enum value set: [OFF, STRICT]".to_owned()
            ),
        ]
    );
}

#[test]
fn all_violations_are_reported_in_the_order_of_the_model() {
    let value = json!({
        "requests": [
            {"policyId": "p", "policyStoreId": "s"},
            {"policyId": "p p"},
            {"policyStoreId": null},
        ],
    });
    let paths: Vec<_> = violations(&shapes::BATCH_GET_POLICY_INPUT, value)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        paths,
        [
            "/requests/1/policyStoreId",
            "/requests/1/policyId",
            "/requests/2/policyStoreId",
            "/requests/2/policyId",
        ]
    );
}

#[test]
fn one_text_may_violate_several_constraints() {
    let value = json!({"policyStoreId": " ".repeat(201)});
    assert_eq!(violations(&shapes::GET_SCHEMA_INPUT, value).len(), 2);
}

#[test]
fn at_most_100_violations_are_reported() {
    let value = json!({"requests": vec![json!({}); 5000]});
    assert_eq!(
        violations(&shapes::BATCH_GET_POLICY_INPUT, value).len(),
        100
    );
}

#[test]
fn required_members_must_not_be_missing_or_null() {
    let null = "Member must not be null".to_owned();
    for value in [json!({}), json!({"policyStoreId": null})] {
        let expected = [("/policyStoreId".to_owned(), null.clone())];
        assert_eq!(violations(&shapes::GET_SCHEMA_INPUT, value), expected);
    }
}

#[test]
fn null_and_unknown_members_are_removed() {
    let value = json!({
        "policyStoreId": "s",
        "nextToken": null,
        "newer": {"a": 1},
        "filter": {"policyType": "STATIC", "newer": [], "principal": null},
    });
    assert_eq!(
        shape_check(&shapes::LIST_POLICIES_INPUT, value),
        Ok(json!({"policyStoreId": "s", "filter": {"policyType": "STATIC"}}))
    );
}

#[test]
fn a_union_has_exactly_one_member() {
    let one = "Member must have exactly one member set";
    let fixed = json!({"statement": "permit(principal, action, resource);"});
    let linked = json!({"policyTemplateId": "t"});
    for (definition, ok) in [
        (json!({"static": fixed}), true),
        (json!({"static": fixed, "templateLinked": null}), true),
        (json!({"static": fixed, "newer": {}}), true),
        (json!({"static": fixed, "templateLinked": linked}), false),
        (json!({"static": null, "templateLinked": null}), false),
        (json!({"newer": {}}), false),
        (json!({}), false),
    ] {
        let value = json!({"policyStoreId": "s", "definition": definition});
        let expected = (!ok).then(|| ("/definition".to_owned(), one.to_owned()));
        let found = violations(&shapes::CREATE_POLICY_INPUT, value.clone());
        assert_eq!(found, Vec::from_iter(expected), "{value}");
        let decoded = decode::<CreatePolicyInput>(&shapes::CREATE_POLICY_INPUT, value);
        let is_static =
            decoded.is_ok_and(|it| matches!(it.definition, PolicyDefinition::Static(_)));
        assert_eq!(is_static, ok);
    }
}

#[test]
fn a_wrong_type_is_named_by_its_place_and_never_quoted() {
    let store = |key: &str, value: Value| json!({"policyStoreId": "s", key: value});
    let list = &shapes::LIST_POLICIES_INPUT;
    let decide = &shapes::IS_AUTHORIZED_INPUT;
    let long = |value: Value| store("context", json!({"contextMap": {"key": {"long": value}}}));
    for (shape, value, message) in [
        (list, json!([]), "Value at '/' must be an object"),
        (
            list,
            json!({"policyStoreId": 7}),
            "Value at '/policyStoreId' must be a string",
        ),
        (
            list,
            store("maxResults", json!("7")),
            "Value at '/maxResults' must be a 32-bit whole number",
        ),
        (
            list,
            store("maxResults", json!(1.5)),
            "Value at '/maxResults' must be a 32-bit whole number",
        ),
        (
            list,
            store("maxResults", json!(1_i64 << 31)),
            "Value at '/maxResults' must be a 32-bit whole number",
        ),
        (
            list,
            store("filter", json!("secret")),
            "Value at '/filter' must be an object",
        ),
        (
            decide,
            long(json!(u64::MAX)),
            "Value at '/context/contextMap/key/long' must be a 64-bit whole number",
        ),
        (
            decide,
            long(json!("secret")),
            "Value at '/context/contextMap/key/long' must be a 64-bit whole number",
        ),
        (
            decide,
            store("context", json!({"contextMap": []})),
            "Value at '/context/contextMap' must be an object",
        ),
        (
            decide,
            store("context", json!({"contextMap": {"a": null}})),
            "Value at '/context/contextMap/a' must be an object",
        ),
        (
            decide,
            store("entities", json!({"entityList": {}})),
            "Value at '/entities/entityList' must be an array",
        ),
        (
            decide,
            store("entities", json!({"entityList": [null]})),
            "Value at '/entities/entityList/0' must be an object",
        ),
        (
            &shapes::GET_POLICY_STORE_INPUT,
            store("tags", json!("true")),
            "Value at '/tags' must be a boolean",
        ),
    ] {
        assert_eq!(wrong_type(shape, value), message);
    }
}

#[test]
fn a_wrong_type_goes_before_violations() {
    let value = json!({"policyStoreId": "", "maxResults": "x"});
    let message = wrong_type(&shapes::LIST_POLICIES_INPUT, value);
    assert!(message.contains("/maxResults"), "{message}");
}

#[test]
fn whole_numbers_reach_both_ends_of_their_type() {
    for number in [i64::MIN, -1, 0, i64::MAX] {
        let value = json!({"long": number});
        assert_eq!(
            shape_check(&shapes::ATTRIBUTE_VALUE, value.clone()),
            Ok(value)
        );
    }
}

#[test]
fn map_keys_are_checked_like_values() {
    let value = json!({"resourceArn": "arn", "tags": {"": "v"}});
    let expected = (
        "/tags/".to_owned(),
        "Member must have length between 1 and 128, inclusive".to_owned(),
    );
    assert_eq!(violations(&shapes::TAG_RESOURCE_INPUT, value), [expected]);
}

#[test]
fn recursive_shapes_are_checked_all_the_way_down() {
    let value = json!({"record": {"a": {"set": [
        {"long": 1},
        {"record": {"b": {"decimal": "x.y"}}},
        {},
    ]}}});
    let paths: Vec<_> = violations(&shapes::ATTRIBUTE_VALUE, value)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(
        paths,
        ["/record/a/set/1/record/b/decimal", "/record/a/set/2"]
    );
}

#[test]
fn the_deepest_body_that_parses_is_checked_and_decoded() {
    use model::verified_permissions::types::IsAuthorizedInput;
    // Three objects around the attribute value, two levels for each set, one for the innermost.
    let sets = (127 - 3 - 1) / 2;
    let body = format!(
        r#"{{"policyStoreId":"s","context":{{"contextMap":{{"a":{}{{"long":1}}{}}}}}}}"#,
        r#"{"set":["#.repeat(sets),
        "]}".repeat(sets)
    );
    let value = crate::aws_json::parse_body(body.as_bytes()).unwrap();
    assert!(decode::<IsAuthorizedInput>(&shapes::IS_AUTHORIZED_INPUT, value).is_ok());
    let deeper = body
        .replacen(r#"{"set":["#, r#"{"set":[{"set":["#, 1)
        .replacen("]}", "]}]}", 1);
    assert!(crate::aws_json::parse_body(deeper.as_bytes()).is_err());
}
