//! `types.rs`: the serde types of everything that an operation takes or gives.

use std::fmt::Write as _;

use super::names::{Case, pascal, snake};
use super::service_model::{Ordered, Protocol, ServiceModel, Shape, ShapeRef};

/// The text of `types.rs`, unformatted.
pub(super) fn render(model: &ServiceModel) -> Result<String, String> {
    let inputs = model.input_shapes()?;
    let outputs = model.output_shapes()?;
    let mut body = String::new();
    for (name, shape) in &model.shapes {
        let input = inputs.contains(name.as_str());
        if !input && !outputs.contains(name.as_str()) {
            continue;
        }
        let serde = if input {
            "Serialize, Deserialize"
        } else {
            "Serialize"
        };
        match shape {
            Shape::Structure {
                members,
                union: true,
                ..
            } => {
                body += &union(model, name, members, serde)?;
            }
            Shape::Structure {
                members,
                required,
                union: false,
                error: _,
            } => {
                let required = |member: &str| required.contains(member);
                body += &structure(model, name, members, required, serde)?;
            }
            Shape::String { values, .. } if !values.is_empty() => {
                body += &string_enum(name, values, serde);
            }
            Shape::List { .. }
            | Shape::Map { .. }
            | Shape::String { .. }
            | Shape::Integer { .. }
            | Shape::Long { .. }
            | Shape::Boolean {}
            | Shape::Timestamp { .. } => {}
        }
    }
    for (name, operation) in &model.operations {
        if operation.output.is_none() {
            let name = format!("{name}Output");
            body += &structure(model, &name, &Ordered(Vec::new()), |_| false, "Serialize")?;
        }
    }
    let maps = if body.contains("BTreeMap<") {
        "use std::collections::BTreeMap;\n\n"
    } else {
        ""
    };
    Ok(format!(
        "//! The inputs and outputs of {}.\n\
         #![expect(missing_docs, reason = \"members are named as in the API reference\")]\n\n\
         {maps}use base::Timestamp;\n\
         use serde::{{Deserialize, Serialize}};\n\n{body}",
        model.metadata.service_full_name
    ))
}

fn structure(
    model: &ServiceModel,
    name: &str,
    members: &Ordered<ShapeRef>,
    required: impl Fn(&str) -> bool,
    serde: &str,
) -> Result<String, String> {
    let case = Case::of(members.names());
    let mut fields = String::new();
    for (member, reference) in &members.0 {
        let field = snake(member);
        let mut attributes = rename(case, &field, member);
        let mut kind = rust_type(model, &reference.shape)?;
        let timestamp = timestamp_writer(model, &reference.shape)?;
        if required(member) {
            attributes.extend(timestamp.map(|writer| format!("serialize_with = \"{writer}\"")));
        } else {
            kind = format!("Option<{kind}>");
            attributes.push("default".to_owned());
            attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
            attributes
                .extend(timestamp.map(|writer| format!("serialize_with = \"{writer}_option\"")));
        }
        if !attributes.is_empty() {
            let _ = writeln!(fields, "#[serde({})]", attributes.join(", "));
        }
        let _ = writeln!(fields, "pub {field}: {kind},");
    }
    Ok(format!(
        "#[derive(Clone, PartialEq, {serde})]\n#[serde(rename_all = {:?})]\n\
         pub struct {name} {{\n{fields}}}\n\n",
        case.rename_all()
    ))
}

fn union(
    model: &ServiceModel,
    name: &str,
    members: &Ordered<ShapeRef>,
    serde: &str,
) -> Result<String, String> {
    let case = Case::of(members.names());
    let mut variants = String::new();
    for (member, reference) in &members.0 {
        let variant = pascal(member);
        for attribute in rename(case, &variant, member) {
            let _ = writeln!(variants, "#[serde({attribute})]");
        }
        if timestamp_writer(model, &reference.shape)?.is_some() {
            return Err(format!(
                "{name}.{member}: a union with a timestamp is not supported"
            ));
        }
        let _ = writeln!(
            variants,
            "{variant}({}),",
            rust_type(model, &reference.shape)?
        );
    }
    Ok(format!(
        "#[derive(Clone, PartialEq, {serde})]\n#[serde(rename_all = {:?})]\n\
         pub enum {name} {{\n{variants}}}\n\n",
        case.rename_all()
    ))
}

fn string_enum(name: &str, values: &[String], serde: &str) -> String {
    let mut variants = String::new();
    let mut arms = String::new();
    for value in values {
        let variant = pascal(value);
        if variant != *value {
            let _ = writeln!(variants, "#[serde(rename = {value:?})]");
        }
        let _ = writeln!(variants, "{variant},");
        let _ = writeln!(arms, "Self::{variant} => {value:?},");
    }
    format!(
        "#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, {serde})]\n\
         pub enum {name} {{\n{variants}}}\n\n\
         impl {name} {{\n\
             /// The value on the wire.\n\
             pub const fn as_str(self) -> &'static str {{ match self {{\n{arms}}} }}\n\
         }}\n\n"
    )
}

/// The attribute that a name needs where `rename_all` alone would not give the wire's name.
fn rename(case: Case, rust_name: &str, wire_name: &str) -> Vec<String> {
    let renamed = case.serde(rust_name) != wire_name;
    renamed
        .then(|| format!("rename = {wire_name:?}"))
        .into_iter()
        .collect()
}

fn rust_type(model: &ServiceModel, name: &str) -> Result<String, String> {
    Ok(match model.shape(name)? {
        Shape::Structure { .. } => name.to_owned(),
        Shape::String { values, .. } if !values.is_empty() => name.to_owned(),
        Shape::String { .. } => "String".to_owned(),
        Shape::List { member, .. } => format!("Vec<{}>", rust_type(model, &member.shape)?),
        Shape::Map { value, .. } => {
            format!("BTreeMap<String, {}>", rust_type(model, &value.shape)?)
        }
        Shape::Integer { .. } => "i32".to_owned(),
        Shape::Long { .. } => "i64".to_owned(),
        Shape::Boolean {} => "bool".to_owned(),
        Shape::Timestamp { .. } => "Timestamp".to_owned(),
    })
}

/// The function that writes a timestamp in the format of its shape or else of the protocol, if the
/// shape is one.
fn timestamp_writer(model: &ServiceModel, name: &str) -> Result<Option<&'static str>, String> {
    let Shape::Timestamp { format } = model.shape(name)? else {
        return Ok(None);
    };
    match (format.as_deref(), model.metadata.protocol) {
        (Some("iso8601"), _) => Ok(Some("crate::timestamp::iso8601")),
        (None, Protocol::Json | Protocol::RestJson) => Ok(Some("crate::timestamp::epoch_seconds")),
        (None, Protocol::Query) => Ok(Some("crate::timestamp::iso8601_seconds")),
        (Some(other), _) => Err(format!("{name}: unknown timestamp format {other}")),
    }
}
