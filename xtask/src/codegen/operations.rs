//! `operations.rs` and `mod.rs`: the service and its operations.

use std::fmt::Write as _;

use super::names::screaming;
use super::service_model::{Operation, ServiceModel, Shape};

/// The text of `mod.rs`.
pub(super) fn module(model: &ServiceModel) -> String {
    format!(
        "//! {}.\n\n\
         mod operations;\npub mod shapes;\npub mod types;\n\n\
         pub use operations::{{OPERATIONS, SERVICE}};\n",
        model.metadata.service_full_name
    )
}

/// The text of `operations.rs`, unformatted.
pub(super) fn render(model: &ServiceModel) -> Result<String, String> {
    let metadata = &model.metadata;
    let mut operations = String::new();
    for (name, operation) in &model.operations {
        operations += &entry(model, name, operation)?;
    }
    Ok(format!(
        "use super::shapes;\n\
         use crate::{{OperationModel, ServiceModel}};\n\n\
         /// {full_name}.\n\
         pub static SERVICE: ServiceModel = ServiceModel {{\n\
             target_prefix: {target:?},\n\
             signing_name: {signing:?},\n\
             endpoint_prefix: {endpoint:?},\n\
             content_type: \"application/x-amz-json-{version}\",\n\
         }};\n\n\
         /// Every operation of {full_name}, in alphabetical order.\n\
         pub static OPERATIONS: &[OperationModel] = &[{operations}];\n",
        full_name = metadata.service_full_name,
        target = metadata.target_prefix,
        signing = metadata.signing_name,
        endpoint = metadata.endpoint_prefix,
        version = metadata.json_version,
    ))
}

fn entry(model: &ServiceModel, name: &str, operation: &Operation) -> Result<String, String> {
    let Shape::Structure { members, .. } = model.shape(&operation.input.shape)? else {
        return Err(format!("{name}: the input is not a structure"));
    };
    let has_client_token = members.0.iter().any(|(_, member)| member.idempotency_token);
    let errors: Vec<&str> = operation
        .errors
        .iter()
        .map(|error| error.shape.as_str())
        .collect();
    let mut entry = String::new();
    let _ = write!(
        entry,
        "OperationModel {{ name: {name:?}, input: &shapes::{}, errors: &{errors:?}, \
         read_only: {}, idempotent: {}, has_client_token: {has_client_token} }},",
        screaming(&operation.input.shape),
        operation.readonly,
        operation.idempotent,
    );
    Ok(entry)
}
