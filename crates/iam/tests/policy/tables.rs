//! The tables of questions. The first line of a table has the members that its requests share, each
//! further line a row: `name`, `request`, and the members of the answer to `expect`.

use std::collections::HashSet;

use iam::policy::simulate::simulate;
use serde_json::{Value, json};

/// The answer to a row, or its error.
fn answer(shared: &Value, row: &Value) -> Value {
    let mut request = shared.clone();
    let members = request.as_object_mut().expect("`shared` is an object");
    members.extend(
        row["request"]
            .as_object()
            .expect("`request` is an object")
            .clone(),
    );
    match simulate(&request.to_string()) {
        Ok(simulated) => simulated.json_line().parse().expect("the answer is JSON"),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// Whether `got` has the value that a row wants; of an object only the members that it names.
fn fits(wanted: &Value, got: &Value) -> bool {
    match wanted {
        Value::Object(members) => members
            .iter()
            .all(|(name, wanted)| fits(wanted, &got[name])),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            wanted == got
        }
    }
}

/// Asks the questions of a table and names every row with another answer.
fn run(text: &str, rows: usize) {
    let mut lines = text
        .lines()
        .map(|line| line.parse::<Value>().expect("a row is JSON"));
    let shared = lines.next().expect("a table has a first line")["shared"].clone();
    let mut faults = Vec::new();
    let mut names = HashSet::new();
    for row in lines {
        let (name, wanted) = (row["name"].to_string(), &row["expect"]);
        assert_ne!(wanted, &json!({}), "{name} expects nothing");
        let got = answer(&shared, &row);
        if !fits(wanted, &got) {
            faults.push(format!("{name}\n  wanted {wanted}\n  got    {got}"));
        }
        assert!(names.insert(name.clone()), "{name} occurs twice");
    }
    assert!(
        faults.is_empty(),
        "{}\n{} rows fail",
        faults.join("\n"),
        faults.len()
    );
    assert!(names.len() >= rows, "the table has lost rows");
}

#[test]
fn operators_compare_as_documented_with_every_prefix_and_suffix() {
    run(include_str!("tables/operators.jsonl"), 900);
}

#[test]
fn policies_combine_as_documented() {
    run(include_str!("tables/evaluation.jsonl"), 200);
}

#[test]
fn actions_and_resources_match_as_documented() {
    run(include_str!("tables/matching.jsonl"), 130);
}

#[test]
fn variables_are_replaced_as_documented() {
    run(include_str!("tables/variables.jsonl"), 110);
}

#[test]
fn values_compare_as_documented() {
    run(include_str!("tables/conditions.jsonl"), 300);
}

#[test]
fn principals_match_as_documented() {
    run(include_str!("tables/principals.jsonl"), 110);
}

#[test]
fn faults_are_named_with_their_place() {
    run(include_str!("tables/errors.jsonl"), 150);
}
