use cedar_policy::Schema;
use cedar_policy_core::ast::EntityType;
use serde_json::{Value as Json, json};

use super::*;

fn claims(json: Json) -> Claims {
    serde_json::from_value(json).unwrap()
}

/// The members as Cedar prints them, by name.
fn printed(members: Vec<(&str, Value)>) -> Vec<(String, String)> {
    let print = |(name, value): (&str, Value)| (name.to_owned(), value.to_string());
    let mut printed: Vec<_> = members.into_iter().map(print).collect();
    printed.sort();
    printed
}

/// Without a schema.
fn natural_of(given: Json, groups: Option<&str>) -> Vec<(String, String)> {
    printed(members(&claims(given), None, groups).unwrap())
}

/// With an entity type of these attributes, in Cedar's own notation.
fn typed_of(given: Json, attributes: &str) -> Result<Vec<(String, String)>, Fault> {
    let text = format!("entity Other; entity User {{ {attributes} }};");
    let (schema, _) = Schema::from_cedarschema_str(&text).unwrap();
    let schema: &cedar_policy_core::validator::ValidatorSchema = schema.as_ref();
    let user: EntityType = "User".parse().unwrap();
    let declared = schema.get_entity_type(&user).unwrap().attributes();
    members(&claims(given), Some(declared), Some("groups")).map(printed)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn without_a_schema_json_is_what_it_is_in_cedar() {
    for (claim, value) in [
        (json!("x"), r#""x""#),
        (json!(""), r#""""#),
        (json!(true), "true"),
        (json!(-7), "-7"),
        (json!(i64::MAX), "9223372036854775807"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!([]), "[]"),
        (json!(["a"]), r#"["a"]"#),
        (json!({}), "{}"),
        (json!({"b": [true]}), "{b: [true]}"),
        // What Cedar does not have goes, wherever it is.
        (json!([1, 1.5, null]), "[1]"),
        (json!({"x": null, "y": 1.5, "z": 2}), "{z: 2}"),
        // No text of a claim becomes anything but a text.
        (json!("ip(\"1.1.1.1\")"), r#""ip(\"1.1.1.1\")""#),
        (
            json!({"__extn": {"fn": "decimal", "arg": "1.0"}}),
            r#"{__extn: {arg: "1.0", fn: "decimal"}}"#,
        ),
        (
            json!({"__entity": {"type": "User", "id": "admin"}}),
            r#"{__entity: {id: "admin", type: "User"}}"#,
        ),
    ] {
        let found = natural_of(json!({ "c": claim.clone() }), None);
        assert_eq!(found, [pair("c", value)], "{claim}");
    }
    for nothing in [json!(null), json!(1.5), json!(1e300), json!(u64::MAX)] {
        assert_eq!(natural_of(json!({ "c": nothing }), None), [], "{nothing}");
    }
}

#[test]
fn scope_is_a_set_and_groups_are_elsewhere() {
    let token = json!({"scope": "read  write", "groups": ["a"], "other": "read write"});
    let other = pair("other", r#""read write""#);
    let found = natural_of(token.clone(), Some("groups"));
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], other);
    let scopes = &found[1].1;
    assert!(
        [r#"["read", "write"]"#, r#"["write", "read"]"#].contains(&scopes.as_str()),
        "{scopes}"
    );
    assert_eq!(
        natural_of(token, None)[0],
        pair("groups", r#"["a"]"#),
        "without groups that is a claim like any other"
    );
    assert_eq!(natural_of(json!({"scope": ""}), None)[0].1, "[]");
    assert_eq!(
        natural_of(json!({"scope": ["a b"]}), None)[0].1,
        r#"["a b"]"#
    );
}

#[test]
fn the_schema_says_which_claims_and_what_they_are() {
    for (claim, declared, value) in [
        (json!("x"), "String", r#""x""#),
        (json!(1), "Long", "1"),
        (json!(true), "Bool", "true"),
        (json!("1.2.3.4"), "ipaddr", r#"ip("1.2.3.4")"#),
        (json!("1.25"), "decimal", r#"decimal("1.25")"#),
        (json!("2026-01-01"), "datetime", r#"datetime("2026-01-01")"#),
        (json!("1h"), "duration", r#"duration("1h")"#),
        (json!(["a"]), "Set<String>", r#"["a"]"#),
        (json!("a b"), "Set<String>", r#"["a b"]"#),
        (json!(["1.2.3.4"]), "Set<ipaddr>", r#"[ip("1.2.3.4")]"#),
        (json!({"a": 1, "b": 2}), "{a: Long}", "{a: 1}"),
        (json!({"b": 2}), "{a?: Long}", "{}"),
        (json!({"a": null}), "{a?: Long}", "{}"),
    ] {
        let found = typed_of(
            json!({"c": claim.clone(), "d": 1}),
            &format!("c: {declared}"),
        );
        assert_eq!(found, Ok(vec![pair("c", value)]), "{claim} {declared}");
    }
    // Declared, the claim that lists the groups is an attribute as well.
    let found = typed_of(json!({"groups": ["a"]}), "groups: Set<String>");
    assert_eq!(found, Ok(vec![pair("groups", r#"["a"]"#)]));
    let found = typed_of(json!({"scope": "a"}), "scope: Set<String>");
    assert_eq!(found, Ok(vec![pair("scope", r#"["a"]"#)]));
    let found = typed_of(json!({"scope": "a b"}), "scope: String");
    assert_eq!(found, Ok(vec![pair("scope", r#""a b""#)]));
    assert_eq!(typed_of(json!({"x": 1}), "c?: Long"), Ok(Vec::new()));
}

#[test]
fn what_does_not_fit_the_schema_is_named() {
    for (claim, declared, at) in [
        (json!(1), "String", "c"),
        (json!("1"), "Long", "c"),
        (json!(1.5), "Long", "c"),
        (json!(u64::MAX), "Long", "c"),
        (json!("true"), "Bool", "c"),
        (json!("here"), "ipaddr", "c"),
        (json!("1"), "decimal", "c"),
        (json!("soon"), "datetime", "c"),
        (json!("a"), "Other", "c"),
        (json!({"type": "Other", "id": "a"}), "Other", "c"),
        (
            json!({"__entity": {"type": "Other", "id": "a"}}),
            "Other",
            "c",
        ),
        (json!("a"), "Set<Long>", "c"),
        (json!([1, "a"]), "Set<Long>", "c"),
        (json!(["a"]), "{a: Long}", "c"),
        (json!({"a": {"b": "x"}}), "{a: {b: Long}}", "c.a.b"),
    ] {
        let found = typed_of(json!({"c": claim.clone()}), &format!("c: {declared}"));
        match found {
            Err(Fault::Mistyped { claim, .. }) => assert_eq!(claim, at),
            other => panic!("{claim} {declared}: {other:?}"),
        }
    }
    let text = typed_of(json!({"c": "1"}), "c: Long")
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "its claim `c` is not of the type Long, which the schema declares"
    );
    for (given, declared, at) in [
        (json!({}), "c: Long", "c"),
        (json!({"c": null}), "c: Long", "c"),
        (json!({"c": {}}), "c: {a: Long}", "c.a"),
    ] {
        let missing = Err(Fault::Missing(at.to_owned()));
        assert_eq!(typed_of(given.clone(), declared), missing, "{given}");
    }
}

#[test]
fn prefixed_claims_are_records_too() {
    let mut found = claims(json!({
        "cognito:username": "u", "cognito:groups": ["g"], "custom:tier": "gold",
        "custom:a:b": 1, "dev:custom:x": true, "customer:x": 1, "email": "e",
    }));
    nest(&mut found, Some("cognito:groups")).unwrap();
    let nested = |name: &str| found.get(name).cloned();
    assert_eq!(nested("cognito"), Some(json!({"username": "u"})));
    assert_eq!(nested("custom"), Some(json!({"tier": "gold", "a:b": 1})));
    assert_eq!(nested("dev"), Some(json!({"custom:x": true})));
    assert_eq!(nested("customer"), None);
    assert_eq!(nested("cognito:username"), Some(json!("u")));
    for name in ["cognito", "custom", "dev"] {
        let colon = format!("{name}:x");
        let mut both = claims(json!({ name: 1, colon: 2 }));
        assert_eq!(nest(&mut both, None), Err(Fault::Ambiguous(name)));
        let mut alone = claims(json!({ name: 1 }));
        assert_eq!(nest(&mut alone, None), Ok(()));
        assert_eq!(alone, claims(json!({ name: 1 })));
    }
}
