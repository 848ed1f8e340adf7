//! A policy store's schema, compiled.

use cedar_policy::{
    Entities, Entity, EntityUid, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};
use cedar_policy_core::ast::{EntityType, EntityUID};
use cedar_policy_core::entities::Entities as Hierarchy;
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::{Attributes, Type};
use serde_json::{Map, Value};
use wire::shape_check::Violation;

use crate::cedar::ancestors::Parents;
use crate::cedar::{depth, schema_bounds};
use crate::error::{Error, MAX_FIELDS, ResourceType, causes};
use crate::quota::Quotas;

/// The member of the context that the claims of an access token are in.
pub(crate) const TOKEN: &str = "token";
/// Where the service reports schema problems.
const PATH: &str = "/schema";
/// The bytes that a namespace's name may have.
const NAMESPACE_BYTES: std::ops::RangeInclusive<usize> = 1..=100;

/// A schema as decisions and validations use it.
pub(crate) struct CompiledSchema {
    validator: Validator,
    /// The actions and action groups, which the service adds to every request's entities.
    actions: Hierarchy,
    /// The groups that each of them is in.
    action_groups: Parents<EntityUid>,
}

impl CompiledSchema {
    /// Compiles a schema in Cedar's JSON format; a fault is Cedar's own text, at `/schema`.
    pub(crate) fn compile(json: &str) -> Result<Self, Error> {
        let schema = depth::for_statements(|| {
            Schema::from_json_str(json).map_err(|error| Error::field(PATH, causes(&error)))
        })?;
        // Fails only for a cycle of action groups, which the schema's own check refuses first.
        let actions: Entities = schema.action_entities().unwrap_or_default();
        let groups = |action: Entity| {
            let (uid, _, groups) = action.into_inner();
            (uid, groups.into_iter().collect())
        };
        Ok(Self {
            validator: Validator::new(schema),
            actions: Hierarchy::clone(actions.as_ref()),
            action_groups: actions.into_iter().map(groups).collect(),
        })
    }

    /// The schema's actions and action groups, closed over the groups.
    pub(crate) fn actions(&self) -> &Hierarchy {
        &self.actions
    }

    /// The groups of each of them.
    pub(crate) fn action_groups(&self) -> &Parents<EntityUid> {
        &self.action_groups
    }

    fn declarations(&self) -> &ValidatorSchema {
        self.validator.schema().as_ref()
    }

    /// The attributes of entities of this type, if it is declared.
    pub(crate) fn attributes(&self, entity_type: &EntityType) -> Option<&Attributes> {
        let declared = self.declarations().get_entity_type(entity_type)?;
        Some(declared.attributes())
    }

    /// The members of `context.token`, if the action declares it to be a record.
    pub(crate) fn context_token(&self, action: &EntityUID) -> Option<&Attributes> {
        let context = members(self.declarations().context_type(action)?)?;
        members(&context.get_attr(TOKEN)?.attr_type)
    }

    /// Strict validation of a set that holds one policy or template: Cedar's own texts, which
    /// the service reports at `/definition`.
    pub(crate) fn validate(&self, policies: &PolicySet, path: &str) -> Result<(), Error> {
        // Where the stack ends, the validator stops looking and finds nothing.
        let validate = || self.validator.validate(policies, ValidationMode::Strict);
        let result = depth::for_statements(validate);
        let violation = |message| Violation {
            path: path.to_owned(),
            message,
        };
        // The service refuses policies that no action applies to; to Cedar they are a warning by
        // now. Other warnings refuse nothing.
        let inapplicable = result
            .validation_warnings()
            .filter(|warning| matches!(warning, ValidationWarning::InvalidActionApplication(_)));
        // Cedar's order is another one each time.
        let mut texts: Vec<String> = result
            .validation_errors()
            .map(ToString::to_string)
            .collect();
        texts.sort_unstable();
        let violations: Vec<Violation> = texts
            .into_iter()
            .chain(inapplicable.map(ToString::to_string))
            .map(violation)
            .take(MAX_FIELDS)
            .collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::fields(violations))
        }
    }
}

fn members(record: &Type) -> Option<&Attributes> {
    if let Type::Record { attrs, .. } = record {
        Some(attrs)
    } else {
        None
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
    depth::for_statements(|| schema_bounds::check(&object))
        .map_err(|text| Error::field(PATH, text))?;
    Ok(object.into_iter().map(|(namespace, _)| namespace).collect())
}

fn length_text(namespace: &str) -> String {
    format!(
        "Namespace lengths must be at least 1 and at most 100 bytes in size, but '{namespace}' is {} bytes in size.",
        namespace.len()
    )
}
