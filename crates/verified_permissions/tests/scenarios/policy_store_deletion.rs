//! Deleting policy stores.

use aws_sdk_verifiedpermissions::types::{DeletionMode, DeletionProtection, ValidationMode};
use serde_json::json;

use crate::common::{ask, call_ok, failure, mode, policy, start, store_off};

#[tokio::test]
async fn a_deleted_policy_store_takes_all_that_was_in_it() {
    let (app, client) = start();
    let (id, other) = (store_off(&client).await, store_off(&client).await);
    let policy_id = policy(&client, &id, "permit(principal, action, resource);").await;
    let alias = client.create_policy_store_alias().policy_store_id(&id);
    alias
        .alias_name("policy-store-alias/a")
        .send()
        .await
        .unwrap();

    let body = call_ok(&app, "DeletePolicyStore", &json!({"policyStoreId": id})).await;
    assert_eq!(body, json!({}));

    let gone = ("POLICY_STORE", id.as_str());
    let get = client.get_policy_store().policy_store_id(&id).send().await;
    assert_eq!(failure(get).missing(), gone);
    let get = client
        .get_policy()
        .policy_store_id(&id)
        .policy_id(policy_id)
        .send()
        .await;
    assert_eq!(failure(get).missing(), gone);
    let list = client.list_policies().policy_store_id(&id).send().await;
    assert_eq!(failure(list).missing(), gone);
    let asked = client.is_authorized().policy_store_id(&id).send().await;
    assert_eq!(failure(asked).missing(), gone);
    let get = client
        .get_policy_store_alias()
        .alias_name("policy-store-alias/a")
        .send()
        .await;
    assert_eq!(
        failure(get).missing(),
        ("POLICY_STORE_ALIAS", "policy-store-alias/a")
    );
    let listed = client.list_policy_stores().send().await.unwrap();
    let ids: Vec<_> = listed
        .policy_stores()
        .iter()
        .map(|item| item.policy_store_id())
        .collect();
    assert_eq!(ids, [&other]);
    // Again, as an SDK does that lost the answer.
    client
        .delete_policy_store()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_protected_policy_store_cannot_be_deleted() {
    let (_app, client) = start();
    let call = client
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Off));
    let call = call.deletion_protection(DeletionProtection::Enabled);
    let id = call.send().await.unwrap().policy_store_id;
    policy(&client, &id, "permit(principal, action, resource);").await;

    let refused = failure(
        client
            .delete_policy_store()
            .policy_store_id(&id)
            .send()
            .await,
    );
    assert_eq!(refused.kind(), (406, "InvalidStateException"));
    assert!(
        refused.message.contains("deletion protection is enabled"),
        "{}",
        refused.message
    );
    assert!(
        !ask(&client, &id, ("a", "b", "c"))
            .await
            .determining_policies()
            .is_empty()
    );

    let update = client.update_policy_store().policy_store_id(&id);
    let update = update.validation_settings(mode(ValidationMode::Off));
    update
        .deletion_protection(DeletionProtection::Disabled)
        .send()
        .await
        .unwrap();
    client
        .delete_policy_store()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_policy_store_is_deleted_by_its_id_only() {
    let (_app, client) = start();
    let id = store_off(&client).await;
    let alias = client.create_policy_store_alias().policy_store_id(&id);
    alias
        .alias_name("policy-store-alias/a")
        .send()
        .await
        .unwrap();
    let call = client
        .delete_policy_store()
        .policy_store_id("policy-store-alias/a");
    let refused = failure(call.send().await);
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert_eq!(refused.fields[0].0, "/policyStoreId");
    client
        .get_policy_store()
        .policy_store_id(&id)
        .send()
        .await
        .unwrap();
    let hard = client
        .delete_policy_store_alias()
        .alias_name("policy-store-alias/a");
    hard.deletion_mode(DeletionMode::HardDelete)
        .send()
        .await
        .unwrap();
}
