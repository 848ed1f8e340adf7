//! Which resource policies are public: `tables/public_access.jsonl`.

use iam::policy::public_access::public_statement;
use iam::policy::{Document, DocumentKind};
use serde_json::{Value, json};

#[test]
fn statements_for_everyone_are_public_unless_a_trusted_key_limits_them() {
    let mut faults = Vec::new();
    let mut rows = 0;
    for line in include_str!("tables/public_access.jsonl").lines() {
        let row: Value = line.parse().expect("a row is JSON");
        let document = Document::from_json(DocumentKind::Resource, &row["document"]).unwrap();
        let found = public_statement(&document);
        let found = found.map(|found| json!({ "index": found.index, "sid": found.sid.as_deref() }));
        if json!(found) != row["expect"] {
            faults.push(format!("{}: got {}", row["name"], json!(found)));
        }
        rows += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows >= 100, "the table has lost rows");
}

#[test]
fn an_identity_based_policy_lets_nobody_in() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let document = Document::parse(DocumentKind::Identity, text).unwrap();
    assert_eq!(public_statement(&document), None);
}
