//! Cedar's JSON formats: policies, policy sets, schemas.

use std::collections::BTreeMap;

use cedar_policy::{Policy, SchemaFragment, Template};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::name_of_id;
use crate::bulk::item::{LinkItem, Naming, StaticItem, TemplateItem, What};
use crate::cedar::depth;
use crate::entity::EntityRef;
use crate::error::causes;

/// Whether an object looks like a policy (or template) in Cedar's JSON format.
pub(super) fn is_policy(object: &Map<String, Value>) -> bool {
    let has = |key: &str| object.contains_key(key);
    has("effect") && has("action") && (has("conditions") || has("principal")) && !has("policyId")
}

/// Whether an object looks like a policy set.
pub(super) fn is_policy_set(object: &Map<String, Value>) -> bool {
    const KEYS: [&str; 3] = ["staticPolicies", "templates", "templateLinks"];
    !object.is_empty() && object.keys().all(|key| KEYS.contains(&key.as_str()))
}

/// Whether an object looks like a schema: every namespace has entity types or actions.
pub(super) fn is_schema(object: &Map<String, Value>) -> bool {
    let namespace = |value: &Value| {
        let has = |key| value.get(key).is_some_and(Value::is_object);
        has("entityTypes") || has("actions") || has("commonTypes")
    };
    !object.is_empty() && object.values().all(namespace)
}

/// A policy or template; its name is what the annotation `@id` says, else `name`.
pub(super) fn policy(json: Value, name: Option<String>) -> Result<What, String> {
    depth::for_statements(|| {
        let no_text = || "cannot be written as Cedar text".to_owned();
        match Policy::from_json(None, json.clone()) {
            Ok(policy) => {
                let name = policy.annotation("id").map(name_of_id).or(name);
                Ok(What::Static(StaticItem {
                    naming: Naming { id: None, name },
                    description: None,
                    statement: policy.to_cedar().ok_or_else(no_text)?,
                }))
            }
            Err(as_policy) => {
                // What is neither is told as a policy.
                let template = Template::from_json(None, json).map_err(|_| causes(&as_policy))?;
                let name = template.annotation("id").map(name_of_id).or(name);
                Ok(What::Template(TemplateItem {
                    naming: Naming { id: None, name },
                    key: None,
                    description: None,
                    statement: template.to_cedar(),
                }))
            }
        }
    })
}

/// A policy set in Cedar's JSON format.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicySet {
    #[serde(default)]
    static_policies: BTreeMap<String, Value>,
    #[serde(default)]
    templates: BTreeMap<String, Value>,
    #[serde(default)]
    template_links: Vec<TemplateLink>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TemplateLink {
    template_id: String,
    new_id: String,
    values: BTreeMap<String, Uid>,
}

/// An entity in Cedar's JSON formats.
#[derive(Deserialize)]
#[serde(untagged)]
enum Uid {
    Explicit { __entity: EntityRef },
    Implicit(EntityRef),
}

/// The templates, policies and links of a policy set that stands at `at`, in this order.
pub(super) fn policy_set(object: Map<String, Value>, at: &str) -> Result<Vec<What>, String> {
    let set: PolicySet =
        serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())?;
    let key = |id: &str| format!("{at}#{id}");
    let mut all = Vec::new();
    for (id, json) in set.templates {
        let mut what = policy(json, own_name(&id, "template"))
            .map_err(|text| format!("template `{id}`: {text}"))?;
        match &mut what {
            What::Template(template) => template.key = Some(key(&id)),
            What::Schema(_) | What::Static(_) | What::Link(_) => {
                return Err(format!("template `{id}`: has no slot"));
            }
        }
        all.push(what);
    }
    for (id, json) in set.static_policies {
        let what = policy(json, own_name(&id, "policy"));
        all.push(what.map_err(|text| format!("policy `{id}`: {text}"))?);
    }
    for link in set.template_links {
        let name = own_name(&link.new_id, "policy");
        let (mut principal, mut resource) = (None, None);
        for (slot, uid) in link.values {
            let (Uid::Explicit { __entity: entity } | Uid::Implicit(entity)) = uid;
            match slot.as_str() {
                "?principal" => principal = Some(entity),
                "?resource" => resource = Some(entity),
                _ => return Err(format!("link `{}`: the slot `{slot}`", link.new_id)),
            }
        }
        all.push(What::Link(LinkItem {
            naming: Naming { id: None, name },
            template: key(&link.template_id),
            principal,
            resource,
        }));
    }
    Ok(all)
}

/// The name of a policy that has the id `id` in its set. Cedar's own numbers are none: they
/// change with the place in the set.
fn own_name(id: &str, counted: &str) -> Option<String> {
    let number = id.strip_prefix(counted);
    let is_number = number.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    (!is_number).then(|| name_of_id(id))
}

/// A schema as Cedar text.
pub(super) fn schema_of_text(text: &str) -> Result<What, String> {
    depth::check(text).map_err(|_| "the schema is nested too deep".to_owned())?;
    let json = depth::for_statements(|| {
        let (fragment, _) =
            SchemaFragment::from_cedarschema_str(text).map_err(|error| causes(&error))?;
        fragment.to_json_string().map_err(|error| causes(&error))
    });
    json.map(What::Schema)
}
