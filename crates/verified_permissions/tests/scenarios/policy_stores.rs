//! Policy stores: create, get, update, list.

use std::time::Duration;

use aws_sdk_verifiedpermissions::types::{CedarVersion, DeletionProtection, ValidationMode};
use serde_json::json;
use testkit::ADMIN;

use crate::common::{
    call_ok, call_refused, failure, mode, policy, put_schema, start, start_time, static_policy,
    store, store_off,
};

#[tokio::test]
async fn a_new_policy_store_has_an_id_an_arn_and_its_dates() {
    let (app, client) = start();
    let call = client.create_policy_store();
    let created = call
        .validation_settings(mode(ValidationMode::Strict))
        .send()
        .await
        .unwrap();
    let id = created.policy_store_id();
    assert_eq!(id.len(), 22);
    let base58 = |c: char| c.is_ascii_alphanumeric() && !"0OIl".contains(c);
    assert!(id.chars().all(base58), "{id}");
    assert_eq!(created.arn(), arn(id));
    assert_eq!(created.created_date(), &start_time());
    assert_eq!(created.last_updated_date(), &start_time());
    // Nothing else is in the response.
    let input = json!({"validationSettings": {"mode": "OFF"}});
    let body = call_ok(&app, "CreatePolicyStore", &input).await;
    let expected = json!({
        "policyStoreId": body["policyStoreId"],
        "arn": arn(body["policyStoreId"].as_str().unwrap()),
        "createdDate": "2026-01-01T00:00:00.123456Z",
        "lastUpdatedDate": "2026-01-01T00:00:00.123456Z",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_policy_store_without_options_has_the_defaults() {
    let (app, client) = start();
    let id = store_off(&client).await;
    let body = call_ok(
        &app,
        "GetPolicyStore",
        &json!({"policyStoreId": id, "tags": true}),
    )
    .await;
    let expected = json!({
        "policyStoreId": id,
        "arn": arn(&id),
        "validationSettings": {"mode": "OFF"},
        "createdDate": "2026-01-01T00:00:00.123456Z",
        "lastUpdatedDate": "2026-01-01T00:00:00.123456Z",
        "deletionProtection": "DISABLED",
        "encryptionState": {"default": {}},
        "cedarVersion": "CEDAR_4",
    });
    assert_eq!(body, expected);
    let found = client
        .get_policy_store()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(found.cedar_version(), Some(&CedarVersion::Cedar4));
    assert_eq!(found.created_date(), &start_time());
}

#[tokio::test]
async fn a_policy_store_keeps_what_it_was_created_with() {
    let (app, client) = start();
    let call = client
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Strict));
    let call = call
        .description("ä store")
        .deletion_protection(DeletionProtection::Enabled);
    let id = call
        .tags("team", "red")
        .tags("empty", "")
        .send()
        .await
        .unwrap()
        .policy_store_id;
    let body = call_ok(
        &app,
        "GetPolicyStore",
        &json!({"policyStoreId": id, "tags": true}),
    )
    .await;
    assert_eq!(body["validationSettings"], json!({"mode": "STRICT"}));
    assert_eq!(body["description"], "ä store");
    assert_eq!(body["deletionProtection"], "ENABLED");
    assert_eq!(body["tags"], json!({"empty": "", "team": "red"}));
    for unasked in [
        json!({"policyStoreId": id}),
        json!({"policyStoreId": id, "tags": false}),
    ] {
        let body = call_ok(&app, "GetPolicyStore", &unasked).await;
        assert_eq!(body.get("tags"), None);
    }
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name() {
    let (app, _client) = start();
    let input = json!({
        "validationSettings": {"mode": "OFF"},
        "description": "first",
        "deletionProtection": "ENABLED",
        "encryptionSettings": {"kmsEncryptionSettings": {"key": "alias/k"}},
        "tags": {"team": "red"},
    });
    let created = call_ok(&app, "CreatePolicyStore", &input).await;
    let get = json!({"policyStoreId": created["policyStoreId"], "tags": true});
    let mut expected = call_ok(&app, "GetPolicyStore", &get).await;

    app.clock().advance(Duration::from_secs(1));
    let settings = json!({"mode": "STRICT"});
    let update = json!({"policyStoreId": created["policyStoreId"], "validationSettings": settings});
    let updated = call_ok(&app, "UpdatePolicyStore", &update).await;
    let mut answer = created.clone();
    answer["lastUpdatedDate"] = json!("2026-01-01T00:00:01.123456Z");
    assert_eq!(updated, answer);

    expected["lastUpdatedDate"] = answer["lastUpdatedDate"].clone();
    expected["validationSettings"] = settings;
    assert_eq!(call_ok(&app, "GetPolicyStore", &get).await, expected);
}

#[tokio::test]
async fn an_update_changes_all_that_it_names() {
    let (app, client) = start();
    let id = store_off(&client).await;
    for (description, found) in [("new", json!("new")), ("", json!(null))] {
        for protection in ["ENABLED", "DISABLED"] {
            for mode in ["STRICT", "OFF"] {
                let input = json!({
                    "policyStoreId": id,
                    "validationSettings": {"mode": mode},
                    "deletionProtection": protection,
                    "description": description,
                });
                call_ok(&app, "UpdatePolicyStore", &input).await;
                let store = call_ok(&app, "GetPolicyStore", &json!({"policyStoreId": id})).await;
                assert_eq!(store["validationSettings"], json!({"mode": mode}));
                assert_eq!(store["deletionProtection"], protection);
                assert_eq!(store["description"], found);
            }
        }
    }
}

#[tokio::test]
async fn an_empty_description_at_creation_is_none() {
    let (_app, client) = start();
    let call = client
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Off));
    let id = call.description("").send().await.unwrap().policy_store_id;
    let found = client
        .get_policy_store()
        .policy_store_id(id)
        .send()
        .await
        .unwrap();
    assert_eq!(found.description(), None);
}

#[tokio::test]
async fn changes_inside_a_policy_store_do_not_move_its_date() {
    let (app, client) = start();
    let id = store_off(&client).await;
    app.clock().advance(Duration::from_secs(1));
    put_schema(&client, &id, r#"{"N": {"entityTypes": {}, "actions": {}}}"#).await;
    policy(&client, &id, "permit(principal, action, resource);").await;
    client
        .tag_resource()
        .resource_arn(arn(&id))
        .tags("a", "b")
        .send()
        .await
        .unwrap();
    let found = client
        .get_policy_store()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(found.last_updated_date(), &start_time());
}

#[tokio::test]
async fn the_list_shows_policy_stores_with_their_descriptions() {
    let (app, client) = start();
    let plain = store_off(&client).await;
    app.clock().advance(Duration::from_secs(1));
    let call = client
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Strict));
    let described = call
        .description("d")
        .tags("a", "b")
        .send()
        .await
        .unwrap()
        .policy_store_id;
    let (first, second) = ("2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:01.123456Z");
    let mut expected = json!([
        {
            "policyStoreId": plain,
            "arn": arn(&plain),
            "createdDate": first,
            "lastUpdatedDate": first,
        },
        {
            "policyStoreId": described,
            "arn": arn(&described),
            "createdDate": second,
            "lastUpdatedDate": second,
            "description": "d",
        },
    ]);
    let listed = call_ok(&app, "ListPolicyStores", &json!({})).await;
    assert_eq!(listed, json!({"policyStores": expected}));
    let update = client
        .update_policy_store()
        .policy_store_id(&plain)
        .description("new");
    update
        .validation_settings(mode(ValidationMode::Off))
        .send()
        .await
        .unwrap();
    expected[0]["lastUpdatedDate"] = json!(second);
    expected[0]["description"] = json!("new");
    let listed = call_ok(&app, "ListPolicyStores", &json!({})).await;
    assert_eq!(listed, json!({"policyStores": expected}));
}

#[tokio::test]
async fn an_unknown_policy_store_is_not_found() {
    let (_app, client) = start();
    let get = failure(
        client
            .get_policy_store()
            .policy_store_id("nowhere")
            .send()
            .await,
    );
    assert_eq!(get.missing(), ("POLICY_STORE", "nowhere"));
    let update = client.update_policy_store().policy_store_id("nowhere");
    let update = update
        .validation_settings(mode(ValidationMode::Off))
        .send()
        .await;
    assert_eq!(failure(update).missing(), ("POLICY_STORE", "nowhere"));
    // Deleting what is not there succeeds.
    client
        .delete_policy_store()
        .policy_store_id("nowhere")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_strict_policy_store_without_schema_takes_no_policy() {
    let (_app, client) = start();
    let id = store(&client, ValidationMode::Strict).await;
    let call = client.create_policy().policy_store_id(&id);
    let call = call.definition(static_policy("permit(principal, action, resource);"));
    let text = "No schema present - automatically failing all validation.";
    failure(call.send().await).assert_invalid(&[("/definition", text)]);
}

#[tokio::test]
async fn a_policy_store_is_created_with_at_most_50_tags_none_of_them_awss() {
    let (app, client) = start();
    let create = |count: usize, key: &str| {
        let tags: serde_json::Map<_, _> = (0..count)
            .map(|n| (format!("{key}{n}"), json!("v")))
            .collect();
        json!({"validationSettings": {"mode": "OFF"}, "tags": tags})
    };
    call_ok(&app, "CreatePolicyStore", &create(50, "k")).await;
    for refused in [create(51, "k"), create(1, "aws:")] {
        let refused = call_refused(&app, "CreatePolicyStore", &refused).await;
        assert_eq!(refused.kind(), (400, "ValidationException"));
        assert_eq!(refused.fields[0].0, "/tags");
    }
    assert_eq!(
        client
            .list_policy_stores()
            .send()
            .await
            .unwrap()
            .policy_stores()
            .len(),
        1
    );
}

/// The ARN of the administrator's policy store with this id.
pub(crate) fn arn(id: &str) -> String {
    format!(
        "arn:aws:verifiedpermissions::{}:policy-store/{id}",
        ADMIN.account
    )
}
