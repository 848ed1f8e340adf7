//! Aliases: other names of policy stores, their reservation after deletion, and their use.

use std::time::Duration;

use aws_sdk_verifiedpermissions::Client;
use aws_sdk_verifiedpermissions::types::{AliasState, DeletionMode, PolicyStoreAliasFilter};
use serde_json::json;
use testkit::{ADMIN, OTHER_ACCOUNT};

use crate::common::{call_ok, call_refused, failure, start, start_time, store_off, template};

const ALIAS: &str = "policy-store-alias/prod/main_1";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MICROSECOND: Duration = Duration::from_micros(1);

async fn create(client: &Client, store: &str, alias: &str) {
    let call = client.create_policy_store_alias().policy_store_id(store);
    call.alias_name(alias).send().await.unwrap();
}

async fn delete(client: &Client, alias: &str, mode: Option<DeletionMode>) {
    let call = client.delete_policy_store_alias().alias_name(alias);
    call.set_deletion_mode(mode).send().await.unwrap();
}

/// The state of an alias, `None` if it is not found.
async fn state(client: &Client, alias: &str) -> Option<AliasState> {
    match client
        .get_policy_store_alias()
        .alias_name(alias)
        .send()
        .await
    {
        Ok(found) => Some(found.state),
        Err(refused) => {
            let refused = failure::<(), _>(Err(refused));
            assert_eq!(refused.missing(), ("POLICY_STORE_ALIAS", alias));
            None
        }
    }
}

/// The policy store that an alias leads to.
async fn leads_to(client: &Client, alias: &str) -> String {
    let found = client
        .get_policy_store()
        .policy_store_id(alias)
        .send()
        .await
        .unwrap();
    found.policy_store_id
}

#[tokio::test]
async fn a_new_alias_is_active_and_has_an_arn_with_a_region() {
    let (app, client) = start();
    let store = store_off(&client).await;
    let arn = format!(
        "arn:aws:verifiedpermissions:us-east-1:{}:{ALIAS}",
        ADMIN.account
    );
    let mut expected = json!({
        "aliasName": ALIAS,
        "policyStoreId": store,
        "aliasArn": arn,
        "createdAt": "2026-01-01T00:00:00.123456Z",
    });
    let input = json!({"aliasName": ALIAS, "policyStoreId": store});
    assert_eq!(
        call_ok(&app, "CreatePolicyStoreAlias", &input).await,
        expected
    );
    expected["state"] = json!("Active");
    let found = call_ok(&app, "GetPolicyStoreAlias", &json!({"aliasName": ALIAS})).await;
    assert_eq!(found, expected);
    let listed = call_ok(&app, "ListPolicyStoreAliases", &json!({})).await;
    assert_eq!(listed, json!({"policyStoreAliases": [expected]}));
}

#[tokio::test]
async fn the_same_alias_again_is_the_one_that_is_there() {
    let (app, client) = start();
    let store = store_off(&client).await;
    create(&client, &store, ALIAS).await;
    app.clock().advance(Duration::from_secs(5));
    let again = client
        .create_policy_store_alias()
        .policy_store_id(&store)
        .alias_name(ALIAS);
    let again = again.send().await.unwrap();
    assert_eq!(again.created_at(), &start_time());
    let listed = client.list_policy_store_aliases().send().await.unwrap();
    assert_eq!(listed.policy_store_aliases().len(), 1);
}

#[tokio::test]
async fn an_alias_cannot_stand_for_two_policy_stores() {
    let (_app, client) = start();
    let (one, two) = (store_off(&client).await, store_off(&client).await);
    create(&client, &one, ALIAS).await;
    let call = client
        .create_policy_store_alias()
        .policy_store_id(&two)
        .alias_name(ALIAS);
    assert_eq!(
        failure(call.send().await).conflict(),
        ("POLICY_STORE_ALIAS", ALIAS)
    );
    assert_eq!(leads_to(&client, ALIAS).await, one);
}

#[tokio::test]
async fn an_alias_must_begin_with_its_prefix_and_go_on() {
    let (app, client) = start();
    let store = store_off(&client).await;
    let wrong = [
        "",
        "prod",
        "policy-store-alias",
        "policy-store-alias/",
        "Policy-Store-Alias/a",
    ];
    for name in wrong {
        for operation in [
            "CreatePolicyStoreAlias",
            "GetPolicyStoreAlias",
            "DeletePolicyStoreAlias",
        ] {
            let input = json!({"aliasName": name, "policyStoreId": store});
            let refused = call_refused(&app, operation, &input).await;
            refused.assert_invalid(&[("aliasName", "Invalid format.")]);
        }
    }
}

#[tokio::test]
async fn an_alias_stands_for_a_policy_store_that_is_there() {
    let (_app, client) = start();
    let call = client
        .create_policy_store_alias()
        .policy_store_id("nowhere")
        .alias_name(ALIAS);
    assert_eq!(
        failure(call.send().await).missing(),
        ("POLICY_STORE", "nowhere")
    );
    let store = store_off(&client).await;
    create(&client, &store, ALIAS).await;
    let call = client.create_policy_store_alias().policy_store_id(ALIAS);
    let refused = failure(call.alias_name("policy-store-alias/b").send().await);
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert_eq!(refused.fields[0].0, "/policyStoreId");
    assert_eq!(state(&client, "policy-store-alias/b").await, None);
}

/// Every operation that takes a policy store, but DeletePolicyStore and CreatePolicyStoreAlias.
#[tokio::test]
async fn an_alias_may_stand_wherever_a_policy_store_id_does() {
    let (app, client) = start();
    let store = store_off(&client).await;
    create(&client, &store, ALIAS).await;
    let linkable = "permit(principal == ?principal, action, resource == ?resource);";
    let template_id = template(&client, &store, linkable).await;
    let statement = "permit(principal, action, resource);";
    let definition = json!({"static": {"statement": statement}});
    let schema = r#"{"N": {"entityTypes": {}, "actions": {}}}"#;
    let input = json!({"policyStoreId": ALIAS, "definition": definition});
    let created = call_ok(&app, "CreatePolicy", &input).await;
    assert_eq!(created["policyStoreId"], json!(store));
    let policy_id = &created["policyId"];
    for (operation, input) in [
        ("GetPolicyStore", json!({})),
        (
            "UpdatePolicyStore",
            json!({"validationSettings": {"mode": "OFF"}}),
        ),
        ("PutSchema", json!({"definition": {"cedarJson": schema}})),
        ("GetSchema", json!({})),
        ("CreatePolicy", json!({"definition": definition})),
        ("GetPolicy", json!({"policyId": policy_id})),
        (
            "UpdatePolicy",
            json!({"policyId": policy_id, "definition": definition}),
        ),
        ("CreatePolicyTemplate", json!({"statement": linkable})),
        (
            "GetPolicyTemplate",
            json!({"policyTemplateId": template_id}),
        ),
        (
            "UpdatePolicyTemplate",
            json!({"policyTemplateId": template_id, "statement": linkable}),
        ),
    ] {
        let mut input = input;
        input["policyStoreId"] = json!(ALIAS);
        let output = call_ok(&app, operation, &input).await;
        assert_eq!(output["policyStoreId"], json!(store), "{operation}");
    }
    let in_alias = json!({"policyStoreId": ALIAS});
    let listed = call_ok(&app, "ListPolicies", &in_alias).await;
    assert_eq!(listed["policies"][0]["policyStoreId"], json!(store));
    let listed = call_ok(&app, "ListPolicyTemplates", &in_alias).await;
    assert_eq!(listed["policyTemplates"][0]["policyStoreId"], json!(store));
    let listed = call_ok(&app, "ListIdentitySources", &in_alias).await;
    assert_eq!(listed, json!({"identitySources": []}));
    let asked = json!({"policyStoreId": ALIAS, "principal": {"entityType": "U", "entityId": "a"}});
    assert_eq!(
        call_ok(&app, "IsAuthorized", &asked).await["decision"],
        "ALLOW"
    );
    let batch = json!({"policyStoreId": ALIAS, "requests": [{}]});
    let answered = call_ok(&app, "BatchIsAuthorized", &batch).await;
    assert_eq!(answered["results"][0]["decision"], "ALLOW");
    let one = json!({"policyStoreId": ALIAS, "policyId": policy_id});
    let got = call_ok(&app, "BatchGetPolicy", &json!({"requests": [one]})).await;
    assert_eq!(got["results"][0]["policyStoreId"], json!(store));
    let filter = json!({"filter": {"policyStoreId": ALIAS}});
    let listed = call_ok(&app, "ListPolicyStoreAliases", &filter).await;
    assert_eq!(
        listed["policyStoreAliases"][0]["policyStoreId"],
        json!(store)
    );
    let input = json!({"policyStoreId": ALIAS, "policyTemplateId": template_id});
    call_ok(&app, "DeletePolicyTemplate", &input).await;
    call_ok(&app, "DeletePolicy", &one).await;
    let found = failure(
        client
            .get_policy_template()
            .policy_store_id(&store)
            .policy_template_id(template_id)
            .send()
            .await,
    );
    assert_eq!(found.missing().0, "POLICY_TEMPLATE");
}

#[tokio::test]
async fn an_unknown_alias_is_not_found_as_it_was_sent() {
    let (_app, client) = start();
    let store = store_off(&client).await;
    create(&client, &store, ALIAS).await;
    // Names are compared with their case.
    for alias in ["policy-store-alias/other", "policy-store-alias/Prod/main_1"] {
        let get = client
            .get_policy_store()
            .policy_store_id(alias)
            .send()
            .await;
        assert_eq!(failure(get).missing(), ("POLICY_STORE_ALIAS", alias));
        assert_eq!(state(&client, alias).await, None);
        delete(&client, alias, None).await;
        delete(&client, alias, Some(DeletionMode::HardDelete)).await;
    }
    assert_eq!(leads_to(&client, ALIAS).await, store);
}

#[tokio::test]
async fn a_soft_deleted_alias_reserves_its_name_for_a_day() {
    let (app, client) = start();
    let (store, other) = (store_off(&client).await, store_off(&client).await);
    create(&client, &store, ALIAS).await;
    delete(&client, ALIAS, None).await;

    // Deleting it again does not begin the day again.
    app.clock().advance(DAY / 2);
    delete(&client, ALIAS, Some(DeletionMode::SoftDelete)).await;
    app.clock().advance(DAY / 2 - MICROSECOND);
    assert_eq!(
        state(&client, ALIAS).await,
        Some(AliasState::PendingDeletion)
    );
    let listed = client.list_policy_store_aliases().send().await.unwrap();
    assert_eq!(
        listed.policy_store_aliases()[0].state(),
        &AliasState::PendingDeletion
    );
    let used = client
        .get_policy_store()
        .policy_store_id(ALIAS)
        .send()
        .await;
    assert_eq!(failure(used).missing(), ("POLICY_STORE_ALIAS", ALIAS));
    for store in [&store, &other] {
        let call = client
            .create_policy_store_alias()
            .policy_store_id(store)
            .alias_name(ALIAS);
        assert_eq!(
            failure(call.send().await).conflict(),
            ("POLICY_STORE_ALIAS", ALIAS)
        );
    }

    app.clock().advance(MICROSECOND);
    assert_eq!(state(&client, ALIAS).await, None);
    let listed = client.list_policy_store_aliases().send().await.unwrap();
    assert!(listed.policy_store_aliases().is_empty());
    create(&client, &other, ALIAS).await;
    assert_eq!(leads_to(&client, ALIAS).await, other);
}

#[tokio::test]
async fn a_name_that_came_back_no_longer_belongs_to_its_first_policy_store() {
    let (app, client) = start();
    let (first, second) = (store_off(&client).await, store_off(&client).await);
    create(&client, &first, ALIAS).await;
    delete(&client, ALIAS, None).await;
    app.clock().advance(DAY);
    create(&client, &second, ALIAS).await;
    client
        .delete_policy_store()
        .policy_store_id(&first)
        .send()
        .await
        .unwrap();
    assert_eq!(leads_to(&client, ALIAS).await, second);
}

#[tokio::test]
async fn a_hard_deleted_alias_is_gone_at_once() {
    let (_app, client) = start();
    let (store, other) = (store_off(&client).await, store_off(&client).await);
    for pending in [false, true] {
        create(&client, &store, ALIAS).await;
        if pending {
            delete(&client, ALIAS, Some(DeletionMode::SoftDelete)).await;
        }
        delete(&client, ALIAS, Some(DeletionMode::HardDelete)).await;
        assert_eq!(state(&client, ALIAS).await, None);
        create(&client, &other, ALIAS).await;
        assert_eq!(leads_to(&client, ALIAS).await, other);
        delete(&client, ALIAS, Some(DeletionMode::HardDelete)).await;
    }
}

#[tokio::test]
async fn aliases_are_listed_by_policy_store() {
    let (_app, client) = start();
    let (one, two) = (store_off(&client).await, store_off(&client).await);
    for (store, alias) in [(&one, "b"), (&two, "c"), (&one, "a")] {
        create(&client, store, &format!("policy-store-alias/{alias}")).await;
    }
    delete(&client, "policy-store-alias/b", None).await;
    let list = |store: Option<&str>| {
        let filter = PolicyStoreAliasFilter::builder().set_policy_store_id(store.map(Into::into));
        let call = client.list_policy_store_aliases().filter(filter.build());
        async move {
            let page = call.send().await.unwrap();
            let names = page.policy_store_aliases().iter();
            names
                .filter_map(|item| item.alias_name().strip_prefix("policy-store-alias/"))
                .map(str::to_owned)
                .collect()
        }
    };
    let names: Vec<String> = list(Some(&one)).await;
    assert_eq!(names, ["b", "a"]);
    let names: Vec<String> = list(Some(&two)).await;
    assert_eq!(names, ["c"]);
    let names: Vec<String> = list(None).await;
    assert_eq!(names, ["b", "c", "a"]);
    for unknown in [
        "nowhere",
        "policy-store-alias/nowhere",
        "policy-store-alias/b",
    ] {
        let names: Vec<String> = list(Some(unknown)).await;
        assert!(names.is_empty(), "{unknown}: {names:?}");
    }
}

#[tokio::test]
async fn each_account_has_its_own_aliases() {
    let (app, client) = start();
    let other = app.client(OTHER_ACCOUNT);
    let (ours, theirs) = (store_off(&client).await, store_off(&other).await);
    create(&client, &ours, ALIAS).await;
    create(&other, &theirs, ALIAS).await;
    assert_eq!(leads_to(&client, ALIAS).await, ours);
    assert_eq!(leads_to(&other, ALIAS).await, theirs);
    delete(&other, ALIAS, Some(DeletionMode::HardDelete)).await;
    assert_eq!(leads_to(&client, ALIAS).await, ours);
}
