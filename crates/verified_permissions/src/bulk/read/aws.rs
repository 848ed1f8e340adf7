//! What AWS's API returns and takes: the outputs of GetPolicy, BatchGetPolicy, ListPolicies,
//! GetPolicyTemplate and GetSchema, and the definitions that CreatePolicy and PutSchema take.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bulk::item::{LinkItem, Naming, StaticItem, TemplateItem, What};
use crate::entity::EntityRef;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    policy_id: Option<String>,
    name: Option<String>,
    definition: Option<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Definition {
    Static(Static),
    TemplateLinked(Link),
}

#[derive(Deserialize)]
struct Static {
    description: Option<String>,
    statement: Option<String>,
}

/// A template-linked definition; as a line of its own it may have an id and a name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    policy_id: Option<String>,
    name: Option<String>,
    policy_template_id: String,
    principal: Option<Entity>,
    resource: Option<Entity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    entity_type: String,
    entity_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    policy_template_id: String,
    name: Option<String>,
    description: Option<String>,
    statement: String,
}

impl From<Entity> for EntityRef {
    fn from(entity: Entity) -> Self {
        Self {
            entity_type: entity.entity_type,
            id: entity.entity_id,
        }
    }
}

const NO_STATEMENT: &str = "a list of static policies has no statements: take the output of \
                            get-policy or batch-get-policy";
const NO_TEMPLATE_STATEMENT: &str =
    "a list of templates has no statements: take the output of get-policy-template";

/// What an object says that looks like one of AWS's; `None` if it looks like none.
pub(super) fn read(object: Map<String, Value>) -> Option<Result<What, String>> {
    let has = |key: &str| object.contains_key(key);
    let is_text = |key: &str| object.get(key).is_some_and(Value::is_string);
    if has("definition") || (has("policyId") && !has("policyTemplateId")) {
        return Some(typed(object).and_then(policy));
    }
    if has("policyTemplateId") && (has("principal") || has("resource")) {
        return Some(typed(object).map(link));
    }
    if has("policyTemplateId") {
        let template = if has("statement") {
            typed(object).map(template)
        } else {
            Err(NO_TEMPLATE_STATEMENT.to_owned())
        };
        return Some(template);
    }
    if is_text("schema") || is_text("cedarJson") {
        let schema = ["schema", "cedarJson"].map(|key| object.get(key).and_then(Value::as_str));
        let text = schema.into_iter().flatten().next();
        return text.map(|text| Ok(What::Schema(text.to_owned())));
    }
    if object.len() == 1 && (has("static") || has("templateLinked")) {
        let definition = typed(object).map(|definition| Policy {
            policy_id: None,
            name: None,
            definition: Some(definition),
        });
        return Some(definition.and_then(policy));
    }
    None
}

fn typed<T: for<'de> Deserialize<'de>>(object: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

fn policy(policy: Policy) -> Result<What, String> {
    let naming = Naming {
        id: policy.policy_id,
        name: named(policy.name),
    };
    match policy.definition {
        None => Err("a policy without a definition".to_owned()),
        Some(Definition::Static(Static {
            statement: None, ..
        })) => Err(NO_STATEMENT.to_owned()),
        Some(Definition::Static(Static {
            description,
            statement: Some(statement),
        })) => Ok(What::Static(StaticItem {
            naming,
            description,
            statement,
        })),
        Some(Definition::TemplateLinked(definition)) => Ok(What::Link(LinkItem {
            naming,
            template: definition.policy_template_id,
            principal: definition.principal.map(EntityRef::from),
            resource: definition.resource.map(EntityRef::from),
        })),
    }
}

fn link(link: Link) -> What {
    What::Link(LinkItem {
        naming: Naming {
            id: link.policy_id,
            name: named(link.name),
        },
        template: link.policy_template_id,
        principal: link.principal.map(EntityRef::from),
        resource: link.resource.map(EntityRef::from),
    })
}

fn template(template: Template) -> What {
    What::Template(TemplateItem {
        naming: Naming {
            id: Some(template.policy_template_id),
            name: named(template.name),
        },
        key: None,
        description: template.description.filter(|text| !text.is_empty()),
        statement: template.statement,
    })
}

/// An empty name is no name.
fn named(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}
