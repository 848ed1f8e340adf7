//! A policy store's schema, compiled.

use cedar_policy::{Entity, PolicySet, Schema, ValidationMode, Validator};
use serde_json::{Map, Value};
use wire::shape_check::Violation;

use crate::error::{Error, ResourceType, causes};
use crate::quota::Quotas;

/// Where the service reports schema problems.
const PATH: &str = "/schema";
/// The bytes that a namespace's name may have.
const NAMESPACE_BYTES: std::ops::RangeInclusive<usize> = 1..=100;

/// A schema as decisions and validations use it.
pub(crate) struct CompiledSchema {
    validator: Validator,
    /// The actions and action groups, which the service adds to every request's entities.
    actions: Vec<Entity>,
}

impl CompiledSchema {
    /// Compiles a schema in Cedar's JSON format; a fault is Cedar's own text, at `/schema`.
    pub(crate) fn compile(json: &str) -> Result<Self, Error> {
        let schema =
            Schema::from_json_str(json).map_err(|error| Error::field(PATH, causes(&error)))?;
        let actions = schema
            .action_entities()
            .map(|all| all.into_iter().collect());
        // Fails only for a cycle of action groups, which the schema's own check refuses first.
        let actions = actions.unwrap_or_default();
        Ok(Self {
            validator: Validator::new(schema),
            actions,
        })
    }

    /// The schema's actions and action groups.
    pub(crate) fn actions(&self) -> &[Entity] {
        &self.actions
    }

    /// Strict validation of a set that holds one policy or template: Cedar's own texts, which
    /// the service reports at `/definition`.
    pub(crate) fn validate(&self, policies: &PolicySet, path: &str) -> Result<(), Error> {
        let result = self.validator.validate(policies, ValidationMode::Strict);
        let violations: Vec<Violation> = result
            .validation_errors()
            .map(|error| Violation {
                path: path.to_owned(),
                message: error.to_string(),
            })
            .collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::fields(violations))
        }
    }
}

/// Checks the text of a PutSchema as far as Cedar does not; the result is its namespaces.
pub(crate) fn check(
    json: &str,
    quotas: &Quotas,
    policy_store_id: &str,
) -> Result<Vec<String>, Error> {
    let quota =
        |message: String| Error::quota(message, ResourceType::Schema, policy_store_id.to_owned());
    if json.len() > quotas.schema_bytes {
        let limit = quotas.schema_bytes;
        return Err(quota(format!("A schema can have at most {limit} bytes.")));
    }
    let object: Map<String, Value> = serde_json::from_str(json)
        .map_err(|_| Error::field(PATH, "Provided schema is not a valid JSON object."))?;
    let violations: Vec<Violation> = object
        .keys()
        .filter(|namespace| !NAMESPACE_BYTES.contains(&namespace.len()))
        .map(|namespace| Violation {
            path: PATH.to_owned(),
            message: length_text(namespace),
        })
        .collect();
    if !violations.is_empty() {
        return Err(Error::fields(violations));
    }
    if object.len() > quotas.schema_namespaces {
        let limit = quotas.schema_namespaces;
        return Err(quota(format!(
            "A schema can have at most {limit} namespaces."
        )));
    }
    Ok(object.into_iter().map(|(namespace, _)| namespace).collect())
}

fn length_text(namespace: &str) -> String {
    format!(
        "Namespace lengths must be at least 1 and at most 100 bytes in size, but '{namespace}' is {} bytes in size.",
        namespace.len()
    )
}
