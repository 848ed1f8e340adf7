//! Schemas: put, get, delete, and what is wrong with them.

use std::time::Duration;

use aws_sdk_verifiedpermissions::Client;
use aws_sdk_verifiedpermissions::types::{Decision, SchemaDefinition, ValidationMode};
use aws_smithy_types::DateTime;
use serde_json::{Value, json};

use crate::common::{
    Failure, ask, call_ok, failure, policy, put_schema, start, start_time, static_policy, store,
    store_off, store_strict,
};

/// Odd spacing and an odd order of keys, which must come back as they are.
const PHOTOS: &str = r#"{ "Photos" : {"entityTypes": {"User": {}, "Photo":{}},
    "actions":{ "view": {"appliesTo": {"principalTypes": ["User"],"resourceTypes":["Photo"]}} } }}"#;

/// A schema of one namespace.
fn schema_of(namespace: &str, types: Value, actions: Value) -> String {
    let parts = [("entityTypes", types), ("actions", actions)];
    let parts: Value = parts.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    json!({ namespace: parts }).to_string()
}

async fn refused(client: &Client, store: &str, schema: &str) -> Failure {
    let definition = SchemaDefinition::CedarJson(schema.to_owned());
    failure(
        client
            .put_schema()
            .policy_store_id(store)
            .definition(definition)
            .send()
            .await,
    )
}

async fn create_policy_refused(client: &Client, store: &str, statement: &str) -> Failure {
    let call = client
        .create_policy()
        .policy_store_id(store)
        .definition(static_policy(statement));
    failure(call.send().await)
}

#[tokio::test]
async fn a_schema_comes_back_byte_for_byte() {
    let (app, client) = start();
    let id = store_off(&client).await;
    let input = json!({"policyStoreId": id, "definition": {"cedarJson": PHOTOS}});
    let mut expected = json!({
        "policyStoreId": id,
        "namespaces": ["Photos"],
        "createdDate": "2026-01-01T00:00:00.123456Z",
        "lastUpdatedDate": "2026-01-01T00:00:00.123456Z",
    });
    assert_eq!(call_ok(&app, "PutSchema", &input).await, expected);
    expected["schema"] = json!(PHOTOS);
    assert_eq!(
        call_ok(&app, "GetSchema", &json!({"policyStoreId": id})).await,
        expected
    );
}

#[tokio::test]
async fn a_schema_is_replaced_as_a_whole() {
    let (app, client) = start();
    let id = store_off(&client).await;
    put_schema(&client, &id, PHOTOS).await;
    app.clock().advance(Duration::from_secs(1));
    let two = json!({
        "One": {"entityTypes": {}, "actions": {}},
        "Two::Three": {"entityTypes": {}, "actions": {}},
    });
    put_schema(&client, &id, &two.to_string()).await;
    let found = client
        .get_schema()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(found.schema(), two.to_string());
    assert_eq!(found.namespaces(), ["One", "Two::Three"]);
    assert_eq!(found.created_date(), &start_time());
    let second = DateTime::from_secs_and_nanos(1_767_225_601, 123_456_000);
    assert_eq!(found.last_updated_date(), &second);
}

#[tokio::test]
async fn a_policy_store_without_schema_has_none_to_get() {
    let (_app, client) = start();
    let id = store_off(&client).await;
    let refused = failure(client.get_schema().policy_store_id(&id).send().await);
    assert_eq!(refused.missing(), ("SCHEMA", id.as_str()));
    let refused = failure(client.get_schema().policy_store_id("nowhere").send().await);
    assert_eq!(refused.missing(), ("POLICY_STORE", "nowhere"));
    let definition = SchemaDefinition::CedarJson(PHOTOS.to_owned());
    let put = client
        .put_schema()
        .policy_store_id("nowhere")
        .definition(definition);
    assert_eq!(
        failure(put.send().await).missing(),
        ("POLICY_STORE", "nowhere")
    );
}

#[tokio::test]
async fn an_empty_object_deletes_the_schema() {
    let (app, client) = start();
    let id = store_strict(&client, PHOTOS).await;
    for empty in ["{}", " { } "] {
        let input = json!({"policyStoreId": id, "definition": {"cedarJson": empty}});
        assert_eq!(
            call_ok(&app, "PutSchema", &input).await["namespaces"],
            json!([])
        );
        let got = failure(client.get_schema().policy_store_id(&id).send().await);
        assert_eq!(got.missing(), ("SCHEMA", id.as_str()));
    }
    // Not "No schema present": validation goes on against an empty schema, as AWS was seen to.
    let refused = create_policy_refused(&client, &id, "permit(principal, action, resource);").await;
    let text = "for policy `policy0`, unable to find an applicable action given the policy scope \
                constraints";
    refused.assert_invalid(&[("/definition", text)]);

    app.clock().advance(Duration::from_secs(1));
    put_schema(&client, &id, PHOTOS).await;
    let found = client
        .get_schema()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(found.created_date(), found.last_updated_date());
}

#[tokio::test]
async fn a_schema_that_is_no_json_object_is_refused() {
    let (_app, client) = start();
    let id = store_off(&client).await;
    for wrong in [
        "x",
        "[]",
        "1",
        "null",
        "{",
        "entity User;",
        "{} {}",
        r#"{"a": }"#,
    ] {
        let refused = refused(&client, &id, wrong).await;
        refused.assert_invalid(&[("/schema", "Provided schema is not a valid JSON object.")]);
    }
}

#[tokio::test]
async fn a_namespace_has_1_to_100_bytes() {
    let (_app, client) = start();
    let id = store_off(&client).await;
    let text = |name: &str, bytes: usize| {
        format!(
            "Namespace lengths must be at least 1 and at most 100 bytes in size, but '{name}' is \
             {bytes} bytes in size."
        )
    };
    let long = "N".repeat(101);
    for (name, bytes) in [("", 0), (long.as_str(), 101)] {
        let refused = refused(&client, &id, &schema_of(name, json!({}), json!({}))).await;
        refused.assert_invalid(&[("/schema", &text(name, bytes))]);
    }
    put_schema(
        &client,
        &id,
        &schema_of(&"N".repeat(100), json!({}), json!({})),
    )
    .await;
}

/// The texts that were seen from the real service, or their parts that were.
#[tokio::test]
async fn faults_of_a_schema_are_told_in_cedars_words() {
    let (_app, client) = start();
    let id = store_off(&client).await;
    let user = json!({"User": {}});
    let attribute =
        |of: Value| json!({"User": {"shape": {"type": "Record", "attributes": {"a": of}}}});
    for (schema, text) in [
        (
            schema_of("not ok", json!({}), json!({})),
            "invalid namespace `not ok`",
        ),
        (
            schema_of("a::__cedar", json!({}), json!({})),
            "The name `a::__cedar` contains `__cedar`, which is reserved",
        ),
        (
            json!({"N": {"entityTypes": {}}}).to_string(),
            "missing field `actions`",
        ),
        (
            json!({"N": {"actions": {}}}).to_string(),
            "missing field `entityTypes`",
        ),
        (
            json!({"N": {"entityTypes": {}, "actions": {}, "extra": 1}}).to_string(),
            "unknown field `extra`, expected one of `commonTypes`, `entityTypes`, `actions`, \
             `annotations`",
        ),
        (
            schema_of(
                "N",
                json!({"User": {"memberOfTypes": ["Group"]}}),
                json!({}),
            ),
            "failed to resolve type: Group",
        ),
        (
            schema_of(
                "N",
                attribute(json!({"type": "Entity", "name": "Team"})),
                json!({}),
            ),
            "failed to resolve type: Team",
        ),
        (
            schema_of("N", user, json!({"view": {"memberOf": [{"id": "read"}]}})),
            "undeclared action: Action::\"read\"",
        ),
        (
            schema_of(
                "N",
                attribute(json!({"type": "Extension", "name": "url"})),
                json!({}),
            ),
            "unknown extension type `url`",
        ),
        (
            schema_of("N", attribute(json!({"type": "Set"})), json!({})),
            "missing field `element`",
        ),
        (
            schema_of("N", json!({"a b": {}}), json!({})),
            "invalid id `a b`",
        ),
        (
            schema_of("N", json!({"in": {}}), json!({})),
            "this identifier is reserved and cannot be used: in",
        ),
        (
            schema_of("N", json!({"User": {"shape": {"type": "Long"}}}), json!({})),
            "Shape for entity type N::User is declared with a type other than `Record`",
        ),
        (
            schema_of("N", json!({"Action": {}}), json!({})),
            "entity type `Action` declared in `entityTypes` list",
        ),
    ] {
        let refused = refused(&client, &id, &schema).await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.message, "Invalid input");
        let [(path, message)] = refused.fields.as_slice() else {
            panic!("one field: {refused:?}");
        };
        assert_eq!(path, "/schema");
        assert!(
            message.to_lowercase().contains(&text.to_lowercase()),
            "{message}\n{text}"
        );
    }
    // Nothing of them was stored.
    let got = failure(client.get_schema().policy_store_id(&id).send().await);
    assert_eq!(got.missing().0, "SCHEMA");
}

#[tokio::test]
async fn a_refused_schema_leaves_the_one_that_is_there() {
    let (_app, client) = start();
    let id = store_strict(&client, PHOTOS).await;
    refused(&client, &id, r#"{"N": {}}"#).await;
    let found = client
        .get_schema()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(found.schema(), PHOTOS);
    let statement = r#"permit(principal, action == Photos::Action::"view", resource);"#;
    policy(&client, &id, statement).await;
}

#[tokio::test]
async fn a_new_schema_is_for_the_next_change_and_not_for_what_is_there() {
    let (_app, client) = start();
    let id = store_strict(&client, PHOTOS).await;
    let statement = r#"permit(principal, action == Photos::Action::"view", resource);"#;
    let policy_id = policy(&client, &id, statement).await;
    let edit =
        json!({"edit": {"appliesTo": {"principalTypes": ["User"], "resourceTypes": ["User"]}}});
    put_schema(
        &client,
        &id,
        &schema_of("Photos", json!({"User": {}}), edit),
    )
    .await;

    let found = client
        .get_policy()
        .policy_store_id(&id)
        .policy_id(&policy_id)
        .send()
        .await;
    assert!(found.is_ok(), "{found:?}");
    let refused = create_policy_refused(&client, &id, statement).await;
    assert_eq!(refused.fields[0].0, "/definition");
    let text = "for policy `policy0`, unrecognized action `Photos::Action::\"view\"`";
    assert!(refused.fields[0].1.starts_with(text), "{refused:?}");
}

#[tokio::test]
async fn a_schemas_action_groups_take_effect_at_once() {
    let (_app, client) = start();
    let id = store(&client, ValidationMode::Off).await;
    let statement = r#"permit(principal, action in N::Action::"read", resource);"#;
    let policy_id = policy(&client, &id, statement).await;
    let asked = ("alice", "N::Action::view", "doc");
    // Without a schema there is no hierarchy of actions.
    assert_eq!(ask(&client, &id, asked).await.decision(), &Decision::Deny);
    let grouped = json!({"read": {}, "view": {"memberOf": [{"id": "read"}]}});
    put_schema(&client, &id, &schema_of("N", json!({}), grouped)).await;
    let answer = ask(&client, &id, asked).await;
    assert_eq!(answer.decision(), &Decision::Allow);
    assert_eq!(answer.determining_policies()[0].policy_id(), policy_id);
    // Groups have groups.
    let nested = json!({
        "read": {},
        "some": {"memberOf": [{"id": "read"}]},
        "view": {"memberOf": [{"id": "some"}]},
    });
    put_schema(&client, &id, &schema_of("N", json!({}), nested)).await;
    assert_eq!(ask(&client, &id, asked).await.decision(), &Decision::Allow);
    put_schema(&client, &id, "{}").await;
    assert_eq!(ask(&client, &id, asked).await.decision(), &Decision::Deny);
}
