//! `operations.rs` and `mod.rs`: the service and its operations.

use super::http;
use super::names::screaming;
use super::service_model::{Metadata, Operation, Protocol, ServiceModel, Shape, ShapeRef};

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
        operations += &entry(model, name, operation).map_err(|e| format!("{name}: {e}"))?;
    }
    let bindings = match metadata.protocol {
        Protocol::RestJson => "HttpBinding, OperationModel, Protocol, QueryBinding, Segment",
        Protocol::Json | Protocol::Query => "OperationModel, Protocol",
    };
    Ok(format!(
        "use super::shapes;\n\
         use crate::{{{bindings}, ServiceModel}};\n\n\
         /// {full_name}.\n\
         pub static SERVICE: ServiceModel = ServiceModel {{\n\
             name: {full_name:?},\n\
             protocol: {protocol},\n\
             signing_name: {signing:?},\n\
             endpoint_prefix: {endpoint:?},\n\
         }};\n\n\
         /// Every operation of {full_name}, in alphabetical order.\n\
         pub static OPERATIONS: &[OperationModel] = &[{operations}];\n",
        full_name = metadata.service_full_name,
        protocol = protocol(metadata)?,
        signing = metadata.signing_name(),
        endpoint = metadata.endpoint_prefix,
    ))
}

fn protocol(metadata: &Metadata) -> Result<String, String> {
    fn given<'a>(value: Option<&'a String>, name: &str) -> Result<&'a String, String> {
        value.ok_or_else(|| format!("the metadata has no {name}"))
    }
    Ok(match metadata.protocol {
        Protocol::Json => format!(
            "Protocol::AwsJson {{ target_prefix: {:?}, \
             content_type: \"application/x-amz-json-{}\" }}",
            given(metadata.target_prefix.as_ref(), "targetPrefix")?,
            given(metadata.json_version.as_ref(), "jsonVersion")?,
        ),
        Protocol::RestJson => "Protocol::RestJson".to_owned(),
        Protocol::Query => format!(
            "Protocol::Query {{ version: {:?}, namespace: {:?} }}",
            metadata.api_version,
            given(metadata.xml_namespace.as_ref(), "xmlNamespace")?,
        ),
    })
}

fn entry(model: &ServiceModel, name: &str, operation: &Operation) -> Result<String, String> {
    let Shape::Structure { members, .. } = model.shape(&operation.input.shape)? else {
        return Err("the input is not a structure".to_owned());
    };
    let http = match model.metadata.protocol {
        Protocol::RestJson => format!("Some({})", http::binding(model, operation, members)?),
        Protocol::Json | Protocol::Query => {
            http::none(operation, members)?;
            "None".to_owned()
        }
    };
    if model.metadata.protocol == Protocol::Query {
        let wrapper = operation.output.as_ref();
        let wrapper = wrapper.and_then(|output| output.result_wrapper.as_ref());
        if wrapper.is_none_or(|wrapper| *wrapper != format!("{name}Result")) {
            return Err("the output's wrapper is not named after the operation".to_owned());
        }
    }
    let has_client_token = members.0.iter().any(|(_, member)| member.idempotency_token);
    let errors = operation.errors.iter().map(|error| code(model, error));
    let errors = errors.collect::<Result<Vec<_>, _>>()?;
    Ok(format!(
        "OperationModel {{ name: {name:?}, input: &shapes::{}, errors: &{errors:?}, \
         read_only: {}, idempotent: {}, has_client_token: {has_client_token}, http: {http} }},",
        screaming(&operation.input.shape),
        operation.readonly,
        operation.idempotent,
    ))
}

/// The code of an exception on the wire.
fn code<'a>(model: &'a ServiceModel, exception: &'a ShapeRef) -> Result<&'a str, String> {
    let Shape::Structure { error, .. } = model.shape(&exception.shape)? else {
        return Err(format!("{} is not a structure", exception.shape));
    };
    let code = error.as_ref().and_then(|error| error.code.as_deref());
    Ok(code.unwrap_or(&exception.shape))
}
