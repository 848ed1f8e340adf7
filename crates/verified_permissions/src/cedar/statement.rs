//! Statements: parsed with Cedar's default ids, so that Cedar's texts name `policy0` as the
//! service's do, and validated in mode STRICT.

use std::collections::HashMap;

use cedar_policy::{EntityUid, ParseErrors, Policy, PolicyId, PolicySet, SlotId, Template};
use wire::shape_check::Violation;

use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::depth;
use crate::entity::PolicyScope;
use crate::error::{Error, MAX_FIELDS};

/// Where the service reports problems of a static policy's text.
const STATIC_PATH: &str = "/definition/static/statement";
/// Where it reports problems of a template's text.
pub(crate) const TEMPLATE_PATH: &str = "/template/statement";
/// Where it reports what the schema refuses.
pub(crate) const DEFINITION_PATH: &str = "/definition";
/// The text for a body that is not one policy.
const NOT_ONE_POLICY: &str = "Failed to validate policy body.";

/// Parses exactly one static policy.
pub(crate) fn parse_static(statement: &str) -> Result<Policy, Error> {
    let set = parse_one(statement, STATIC_PATH)?;
    if let Some(policy) = set.policies().next() {
        return Ok(policy.clone());
    }
    // A template: parsed once more for Cedar's text about it.
    depth::for_statements(|| {
        Policy::parse(None, statement).map_err(|error| Error::field(STATIC_PATH, error.to_string()))
    })
}

/// Parses exactly one template. `allow_unconstrained` accepts a scope that leaves the principal
/// or the resource open.
pub(crate) fn parse_template(
    statement: &str,
    allow_unconstrained: bool,
) -> Result<Template, Error> {
    let set = parse_one(statement, TEMPLATE_PATH)?;
    let template = match set.templates().next() {
        Some(template) => template.clone(),
        // A static policy: parsed once more for Cedar's text about it.
        None => depth::for_statements(|| {
            Template::parse(None, statement)
                .map_err(|error| Error::field(TEMPLATE_PATH, error.to_string()))
        })?,
    };
    let scope = PolicyScope::from(&template);
    if !allow_unconstrained {
        for (part, is_open) in [
            ("principal", scope.principal.is_any()),
            ("resource", scope.resource.is_any()),
        ] {
            if is_open {
                let text = format!("The {part} of a policy template's scope must be constrained.");
                return Err(Error::field(TEMPLATE_PATH, text));
            }
        }
    }
    Ok(template)
}

/// Parses one policy or template. A fault is reported with the service's text, followed by Cedar's
/// own.
fn parse_one(statement: &str, path: &str) -> Result<PolicySet, Error> {
    depth::check(statement).map_err(|text| not_a_policy(path, std::iter::once(text)))?;
    let set: PolicySet = depth::for_statements(|| {
        statement.parse().map_err(|errors: ParseErrors| {
            not_a_policy(path, errors.iter().map(ToString::to_string))
        })
    })?;
    match set.num_of_policies() + set.num_of_templates() {
        1 => Ok(set),
        _ => Err(not_a_policy(path, std::iter::empty())),
    }
}

fn not_a_policy(path: &str, texts: impl Iterator<Item = String>) -> Error {
    let violation = |message| Violation {
        path: path.to_owned(),
        message,
    };
    let texts = std::iter::once(NOT_ONE_POLICY.to_owned()).chain(texts);
    Error::fields(texts.map(violation).take(MAX_FIELDS).collect())
}

/// Validates a static policy.
pub(crate) fn validate_static(policy: &Policy, schema: &CompiledSchema) -> Result<(), Error> {
    let mut set = PolicySet::new();
    set.add(policy.clone())
        .map_err(|error| Error::field(DEFINITION_PATH, error.to_string()))?;
    schema.validate(&set, DEFINITION_PATH)
}

/// Validates a template.
pub(crate) fn validate_template(template: &Template, schema: &CompiledSchema) -> Result<(), Error> {
    schema.validate(&template_set(template)?, DEFINITION_PATH)
}

/// Validates a template with its slots filled.
pub(crate) fn validate_link(
    template: &Template,
    slots: HashMap<SlotId, EntityUid>,
    schema: &CompiledSchema,
) -> Result<(), Error> {
    // The linked policy is the one that the texts should name `policy0`.
    let template_id = PolicyId::new("template0");
    let mut set = template_set(&template.new_id(template_id.clone()))?;
    set.link(template_id, PolicyId::new("policy0"), slots)
        .map_err(|error| Error::field(DEFINITION_PATH, error.to_string()))?;
    schema.validate(&set, DEFINITION_PATH)
}

fn template_set(template: &Template) -> Result<PolicySet, Error> {
    let mut set = PolicySet::new();
    set.add_template(template.clone())
        .map_err(|error| Error::field(DEFINITION_PATH, error.to_string()))?;
    Ok(set)
}
