//! Reading documents: kinds, hostile texts, and what is never shown.

use iam::policy::{Document, DocumentKind};
use serde_json::json;

const KINDS: [DocumentKind; 3] = [
    DocumentKind::Identity,
    DocumentKind::Resource,
    DocumentKind::Trust,
];

#[test]
fn each_kind_has_its_own_elements() {
    let principal = ("Principal", json!("*"));
    let resource = ("Resource", json!("*"));
    for (elements, wanted) in [
        (vec![], [false, false, false]),
        (vec![resource.clone()], [true, false, false]),
        (vec![principal.clone()], [false, false, true]),
        (vec![principal, resource], [false, true, false]),
    ] {
        let mut statement = json!({ "Effect": "Allow", "Action": "sts:AssumeRole" });
        for (name, value) in &elements {
            statement[*name] = value.clone();
        }
        let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
        let accepted = KINDS.map(|kind| Document::from_json(kind, &document).is_ok());
        assert_eq!(accepted, wanted, "{document}");
    }
}

#[test]
fn only_identity_based_policies_may_be_empty_and_only_trust_policies_repeat_a_sid() {
    let empty = json!({ "Statement": [] });
    let accepted = KINDS.map(|kind| Document::from_json(kind, &empty).is_ok());
    assert_eq!(accepted, [true, false, false]);
    let statement =
        json!({ "Sid": "S", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*" });
    let twice = json!({ "Statement": [statement, statement] });
    assert!(Document::from_json(DocumentKind::Trust, &twice).is_ok());
}

#[test]
fn debug_does_not_show_the_text() {
    let text = r#"{"Id": "secret", "Statement": [{"Sid": "secret", "Effect": "Allow", "Action": "secret:*", "Resource": "*"}]}"#;
    let document = Document::parse(DocumentKind::Identity, text).unwrap();
    assert_eq!(format!("{document:?}"), "Document { statements: 1, .. }");
    assert_eq!(document.statement_count(), 1);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert!(Document::parse(DocumentKind::Identity, "\u{feff}{\"Statement\":[]}").is_ok());
}

#[test]
fn deep_and_large_documents_are_read_or_refused_without_harm() {
    let deep = |unit: &str, n: usize| unit.repeat(n);
    for text in [
        deep("[", 100_000),
        deep("{\"Statement\":", 100_000),
        format!("{{\"Statement\":{}{}}}", deep("[", 200), deep("]", 200)),
        format!("{{\"Version\":\"{}\"}}", deep("x", 1_000_000)),
        format!("{{\"Statement\":[{}{{}}]}}", deep("{},", 100_000)),
    ] {
        for kind in KINDS {
            assert!(Document::parse(kind, &text).is_err());
        }
    }
    let statement = r#"{"Effect":"Allow","Action":"a:b","Resource":"*"},"#;
    let text = format!(
        r#"{{"Statement":[{}{{"Effect":"Deny","Action":"*","Resource":"*"}}]}}"#,
        statement.repeat(20_000)
    );
    let document = Document::parse(DocumentKind::Identity, &text).unwrap();
    assert_eq!(document.statement_count(), 20_001);
}

#[test]
fn an_error_shows_its_place_in_front_of_its_reason() {
    let error = |text| {
        Document::parse(DocumentKind::Identity, text)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(error("7"), "must be an object");
    assert_eq!(error("{}"), "needs `Statement`");
    assert_eq!(
        error(
            r#"{"Statement":[{"Sid":"S","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}}]}"#
        ),
        r#"Statement[0] ("S"): Condition.StringEqual: unknown operator"#
    );
}
