//! What holds for all documents and questions.

use iam::policy::simulate::simulate;
use iam::policy::{Document, DocumentKind};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const RESOURCE: &str = "arn:aws:rds:us-east-1:111122223333:db:x";
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotLike",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotEquals",
    "NumericLessThanIfExists",
    "Null",
    "Bool",
    "ArnLike",
];
const PRINCIPALS: &[&str] = &[
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:role/app",
    "arn:aws:sts::111122223333:assumed-role/app/s",
    "arn:aws:iam::111122223333:root",
];

/// One of some texts, or a list of them.
fn texts(choice: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let list = prop::collection::vec(select(choice), 0..4);
    prop_oneof![
        select(choice).prop_map(|text| json!(text)),
        list.prop_map(|list| json!(list)),
    ]
}

fn conditions() -> impl Strategy<Value = Value> {
    let values = texts(&["a", "b", "a*", "${k}", "true", "5", RESOURCE]);
    let one = (select(OPERATORS), select(&["k", "l"][..]), values);
    prop::collection::vec(one, 0..3).prop_map(|list| {
        let mut conditions = json!({});
        for (operator, key, values) in list {
            conditions[operator] = json!({ key: values });
        }
        conditions
    })
}

fn statement(effect: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let actions = texts(&["*", "rds:*", "rds:Describe", "s3:Get*", "rds:?elete"]);
    let resources = texts(&["*", "arn:aws:rds:*", "arn:aws:s3:::${k}", RESOURCE]);
    let elements = (
        select(&["Action", "NotAction"][..]),
        select(&["Resource", "NotResource"][..]),
    );
    (select(effect), actions, resources, elements, conditions()).prop_map(
        |(effect, actions, resources, (action, resource), conditions)| {
            json!({ "Effect": effect, action: actions, resource: resources, "Condition": conditions })
        },
    )
}

fn document(effect: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let statements = prop::collection::vec(statement(effect), 1..5);
    statements.prop_map(|list| json!({ "Version": "2012-10-17", "Statement": list }))
}

fn resource_document(effect: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let element = select(&["Principal", "Principal", "Principal", "NotPrincipal"][..]);
    (document(effect), element, texts(PRINCIPALS)).prop_map(|(mut document, element, names)| {
        for statement in document["Statement"].as_array_mut().unwrap() {
            statement[element] = json!({ "AWS": names });
        }
        document
    })
}

/// A question with valid policies, mostly allowing.
fn question() -> impl Strategy<Value = Value> {
    let effects: &[&str] = &["Allow", "Allow", "Allow", "Deny"];
    let context = prop_oneof![
        Just(json!({})),
        Just(json!({ "k": "a", "l": 5 })),
        Just(json!({ "k": ["a", "b"], "l": [true] })),
    ];
    let limits = (
        prop::option::of(document(effects)),
        prop::option::of(document(effects)),
    );
    let resource_policy = prop::option::of(resource_document(effects));
    (
        select(&PRINCIPALS[2..]),
        document(effects),
        limits,
        resource_policy,
        context,
    )
        .prop_map(
            |(principal, identity, (boundary, session), resource, context)| {
                json!({
                    "principal": principal, "action": "rds:Describe", "resource": RESOURCE,
                    "identityPolicies": [identity],
                    "permissionBoundaries": boundary.map(|document| vec![document]),
                    "sessionPolicy": session, "resourcePolicy": resource, "context": context,
                })
            },
        )
}

/// The policies of a question.
const POLICIES: &[&str] = &[
    "/identityPolicies/0",
    "/permissionBoundaries/0",
    "/sessionPolicy",
    "/resourcePolicy",
];

fn word(question: &Value) -> &'static str {
    simulate(&question.to_string())
        .expect("the question is valid")
        .word()
}

/// Applies `change` to every statement of the question.
fn each_statement(question: &mut Value, change: impl Fn(&mut Value)) {
    for place in POLICIES {
        let Some(document) = question
            .pointer_mut(place)
            .filter(|found| found.is_object())
        else {
            continue;
        };
        document["Statement"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(&change);
    }
}

/// Applies `change` to every value of an element and of the conditions.
fn each_value(question: &mut Value, change: impl Fn(&mut Value)) {
    each_statement(question, |statement| {
        for (name, value) in statement.as_object_mut().unwrap() {
            match name.as_str() {
                "Effect" | "Sid" => {}
                "Principal" | "NotPrincipal" => change(&mut value["AWS"]),
                "Condition" => {
                    let operators = value.as_object_mut().unwrap().values_mut();
                    let keys =
                        operators.flat_map(|keys| keys.as_object_mut().unwrap().values_mut());
                    keys.for_each(&change);
                }
                _ => change(value),
            }
        }
    });
}

fn add_statement(question: &Value, place: &str, mut statement: Value) -> Option<Value> {
    let mut changed = question.clone();
    let document = changed
        .pointer_mut(place)
        .filter(|found| found.is_object())?;
    if place == "/resourcePolicy" {
        statement["Principal"] = json!("*");
    }
    document["Statement"]
        .as_array_mut()
        .unwrap()
        .push(statement);
    Some(changed)
}

/// Any JSON, with texts that policies have.
fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,12}".prop_map(Value::String),
        select(
            &[
                "*",
                "Allow",
                "${",
                "${k,'",
                "arn:aws:::::",
                "2012-10-17",
                "ForAllValues:",
                "a:*?*"
            ][..]
        )
        .prop_map(|text| json!(text)),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(|number| json!(number)),
        text
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let name = prop_oneof![
            ".{0,8}".boxed(),
            select(
                &[
                    "Statement",
                    "Effect",
                    "Action",
                    "Resource",
                    "Principal",
                    "Condition",
                    "AWS",
                    "Version",
                    "StringLike",
                    "context"
                ][..]
            )
            .prop_map(str::to_owned)
            .boxed()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map(name, inner, 0..5).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_further_deny_never_turns_a_refusal_into_an_allow(question in question(), deny in statement(&["Deny"])) {
        for place in POLICIES {
            if let Some(changed) = add_statement(&question, place, deny.clone()) && word(&changed) == "Allow" {
                prop_assert_eq!(word(&question), "Allow", "{}", place);
            }
        }
    }

    #[test]
    fn a_further_allow_never_turns_an_allow_into_a_refusal(question in question(), allow in statement(&["Allow"])) {
        for place in POLICIES {
            if let Some(changed) = add_statement(&question, place, allow.clone()) && word(&question) == "Allow" {
                prop_assert_eq!(word(&changed), "Allow", "{}", place);
            }
        }
    }

    #[test]
    fn a_deny_of_everything_always_denies(question in question()) {
        let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
        let changed = add_statement(&question, "/identityPolicies/0", deny).unwrap();
        let root = question["principal"] == "arn:aws:iam::111122223333:root";
        prop_assert_eq!(word(&changed), if root { word(&question) } else { "ExplicitDeny" });
    }

    #[test]
    fn the_order_of_statements_does_not_matter(mut question in question(), turn in 0_usize..4) {
        let before = word(&question);
        for place in POLICIES {
            if let Some(list) = question.pointer_mut(&format!("{place}/Statement")) {
                let list = list.as_array_mut().unwrap();
                let turn = turn % list.len();
                list.rotate_left(turn);
            }
        }
        prop_assert_eq!(word(&question), before);
    }

    #[test]
    fn the_order_of_values_does_not_matter(mut question in question()) {
        let before = word(&question);
        each_value(&mut question, |value| {
            if let Some(list) = value.as_array_mut() {
                list.reverse();
            }
        });
        prop_assert_eq!(word(&question), before);
    }

    #[test]
    fn single_values_equal_lists_and_actions_have_no_case(mut question in question()) {
        let before = simulate(&question.to_string()).unwrap();
        each_value(&mut question, |value| {
            if !value.is_array() {
                *value = json!([value]);
            }
        });
        each_statement(&mut question, |statement| {
            for name in ["Action", "NotAction"] {
                if let Some(list) = statement.get_mut(name) {
                    *list = list.to_string().to_uppercase().parse().unwrap();
                }
            }
        });
        prop_assert_eq!(simulate(&question.to_string()).unwrap(), before);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,300}") {
        for kind in [DocumentKind::Identity, DocumentKind::Resource, DocumentKind::Trust] {
            let _ = Document::parse(kind, &text);
        }
        let _ = simulate(&text);
    }

    #[test]
    fn no_json_makes_the_reader_panic(json in any_json(), mut question in question(), at in any::<prop::sample::Index>()) {
        for kind in [DocumentKind::Identity, DocumentKind::Resource, DocumentKind::Trust] {
            let _ = Document::from_json(kind, &json);
        }
        let places = ["principal", "action", "resource", "context", "identityPolicies", "sessionPolicy", "resourcePolicy"];
        question[places[at.index(places.len())]] = json.clone();
        let _ = simulate(&question.to_string());
        let _ = simulate(&json.to_string());
    }

    #[test]
    fn no_statement_makes_the_decision_panic(mut question in question(), pattern in r"[a:*?${}'é,]{0,30}", value in r"[a:*?é]{0,30}") {
        question["context"] = json!({ "k": value, "l": [value] });
        question["resource"] = json!(format!("arn:aws:a:a:a:{value}x"));
        each_statement(&mut question, |statement| {
            statement["Condition"] = json!({
                "StringLike": { "k": pattern }, "ArnLike": { "k": format!("arn:{pattern}") },
                "DateLessThan": { "l": pattern }, "IpAddress": { "l": pattern },
            });
        });
        let _ = simulate(&question.to_string());
    }
}
