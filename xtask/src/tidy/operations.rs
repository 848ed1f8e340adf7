//! One file per operation of a service, named after it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{File, Finding};
use crate::codegen::SERVICES;
use crate::codegen::names::snake;

pub(super) fn check(files: &[File]) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (model, module) in SERVICES {
        findings.extend(service(files, model, module)?);
    }
    Ok(findings)
}

/// Compares the operations of `models/<model>.json` with the files of the crate that is named like
/// the module. A service whose crate does not exist is only modelled.
fn service(files: &[File], model: &str, module: &str) -> Result<Vec<Finding>, String> {
    let home = format!("crates/{module}/");
    if !files.iter().any(|file| file.path.starts_with(&home)) {
        return Ok(Vec::new());
    }
    let model = format!("models/{model}.json");
    let text = files.iter().find(|file| file.path == model);
    let text = text.ok_or_else(|| format!("{model} is missing"))?;
    let operations = operations(&text.text).map_err(|e| format!("{model}: {e}"))?;
    let folder = format!("{home}src/ops/");
    let present = files
        .iter()
        .filter_map(|file| file.path.strip_prefix(&folder))
        .collect();
    Ok(compare(&folder, &operations, &present))
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
    use super::super::file;
    use super::*;

    #[test]
    fn a_service_counts_as_soon_as_its_crate_exists() {
        let model = ("models/m.json", r#"{"operations": {"GetPolicy": {}}}"#);
        let manifest = ("crates/s/Cargo.toml", "");
        let operation = ("crates/s/src/ops/get_policy.rs", "");
        let other = ("crates/st/src/ops/get_schema.rs", "");
        for (files, findings) in [
            (&[][..], Ok(0)),
            (&[other], Ok(0)),
            (&[model, manifest], Ok(1)),
            (&[model, manifest, operation], Ok(0)),
            (&[manifest], Err("models/m.json is missing".to_owned())),
        ] {
            let files: Vec<File> = files.iter().map(|(path, text)| file(path, text)).collect();
            let found = service(&files, "m", "s").map(|found| found.len());
            assert_eq!(found, findings);
        }
    }

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
