use model::verified_permissions::OPERATIONS;
use model::verified_permissions::types::{
    ActionIdentifier, BatchIsAuthorizedInput, BatchIsAuthorizedInputItem, ContextDefinition,
    EntityIdentifier,
};
use serde_json::{Value, json};

use super::*;
use crate::direct::tests::{long_way, variants};

fn shape() -> &'static Shape {
    let found = OPERATIONS.iter().find(|op| op.name == "BatchIsAuthorized");
    found.unwrap().input
}

#[derive(Default, Deserialize, Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Shared<EntityIdentifier>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Shared<ActionIdentifier>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Shared<EntityIdentifier>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Shared<ContextDefinition>>,
}

#[derive(Default)]
struct LastItem<'a> {
    entity: Last<'a, EntityIdentifier>,
    action: Last<'a, ActionIdentifier>,
    context: Last<'a, ContextDefinition>,
}

type Input = (BatchIsAuthorizedInput, Vec<Item>);

/// The input of BatchIsAuthorized, and its items as they were read.
fn read(body: &str) -> Option<Input> {
    let (mut policy_store_id, mut entities, mut items) = (None, None, None);
    let mut last = LastItem::default();
    object(shape(), body.as_bytes(), |field| {
        match field.name() {
            "policyStoreId" => policy_store_id = Some(field.read()?),
            "entities" => entities = Some(field.read()?),
            "requests" => items = Some(field.items(|item| read_item(item, &mut last))?),
            _ => return None,
        }
        Some(())
    })?;
    let items = items?;
    let requests = items.iter().map(|item: &Item| BatchIsAuthorizedInputItem {
        principal: item.principal.as_deref().cloned(),
        action: item.action.as_deref().cloned(),
        resource: item.resource.as_deref().cloned(),
        context: item.context.as_deref().cloned(),
    });
    let input = BatchIsAuthorizedInput {
        policy_store_id: policy_store_id?,
        entities,
        requests: requests.collect(),
    };
    Some((input, items))
}

fn read_item<'a>(item: Field<'_, 'a>, last: &mut LastItem<'a>) -> Option<Item> {
    let mut read = Item::default();
    item.members(|field| {
        match field.name() {
            "principal" => read.principal = Some(field.shared(&mut last.entity)?),
            "action" => read.action = Some(field.shared(&mut last.action)?),
            "resource" => read.resource = Some(field.shared(&mut last.entity)?),
            "context" => read.context = Some(field.shared(&mut last.context)?),
            _ => return None,
        }
        Some(())
    })?;
    Some(read)
}

fn entity(id: &str) -> Value {
    json!({ "entityType": "User", "entityId": id })
}

fn question(principal: &str) -> Value {
    json!({
        "principal": entity(principal),
        "action": { "actionType": "N::Action", "actionId": "view" },
        "resource": entity("p"),
        "context": { "contextMap": {
            "all": { "set": [{ "boolean": true }, { "long": -5 }, { "string": "]},{\"[" }] },
            "ip": { "ipaddr": "10.0.0.7" },
        } },
    })
}

fn batch(requests: &[Value]) -> Value {
    let entities = json!({ "entityList": [{ "identifier": entity("a"), "attributes": {} }] });
    json!({ "policyStoreId": "PS", "entities": entities, "requests": requests })
}

/// Checks that what is read is what the long way reads and what it would write; whether it is read.
fn compare(body: &str) -> bool {
    let long: Option<BatchIsAuthorizedInput> = long_way(shape(), body.as_bytes());
    let Some((input, items)) = read(body) else {
        return false;
    };
    assert!(long.as_ref() == Some(&input), "{body}");
    let written = serde_json::to_string(&items).unwrap();
    let expected = serde_json::to_string(&long.unwrap().requests).unwrap();
    assert_eq!(written, expected, "{body}");
    // On the long way nothing is shared.
    let unshared: Vec<Item> = serde_json::from_str(&expected).unwrap();
    assert_eq!(serde_json::to_string(&unshared).unwrap(), expected);
    true
}

#[test]
fn what_is_read_is_what_the_long_way_reads() {
    let escaped = question("a\"\\\u{e9}\u{1F600}}");
    let usual = batch(&[
        question("a"),
        escaped.clone(),
        escaped,
        json!({}),
        question("a"),
    ]);
    assert!(compare(&usual.to_string()));
    assert!(compare(&serde_json::to_string_pretty(&usual).unwrap()));
    let read = variants(&usual)
        .iter()
        .filter(|value| compare(&value.to_string()))
        .count();
    assert!(read > 10, "{read} variants have no fault");
}

#[test]
fn what_is_repeated_is_one_value() {
    let requests = [question("a"), question("a"), question("b"), question("a")];
    let (_, items) = read(&batch(&requests).to_string()).unwrap();
    let actions: Vec<_> = items.iter().flat_map(|item| &item.action).collect();
    assert!(
        actions
            .iter()
            .all(|action| Arc::ptr_eq(&action.0, &actions[0].0))
    );
    let contexts: Vec<_> = items.iter().flat_map(|item| &item.context).collect();
    assert!(
        contexts
            .iter()
            .all(|context| Arc::ptr_eq(&context.0, &contexts[0].0))
    );
    let principals: Vec<_> = items.iter().flat_map(|item| &item.principal).collect();
    assert!(principals[0] == principals[1] && principals[1] != principals[2]);
}

/// A text that begins as the last value did is that value only if it ends there too.
#[test]
fn parts_that_begin_alike_are_told_apart() {
    let part = |text: &str| format!(r#"{{"policyStoreId":"PS","requests":[{text}]}}"#);
    let one = r#"{"principal":{"entityType":"U","entityId":"a"}}"#;
    for (next, is_read) in [
        (one, true),
        (r#"{"principal":{"entityType":"U","entityId":"a"} }"#, true),
        (r#"{"principal":{"entityType":"U","entityId":"ab"}}"#, true),
        (r#"{"principal": {"entityType":"U","entityId":"a"}}"#, true),
        (
            r#"{"principal":{"entityType":"U","entityId":"a"},"action":null}"#,
            false,
        ),
        (r#"{"principal":{"entityType":"U","entityId":"a"}}}"#, false),
        (r#"{"principal":{"entityType":"U","entityId":"a"}1}"#, false),
        (r#"{"principal":{"entityType":"U","entityId":"a"}"#, false),
        (
            r#"{"principal":{"entityType":"U","entityId":"a","entityId":"a"}}"#,
            false,
        ),
        (
            r#"{"principal":{"entityType":"U","entityId":"a"},"principal":{"entityType":"U","entityId":"a"}}"#,
            false,
        ),
        (
            r#"{"\u0070rincipal":{"entityType":"U","entityId":"a"}}"#,
            false,
        ),
        (r#"{"principal":"a"}"#, false),
        (r#"{"principal":null}"#, false),
        (r#"{"principal":1}"#, false),
        (r#"{"principal":}"#, false),
        (r#"{"principal""#, false),
    ] {
        let body = part(&format!("{one},{next}"));
        assert_eq!(compare(&body), is_read, "{body}");
    }
    for body in [
        "",
        "{}",
        r#"{"policyStoreId":"PS"}"#,
        r#"{"requests":[{}]}"#,
        r#"{"policyStoreId":"PS","requests":[]}"#,
        r#"{"policyStoreId":"PS","requests":[{},]}"#,
        r#"{"policyStoreId":"PS","requests":[{}],}"#,
        r#"{"policyStoreId":"PS","requests":[{}]}{}"#,
        r#"{"policyStoreId":"PS","requests":[{}]"#,
        r#"{"policyStoreId":"PS","requests":[{} {}]}"#,
        r#"{"policyStoreId":"PS","requests":{}}"#,
        r#"{"policyStoreId":"P S","requests":[{}]}"#,
        r#"{"policyStoreId":"PS","policyStoreId":"PS","requests":[{}]}"#,
        r#"{"policyStoreId":"PS","requests":[{}],"unheardOf":1}"#,
    ] {
        assert!(read(body).is_none(), "{body}");
    }
}

#[test]
fn nesting_is_bounded_as_on_the_long_way() {
    for depth in [1, 10, 28, 29, 30, 31, 32, 50, 62, 64, 1_000, 100_000] {
        let value = format!("{}{}", r#"{"set":["#.repeat(depth), "]}".repeat(depth));
        let item = format!(r#"{{"context":{{"contextMap":{{"k":{value}}}}}}}"#);
        let body = format!(r#"{{"policyStoreId":"PS","requests":[{item},{item}]}}"#);
        assert_eq!(compare(&body), depth <= 31, "{depth}");
    }
}
