//! Wire values of a decision request become Cedar values.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression,
};
use model::verified_permissions::types::{
    ActionIdentifier, AttributeValue, CedarTagValue, ContextDefinition, EntitiesDefinition,
    EntityIdentifier, EntityItem,
};
use serde::Deserialize;
use serde_json::Value;

use crate::cedar::ancestors::{self, Parents};
use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::depth;
use crate::error::{Error, causes};
use crate::quota::TRANSITIVE_PARENTS;

/// Type of the stand-in for a principal, action or resource that a request leaves out. No policy
/// can name it, so only unconstrained scopes match it.
const UNSPECIFIED: &str = "AmazonVerifiedPermissions::Unspecified";

/// An entity of a request, reported at `path` when its type is no entity type name.
fn entity_uid(entity_type: &str, id: &str, path: &dyn Fn() -> String) -> Result<EntityUid, Error> {
    let name: EntityTypeName = entity_type
        .parse()
        .map_err(|error| Error::field(path(), format!("invalid entity type: {error}")))?;
    Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}

/// The principal or the resource of a request.
pub(crate) fn entity(
    identifier: Option<&EntityIdentifier>,
    path: &dyn Fn() -> String,
) -> Result<EntityUid, Error> {
    match identifier {
        Some(EntityIdentifier {
            entity_type,
            entity_id,
        }) => entity_uid(entity_type, entity_id, &|| format!("{}/entityType", path())),
        None => entity_uid(UNSPECIFIED, "", path),
    }
}

/// The action of a request.
pub(crate) fn action(
    identifier: Option<&ActionIdentifier>,
    path: &dyn Fn() -> String,
) -> Result<EntityUid, Error> {
    match identifier {
        Some(ActionIdentifier {
            action_type,
            action_id,
        }) => entity_uid(action_type, action_id, &|| format!("{}/actionType", path())),
        None => entity_uid(UNSPECIFIED, "", path),
    }
}

/// The context of a request.
pub(crate) fn context(
    definition: Option<ContextDefinition>,
    path: &dyn Fn() -> String,
) -> Result<Context, Error> {
    match definition {
        None => Ok(Context::empty()),
        Some(ContextDefinition::CedarJson(json)) => depth::for_json(|| {
            Context::from_json_str(&json, None)
                .map_err(|error| Error::field(format!("{}/cedarJson", path()), causes(&error)))
        }),
        Some(ContextDefinition::ContextMap(map)) => {
            let at = || format!("{}/contextMap", path());
            let pairs = record(map, &at)?;
            Context::from_pairs(pairs).map_err(|error| Error::field(at(), causes(&error)))
        }
    }
}

/// The entities of a request, closed over their parents, with the schema's actions added.
pub(crate) fn entities(
    definition: Option<EntitiesDefinition>,
    schema: Option<&CompiledSchema>,
) -> Result<Entities, Error> {
    let (path, given) = match definition {
        None => ("/entities", Vec::new()),
        Some(EntitiesDefinition::EntityList(items)) => {
            let path = "/entities/entityList";
            (path, entity_list(items, schema, path)?)
        }
        Some(EntitiesDefinition::CedarJson(json)) => {
            let path = "/entities/cedarJson";
            (path, entity_json(&json, schema, path)?)
        }
    };
    if let Some(action) = given.iter().find(|entity| is_action(&entity.uid())) {
        let text = format!(
            "Action entities come from the schema and cannot be given: `{}`.",
            action.uid()
        );
        return Err(Error::field(path, text));
    }
    let actions = schema.map(CompiledSchema::actions).unwrap_or_default();
    Entities::from_entities(given.into_iter().chain(actions.iter().cloned()), None)
        .map_err(|error| Error::field(path, causes(&error)))
}

fn entity_list(
    items: Vec<EntityItem>,
    schema: Option<&CompiledSchema>,
    path: &str,
) -> Result<Vec<Entity>, Error> {
    // The service takes the last of several items with one identifier; Cedar refuses them.
    let mut last: HashMap<EntityUid, Entity> = HashMap::with_capacity(items.len());
    let mut parents = Parents::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let (entity, its_parents) = entity_item(item, &|| format!("{path}/{at}"))?;
        parents.insert(entity.uid(), its_parents);
        last.insert(entity.uid(), entity);
    }
    check_parents(&parents, schema, path)?;
    Ok(last.into_values().collect())
}

fn entity_json(
    json: &str,
    schema: Option<&CompiledSchema>,
    path: &str,
) -> Result<Vec<Entity>, Error> {
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
            let parents = nodes.into_iter().filter_map(node).collect();
            check_parents(&parents, schema, path)?;
        }
        let entities = Entities::from_json_str(json, None)
            .map_err(|error| Error::field(path, causes(&error)))?;
        Ok(entities.into_iter().collect())
    })
}

/// Refuses entities with too many transitive parents.
fn check_parents(
    parents: &Parents<EntityUid>,
    schema: Option<&CompiledSchema>,
    path: &str,
) -> Result<(), Error> {
    let none = Parents::new();
    let groups = schema.map_or(&none, CompiledSchema::action_groups);
    match ancestors::over_quota(parents, groups) {
        None => Ok(()),
        Some(uid) => {
            let text = format!(
                "The entity `{uid}` has more than {TRANSITIVE_PARENTS} transitive parents."
            );
            Err(Error::field(path, text))
        }
    }
}

fn is_action(uid: &EntityUid) -> bool {
    uid.type_name().basename() == "Action"
}

/// An entity, and its direct parents.
fn entity_item(
    item: EntityItem,
    path: &dyn Fn() -> String,
) -> Result<(Entity, Vec<EntityUid>), Error> {
    let uid = entity(Some(&item.identifier), &|| format!("{}/identifier", path()))?;
    let attributes = record(item.attributes.unwrap_or_default(), &|| {
        format!("{}/attributes", path())
    })?;
    let tags = record(item.tags.unwrap_or_default(), &|| {
        format!("{}/tags", path())
    })?;
    let mut parents = Vec::new();
    for (at, parent) in item.parents.unwrap_or_default().iter().enumerate() {
        parents.push(entity(Some(parent), &|| {
            format!("{}/parents/{at}", path())
        })?);
    }
    let entity = Entity::new_with_tags(uid, attributes, parents.clone(), tags)
        .map_err(|error| Error::field(path(), causes(&error)))?;
    Ok((entity, parents))
}

/// A value of the wire: an attribute's or a tag's, which have the same members.
pub(crate) trait WireValue: Sized {
    fn into_expression(self, path: &dyn Fn() -> String) -> Result<RestrictedExpression, Error>;
}

macro_rules! wire_value {
    ($value:ident) => {
        impl WireValue for $value {
            fn into_expression(
                self,
                path: &dyn Fn() -> String,
            ) -> Result<RestrictedExpression, Error> {
                Ok(match self {
                    Self::Boolean(value) => RestrictedExpression::new_bool(value),
                    Self::Long(value) => RestrictedExpression::new_long(value),
                    Self::String(value) => RestrictedExpression::new_string(value),
                    Self::EntityIdentifier(identifier) => {
                        let path = || format!("{}/entityIdentifier", path());
                        RestrictedExpression::new_entity_uid(entity(Some(&identifier), &path)?)
                    }
                    Self::Set(values) => set(values, &|| format!("{}/set", path()))?,
                    Self::Record(values) => {
                        let path = || format!("{}/record", path());
                        let pairs = record(values, &path)?;
                        RestrictedExpression::new_record(pairs)
                            .map_err(|error| Error::field(path(), causes(&error)))?
                    }
                    Self::Ipaddr(value) => RestrictedExpression::new_ip(value),
                    Self::Decimal(value) => RestrictedExpression::new_decimal(value),
                    Self::Datetime(value) => RestrictedExpression::new_datetime(value),
                    Self::Duration(value) => RestrictedExpression::new_duration(value),
                })
            }
        }
    };
}

wire_value!(AttributeValue);
wire_value!(CedarTagValue);

fn set<V: WireValue>(
    values: Vec<V>,
    path: &dyn Fn() -> String,
) -> Result<RestrictedExpression, Error> {
    let mut expressions = Vec::with_capacity(values.len());
    for (at, value) in values.into_iter().enumerate() {
        expressions.push(value.into_expression(&|| format!("{}/{at}", path()))?);
    }
    Ok(RestrictedExpression::new_set(expressions))
}

fn record<V: WireValue>(
    values: BTreeMap<String, V>,
    path: &dyn Fn() -> String,
) -> Result<Vec<(String, RestrictedExpression)>, Error> {
    let mut pairs = Vec::with_capacity(values.len());
    for (key, value) in values {
        let expression = value.into_expression(&|| format!("{}/{key}", path()))?;
        pairs.push((key, expression));
    }
    Ok(pairs)
}
