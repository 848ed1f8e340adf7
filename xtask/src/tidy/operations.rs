//! One file per operation of a service, named after it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{File, Finding};
use crate::codegen::names::snake;

/// The services: the model, and the folder with one file per operation.
const SERVICES: &[(&str, &str)] = &[(
    "models/verifiedpermissions.json",
    "crates/verified_permissions/src/ops/",
)];

pub(super) fn check(files: &[File]) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (model, folder) in SERVICES {
        let text = files.iter().find(|file| file.path == *model);
        let text = text.ok_or_else(|| format!("{model} is missing"))?;
        let operations = operations(&text.text).map_err(|e| format!("{model}: {e}"))?;
        let present = files
            .iter()
            .filter_map(|file| file.path.strip_prefix(folder))
            .collect();
        findings.extend(compare(folder, &operations, &present));
    }
    Ok(findings)
}

fn operations(model: &str) -> Result<Vec<String>, String> {
    let model: Value = serde_json::from_str(model).map_err(|e| e.to_string())?;
    let operations = model.get("operations").and_then(Value::as_object);
    Ok(operations
        .ok_or("no `operations`")?
        .keys()
        .cloned()
        .collect())
}

fn compare(folder: &str, operations: &[String], present: &BTreeSet<&str>) -> Vec<Finding> {
    let mut expected = BTreeSet::from(["mod.rs".to_owned()]);
    let mut findings = Vec::new();
    for operation in operations {
        let name = format!("{}.rs", snake(operation));
        if !present.contains(name.as_str()) {
            let message = format!("missing: the model has the operation {operation}");
            findings.push(Finding::new(format!("{folder}{name}"), message));
        }
        expected.insert(name);
    }
    for name in present.iter().filter(|name| !expected.contains(**name)) {
        let message = "no operation of the model has this name: shared rules belong to a noun";
        findings.push(Finding::new(format!("{folder}{name}"), message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_file_and_nothing_else_has() {
        let operations =
            operations(r#"{"operations": {"GetPolicy": {}, "PutSchema": {}}}"#).unwrap();
        let places = |present: &[&str]| -> Vec<String> {
            let present = present.iter().copied().collect();
            compare("ops/", &operations, &present)
                .into_iter()
                .map(|found| found.place)
                .collect()
        };
        assert_eq!(
            places(&["mod.rs", "get_policy.rs", "put_schema.rs"]),
            [""; 0]
        );
        assert_eq!(places(&["mod.rs", "get_policy.rs"]), ["ops/put_schema.rs"]);
        assert_eq!(
            places(&["get_policy.rs", "put_schema.rs", "util.rs"]),
            ["ops/util.rs"]
        );
        assert_eq!(
            places(&["get_policy.rs", "put_schema.rs", "get_policy/tests.rs"]),
            ["ops/get_policy/tests.rs"]
        );
    }
}
