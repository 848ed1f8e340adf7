//! `shapes.rs`: the shape tables that every input is checked against.

use std::fmt::Write as _;

use super::names::screaming;
use super::service_model::{Ordered, ServiceModel, Shape, ShapeRef};

/// Patterns that let more pass than the model's, by service and shape: the operation checks what
/// only the configuration can decide.
const WIDER: &[(&str, &str, &str)] = &[
    // Plain HTTP, for identity providers on the same machine.
    ("Amazon Verified Permissions", "Issuer", "https?://.*"),
];

/// The text of `shapes.rs`, unformatted.
pub(super) fn render(model: &ServiceModel) -> Result<String, String> {
    let mut body = String::new();
    for name in model.input_shapes()? {
        let wider = WIDER.iter().find(|(service, widened, _)| {
            *service == model.metadata.service_full_name && *widened == name
        });
        let wider = wider.map(|(_, _, pattern)| *pattern);
        let kind = kind(model.shape(name)?, wider).map_err(|e| format!("{name}: {e}"))?;
        let _ = write!(
            body,
            "pub static {}: Shape = Shape {{ name: {name:?}, kind: {kind} }};\n\n",
            screaming(name)
        );
    }
    Ok(format!(
        "//! What the inputs of {} must look like.\n\
         #![expect(missing_docs, reason = \"shapes are named as in the service model\")]\n\n\
         use crate::shape::{{Kind, Member, Pattern, Shape}};\n\n{body}",
        model.metadata.service_full_name
    ))
}

fn kind(shape: &Shape, wider: Option<&str>) -> Result<String, String> {
    Ok(match shape {
        Shape::Structure {
            members,
            required,
            union,
            error: _,
        } => {
            let kind = if *union { "Union" } else { "Structure" };
            format!(
                "Kind::{kind}(&[{}])",
                members_of(members, |member| required.contains(member))
            )
        }
        Shape::List { member, min, max } => format!(
            "Kind::List {{ member: &{}, min: {min:?}, max: {max:?} }}",
            screaming(&member.shape)
        ),
        Shape::Map {
            key,
            value,
            min,
            max,
        } => format!(
            "Kind::Map {{ key: &{}, value: &{}, min: {min:?}, max: {max:?} }}",
            screaming(&key.shape),
            screaming(&value.shape)
        ),
        Shape::String {
            min,
            max,
            pattern,
            values,
        } => {
            let pattern = match wider.or(pattern.as_deref()) {
                Some(pattern) => format!("Some(Pattern::new({}))", raw_literal(pattern)?),
                None => "None".to_owned(),
            };
            format!(
                "Kind::String {{ min: {min:?}, max: {max:?}, pattern: {pattern}, \
                 values: &{values:?} }}"
            )
        }
        Shape::Integer { min, max } => format!("Kind::Integer {{ min: {min:?}, max: {max:?} }}"),
        Shape::Long { min, max } => format!("Kind::Long {{ min: {min:?}, max: {max:?} }}"),
        Shape::Boolean {} => "Kind::Boolean".to_owned(),
        Shape::Timestamp { .. } => {
            return Err("a timestamp in an input is not supported".to_owned());
        }
    })
}

fn members_of(members: &Ordered<ShapeRef>, required: impl Fn(&str) -> bool) -> String {
    members
        .0
        .iter()
        .fold(String::new(), |mut out, (member, reference)| {
            let _ = write!(
                out,
                "Member {{ name: {member:?}, shape: &{}, required: {} }},",
                screaming(&reference.shape),
                required(member)
            );
            out
        })
}

fn raw_literal(text: &str) -> Result<String, String> {
    if text.contains('"') {
        return Err("a pattern with a quotation mark is not supported".to_owned());
    }
    Ok(if text.contains('\\') {
        format!("r\"{text}\"")
    } else {
        format!("\"{text}\"")
    })
}
