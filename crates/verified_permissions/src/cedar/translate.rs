//! Wire values of a decision request become Cedar values.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;

use cedar_policy::{Context, ContextCreationError, Entities, EntityAttrEvaluationError, EntityUid};
use cedar_policy_core::ast::{self, Eid, Entity, EntityUID, PartialValue, Value as CedarValue};
use cedar_policy_core::entities::Entities as Hierarchy;
use model::verified_permissions::types::{
    ActionIdentifier, ContextDefinition, EntitiesDefinition, EntityIdentifier, EntityItem,
};
use serde::Deserialize;
use serde_json::Value;

use crate::cedar::ancestors::{self, Parents};
use crate::cedar::compiled_schema::{CompiledSchema, TOKEN};
use crate::cedar::hierarchy::{self, Given};
use crate::cedar::{depth, entity_types, values};
use crate::error::{Error, causes};
use crate::quota::TRANSITIVE_PARENTS;
use crate::token::TokenPrincipal;

/// Type of the stand-in for a principal, action or resource that a request leaves out. No policy
/// can name it, so only unconstrained scopes match it.
const UNSPECIFIED: &str = "AmazonVerifiedPermissions::Unspecified";

/// An entity of a request, reported at `path` when its type is no entity type name.
fn uid(entity_type: &str, id: &str, path: &dyn Fn() -> String) -> Result<EntityUID, Error> {
    let name = entity_types::parse(entity_type)
        .map_err(|error| Error::field(path(), format!("invalid entity type: {error}")))?;
    let name = ast::EntityType::clone(&name);
    Ok(EntityUID::from_components(name, Eid::new(id), None))
}

/// An entity that the request names.
pub(crate) fn entity_uid_of(
    identifier: &EntityIdentifier,
    path: &dyn Fn() -> String,
) -> Result<EntityUID, Error> {
    let at = || format!("{}/entityType", path());
    uid(&identifier.entity_type, &identifier.entity_id, &at)
}

/// The principal or the resource of a request.
pub(crate) fn entity(
    identifier: Option<&EntityIdentifier>,
    path: &dyn Fn() -> String,
) -> Result<EntityUID, Error> {
    match identifier {
        Some(identifier) => entity_uid_of(identifier, path),
        None => uid(UNSPECIFIED, "", path),
    }
}

/// The action of a request.
pub(crate) fn action(
    identifier: Option<&ActionIdentifier>,
    path: &dyn Fn() -> String,
) -> Result<EntityUID, Error> {
    match identifier {
        Some(ActionIdentifier {
            action_type,
            action_id,
        }) => uid(action_type, action_id, &|| format!("{}/actionType", path())),
        None => uid(UNSPECIFIED, "", path),
    }
}

/// The context of a request whose principal is that of a token, with the claims of its access token
/// if it has one.
pub(crate) fn context_with_token(
    definition: Option<&ContextDefinition>,
    token: Option<CedarValue>,
    path: &dyn Fn() -> String,
) -> Result<ast::Context, Error> {
    let mut members = match context(definition, path)? {
        ast::Context::Value(members) => members,
        // INVARIANT: nothing in a request is unknown.
        ast::Context::RestrictedResidual(_) => Arc::default(),
    };
    // Also without an access token: a policy could not tell what was given from claims.
    if members.contains_key(TOKEN) {
        let text = "The member `token` of the context holds the claims of the accessToken and \
                    cannot be given.";
        return Err(Error::field(path(), text));
    }
    if let Some(token) = token {
        Arc::make_mut(&mut members).insert(TOKEN.into(), token);
    }
    Ok(ast::Context::Value(members))
}

/// The context of a request.
pub(crate) fn context(
    definition: Option<&ContextDefinition>,
    path: &dyn Fn() -> String,
) -> Result<ast::Context, Error> {
    match definition {
        None => Ok(ast::Context::empty()),
        Some(ContextDefinition::CedarJson(json)) => depth::for_json(|| {
            Context::from_json_str(json, None)
                .map(|context| AsRef::<ast::Context>::as_ref(&context).clone())
                .map_err(|error| Error::field(format!("{}/cedarJson", path()), causes(&error)))
        }),
        Some(ContextDefinition::ContextMap(map)) => {
            let at = || format!("{}/contextMap", path());
            let mut record = values::record(map, &at)?;
            match record.refused.take() {
                None => Ok(record.into_context()),
                Some((_, error)) => {
                    let error = ast::ContextCreationError::Evaluation(error);
                    let error = ContextCreationError::from(error);
                    Err(Error::field(at(), causes(&error)))
                }
            }
        }
    }
}

/// The entities of a request, closed over their parents, with the schema's actions added.
pub(crate) fn entities(
    definition: Option<&EntitiesDefinition>,
    schema: Option<&CompiledSchema>,
) -> Result<Entities, Error> {
    let actions = schema.map(CompiledSchema::actions);
    match definition {
        None => Ok(actions.cloned().unwrap_or_default().into()),
        Some(EntitiesDefinition::EntityList(items)) => {
            let path = "/entities/entityList";
            closed(entity_list(items, path)?, actions, path)
        }
        Some(EntitiesDefinition::CedarJson(json)) => {
            let path = "/entities/cedarJson";
            let entities = entity_json(json, schema, path)?;
            if actions.is_none() {
                refuse_actions(entities.as_ref().iter(), path)?;
                return Ok(entities);
            }
            closed(given_in(&entities), actions, path)
        }
    }
}

fn given_in(entities: &Entities) -> Given {
    let entities = entities.as_ref().iter();
    let given = entities.map(|entity| (entity.uid().clone(), Arc::new(entity.clone())));
    given.collect()
}

/// The entities of a request whose principal, with its groups, is that of a token.
pub(crate) fn entities_with_token(
    definition: Option<&EntitiesDefinition>,
    schema: Option<&CompiledSchema>,
    principal: &TokenPrincipal,
) -> Result<Entities, Error> {
    let (mut given, path) = match definition {
        None => (Given::new(), "/entities"),
        Some(EntitiesDefinition::EntityList(items)) => {
            let path = "/entities/entityList";
            (entity_list(items, path)?, path)
        }
        Some(EntitiesDefinition::CedarJson(json)) => {
            let path = "/entities/cedarJson";
            (given_in(&entity_json(json, schema, path)?), path)
        }
    };
    let source = &principal.source;
    let of_token = |uid: &&EntityUID| {
        let entity_type = uid.entity_type();
        *entity_type == source.principal_type || Some(entity_type) == source.group_type.as_ref()
    };
    if let Some(uid) = given.keys().find(of_token) {
        let text =
            format!("Principals and groups come from the token and cannot be given: `{uid}`.");
        return Err(Error::field(path, text));
    }
    // Actions may be named, and nothing more.
    given.retain(|uid, entity| !uid.is_action() || !is_bare(entity));
    given.insert(
        principal.entity.uid().clone(),
        Arc::clone(&principal.entity),
    );
    let actions = schema.map(CompiledSchema::actions);
    closed(given, actions, path)
}

/// Whether nothing but the identifier was given.
fn is_bare(entity: &Entity) -> bool {
    let nothing = entity.attrs().next().is_none() && entity.tags().next().is_none();
    nothing && entity.ancestors().next().is_none()
}

/// What was given and the actions, as Cedar takes them.
fn closed(given: Given, actions: Option<&Hierarchy>, path: &str) -> Result<Entities, Error> {
    let closure = hierarchy::closure(&given, actions).map_err(|uid| too_many_parents(uid, path))?;
    refuse_actions(given.values().map(AsRef::as_ref), path)?;
    hierarchy::close(given, closure, actions)
        .map(Entities::from)
        .map_err(|text| Error::field(path, text))
}

fn refuse_actions<'a>(
    mut given: impl Iterator<Item = &'a Entity>,
    path: &str,
) -> Result<(), Error> {
    match given.find(|entity| entity.uid().is_action()) {
        None => Ok(()),
        Some(action) => {
            let text = format!(
                "Action entities come from the schema and cannot be given: `{}`.",
                action.uid()
            );
            Err(Error::field(path, text))
        }
    }
}

fn too_many_parents(uid: &impl Display, path: &str) -> Error {
    let text = format!("The entity `{uid}` has more than {TRANSITIVE_PARENTS} transitive parents.");
    Error::field(path, text)
}

fn entity_list(items: &[EntityItem], path: &str) -> Result<Given, Error> {
    // The service takes the last of several items with one identifier; Cedar refuses them.
    let mut last = Given::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let entity = entity_item(item, &|| format!("{path}/{at}"))?;
        last.insert(entity.uid().clone(), Arc::new(entity));
    }
    Ok(last)
}

fn entity_json(json: &str, schema: Option<&CompiledSchema>, path: &str) -> Result<Entities, Error> {
    /// As much of an entity in Cedar's JSON as its place in the hierarchy.
    #[derive(Deserialize)]
    struct Node {
        uid: Value,
        parents: Vec<Value>,
    }
    depth::for_json(|| {
        // What cannot be read here, Cedar refuses with its own text.
        if let Ok(nodes) = serde_json::from_str::<Vec<Node>>(json) {
            let uid = |json| EntityUid::from_json(json).ok();
            let node = |node: Node| {
                Some((
                    uid(node.uid)?,
                    node.parents.into_iter().filter_map(uid).collect(),
                ))
            };
            let parents: Parents<EntityUid> = nodes.into_iter().filter_map(node).collect();
            let none = Parents::new();
            let groups = schema.map_or(&none, CompiledSchema::action_groups);
            if let Some(uid) = ancestors::over_quota(&parents, groups) {
                return Err(too_many_parents(uid, path));
            }
        }
        Entities::from_json_str(json, None).map_err(|error| Error::field(path, causes(&error)))
    })
}

fn entity_item(item: &EntityItem, path: &dyn Fn() -> String) -> Result<Entity, Error> {
    let none = BTreeMap::new();
    let no_tags = BTreeMap::new();
    let uid = entity_uid_of(&item.identifier, &|| format!("{}/identifier", path()))?;
    let attributes = item.attributes.as_ref().unwrap_or(&none);
    let attributes = values::record(attributes, &|| format!("{}/attributes", path()))?;
    let tags = item.tags.as_ref().unwrap_or(&no_tags);
    let tags = values::record(tags, &|| format!("{}/tags", path()))?;
    let mut parents = HashSet::new();
    for (at, parent) in item.parents.iter().flatten().enumerate() {
        let at = || format!("{}/parents/{at}", path());
        parents.insert(entity_uid_of(parent, &at)?);
    }
    let was_attr = attributes.refused.is_some();
    if let Some((key, err)) = attributes.refused.or(tags.refused) {
        let error = EntityAttrEvaluationError::from(ast::EntityAttrEvaluationError {
            uid,
            attr_or_tag: key.into(),
            was_attr,
            err,
        });
        return Err(Error::field(path(), causes(&error)));
    }
    let known = |(key, value): (&str, CedarValue)| (key.into(), PartialValue::Value(value));
    Ok(Entity::new_with_attr_partial_value(
        uid,
        attributes.members.into_iter().map(known),
        HashSet::new(),
        parents,
        tags.members.into_iter().map(known),
    ))
}
