//! Bounds of what Cedar makes out of a schema. A short text can stand for more than any machine
//! has time or memory for: common types that use each other twice double with each, action groups
//! cost the square of their height, and a policy is validated once for each combination of
//! principal type, action and resource type.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::cedar::ancestors::{self, Parents};
use crate::quota::TRANSITIVE_PARENTS;

/// The most JSON values that a schema may have once its common types are written out where they
/// are used.
const EXPANDED: u64 = 1_000_000;
/// The most combinations of principal type, action and resource type.
const COMBINATIONS: usize = 1_000_000;

type Object = Map<String, Value>;

/// Refuses a schema, given by namespace, that passes a bound; the text says which. Members of a
/// wrong type are left to Cedar.
pub(crate) fn check(namespaces: &Object) -> Result<(), String> {
    if Types::of(namespaces).expanded(namespaces) > EXPANDED {
        return Err(format!(
            "A schema can have at most {EXPANDED} values when its common types are written out."
        ));
    }
    if combinations(namespaces) > COMBINATIONS {
        return Err(format!(
            "A schema can have at most {COMBINATIONS} combinations of principal type, action and resource type."
        ));
    }
    if let Some(Action { id, .. }) =
        ancestors::over_quota(&action_parents(namespaces), &Parents::new())
    {
        return Err(format!(
            "The action `{id}` has more than {TRANSITIVE_PARENTS} transitive parents."
        ));
    }
    Ok(())
}

/// The objects under `member` of each namespace, with the namespace's name.
fn each<'a>(
    namespaces: &'a Object,
    member: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Object)> {
    namespaces.iter().filter_map(move |(name, namespace)| {
        Some((name.as_str(), namespace.get(member)?.as_object()?))
    })
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}::{name}")
    }
}

/// A common type: where it is declared, what it says, and its size once that is known.
struct CommonType<'a> {
    namespace: &'a str,
    definition: &'a Value,
    expanded: Option<u64>,
}

/// The common types by their qualified names.
struct Types<'a>(HashMap<String, CommonType<'a>>);

impl<'a> Types<'a> {
    fn of(namespaces: &'a Object) -> Self {
        let mut types = HashMap::new();
        for (namespace, declared) in each(namespaces, "commonTypes") {
            for (name, definition) in declared {
                let expanded = None;
                let declared = CommonType {
                    namespace,
                    definition,
                    expanded,
                };
                types.insert(qualified(namespace, name), declared);
            }
        }
        Self(types)
    }

    /// The size of the whole schema.
    fn expanded(mut self, namespaces: &Object) -> u64 {
        namespaces.iter().fold(0, |sum, (namespace, value)| {
            sum.saturating_add(self.size(namespace, value))
        })
    }

    /// The size of a value of a namespace, with the types that it names in place of the names.
    fn size(&mut self, namespace: &str, value: &Value) -> u64 {
        match value {
            Value::Array(items) => items.iter().fold(1, |sum, item| {
                sum.saturating_add(self.size(namespace, item))
            }),
            Value::Object(members) => members.iter().fold(1, |sum, (key, member)| {
                let size = match member.as_str().filter(|_| key == "type" || key == "name") {
                    Some(name) => self.named(namespace, name),
                    None => self.size(namespace, member),
                };
                sum.saturating_add(size)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
        }
    }

    /// The size of what a name stands for: 1 if it is no common type.
    fn named(&mut self, namespace: &str, name: &str) -> u64 {
        let local = qualified(namespace, name);
        let key = if self.0.contains_key(&local) {
            local
        } else {
            name.to_owned()
        };
        let Some(common) = self.0.get_mut(&key) else {
            return 1;
        };
        if let Some(known) = common.expanded {
            return known;
        }
        // Ends a cycle, which Cedar will report.
        common.expanded = Some(1);
        let (namespace, definition) = (common.namespace, common.definition);
        let size = self.size(namespace, definition);
        if let Some(common) = self.0.get_mut(&key) {
            common.expanded = Some(size);
        }
        size
    }
}

fn combinations(namespaces: &Object) -> usize {
    let count = |applies_to: &Value, member| {
        applies_to
            .get(member)
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
    };
    each(namespaces, "actions")
        .flat_map(|(_, actions)| actions.values())
        .filter_map(|action| action.get("appliesTo"))
        .map(|to| count(to, "principalTypes").saturating_mul(count(to, "resourceTypes")))
        .fold(0, usize::saturating_add)
}

#[derive(PartialEq, Eq, Hash)]
struct Action {
    action_type: String,
    id: String,
}

fn action_parents(namespaces: &Object) -> Parents<Action> {
    let mut parents = Parents::new();
    for (namespace, actions) in each(namespaces, "actions") {
        let own_type = qualified(namespace, "Action");
        let parent = |member: &Value| {
            let text = |key| member.get(key).and_then(Value::as_str);
            Some(Action {
                action_type: text("type").unwrap_or(&own_type).to_owned(),
                id: text("id")?.to_owned(),
            })
        };
        for (id, action) in actions {
            let groups = action.get("memberOf").and_then(Value::as_array);
            let groups = groups.into_iter().flatten().filter_map(parent).collect();
            let child = Action {
                action_type: own_type.clone(),
                id: id.clone(),
            };
            parents.insert(child, groups);
        }
    }
    parents
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(schema: &Value) -> Result<(), String> {
        check(schema.as_object().unwrap())
    }

    /// `T0` is a record of two `T1`, and so on; the last is a Long.
    fn doubling(types: usize) -> Value {
        let definition = |at| match at + 1 == types {
            true => json!({"type": "Long"}),
            false => {
                let next = json!({"type": format!("T{}", at + 1)});
                json!({"type": "Record", "attributes": {"a": next, "b": next}})
            }
        };
        let common: Object = (0..types)
            .map(|at| (format!("T{at}"), definition(at)))
            .collect();
        json!({"N": {"commonTypes": common, "entityTypes": {}, "actions": {}}})
    }

    #[test]
    fn common_types_that_double_are_refused() {
        assert_eq!(checked(&doubling(10)), Ok(()));
        let text =
            "A schema can have at most 1000000 values when its common types are written out.";
        for types in [25, 60, 200] {
            assert_eq!(checked(&doubling(types)), Err(text.to_owned()));
        }
    }

    #[test]
    fn a_common_type_is_found_in_its_namespace_and_by_its_full_name() {
        let schema = json!({
            "N": {"commonTypes": {"T": {"type": "Set", "element": {"type": "Long"}}}},
            "M": {"entityTypes": {"E": {"shape": {"type": "N::T"}}}},
        });
        let namespaces = schema.as_object().unwrap();
        let mut types = Types::of(namespaces);
        assert_eq!(types.named("N", "T"), types.named("M", "N::T"));
        assert!(types.named("N", "T") > 1);
        assert_eq!(types.named("M", "T"), 1);
    }

    #[test]
    fn types_in_a_cycle_end() {
        let t = |next| json!({"type": "Set", "element": {"type": next}});
        let common = json!({"A": t("B"), "B": t("A")});
        assert_eq!(checked(&json!({"": {"commonTypes": common}})), Ok(()));
    }

    #[test]
    fn combinations_of_an_actions_types_are_bounded() {
        let schema = |principals: usize, resources: usize| {
            let to = json!({"principalTypes": vec!["P"; principals], "resourceTypes": vec!["R"; resources]});
            json!({"": {"actions": {"a": {"appliesTo": to}}}})
        };
        assert_eq!(checked(&schema(1000, 1000)), Ok(()));
        assert!(checked(&schema(1000, 1001)).is_err());
    }

    #[test]
    fn the_height_of_action_groups_is_bounded() {
        let schema = |height: usize| {
            let action = |at| match at {
                0 => json!({}),
                _ => json!({"memberOf": [{"id": format!("a{}", at - 1)}]}),
            };
            let actions: Object = (0..=height)
                .map(|at| (format!("a{at}"), action(at)))
                .collect();
            json!({"N": {"actions": actions}})
        };
        assert_eq!(checked(&schema(TRANSITIVE_PARENTS)), Ok(()));
        assert!(checked(&schema(TRANSITIVE_PARENTS + 1)).is_err());
    }
}
