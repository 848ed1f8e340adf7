//! Tags of policy stores.

use std::collections::HashMap;

use aws_sdk_verifiedpermissions::Client;
use aws_sdk_verifiedpermissions::types::ValidationMode;
use serde_json::json;
use testkit::{ADMIN, OTHER_ACCOUNT};

use crate::common::{call_ok, call_refused, failure, mode, start, store_off};
use crate::policy_stores::arn;

fn tags(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

async fn listed(client: &Client, arn: &str) -> HashMap<String, String> {
    let found = client
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .unwrap();
    found.tags.unwrap_or_default()
}

#[tokio::test]
async fn tags_are_added_changed_and_removed() {
    let (app, client) = start();
    let arn = arn(&store_off(&client).await);
    assert!(listed(&client, &arn).await.is_empty());
    let tag = json!({"resourceArn": arn, "tags": {"team": "red", "stage": ""}});
    assert_eq!(call_ok(&app, "TagResource", &tag).await, json!({}));
    assert_eq!(
        listed(&client, &arn).await,
        tags(&[("team", "red"), ("stage", "")])
    );
    let tag = client
        .tag_resource()
        .resource_arn(&arn)
        .tags("team", "blue")
        .tags("Team", "x");
    tag.send().await.unwrap();
    let expected = tags(&[("team", "blue"), ("Team", "x"), ("stage", "")]);
    assert_eq!(listed(&client, &arn).await, expected);
    let untag = json!({"resourceArn": arn, "tagKeys": ["team", "unknown", "stage"]});
    assert_eq!(call_ok(&app, "UntagResource", &untag).await, json!({}));
    assert_eq!(listed(&client, &arn).await, tags(&[("Team", "x")]));
}

#[tokio::test]
async fn tags_given_at_creation_are_tags_like_others() {
    let (_app, client) = start();
    let call = client
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Off));
    let arn = call.tags("a", "1").send().await.unwrap().arn;
    assert_eq!(listed(&client, &arn).await, tags(&[("a", "1")]));
}

#[tokio::test]
async fn a_policy_store_has_at_most_50_tags() {
    let (app, client) = start();
    let arn = arn(&store_off(&client).await);
    let many: HashMap<_, _> = (0..50).map(|n| (format!("k{n}"), "v".to_owned())).collect();
    client
        .tag_resource()
        .resource_arn(&arn)
        .set_tags(Some(many.clone()))
        .send()
        .await
        .unwrap();
    let refused = failure(
        client
            .tag_resource()
            .resource_arn(&arn)
            .tags("k0", "new")
            .tags("k50", "v")
            .send()
            .await,
    );
    assert_eq!(refused.kind(), (400, "TooManyTagsException"));
    assert_eq!(refused.body["resourceName"], json!(arn));
    // Nothing of a refused call is kept, and a tag that is there can still be changed.
    assert_eq!(listed(&client, &arn).await, many);
    client
        .tag_resource()
        .resource_arn(&arn)
        .tags("k0", "new")
        .send()
        .await
        .unwrap();
    assert_eq!(listed(&client, &arn).await["k0"], "new");
    // The model allows 200 tags in one request, and more are a violation of the model.
    let tags: serde_json::Map<_, _> = (0..201).map(|n| (format!("k{n}"), json!("v"))).collect();
    let input = json!({"resourceArn": arn, "tags": tags});
    let refused = call_refused(&app, "TagResource", &input).await;
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert_eq!(refused.fields[0].0, "/tags");
}

#[tokio::test]
async fn keys_that_begin_with_aws_are_refused() {
    let (_app, client) = start();
    let arn = arn(&store_off(&client).await);
    let call = client
        .tag_resource()
        .resource_arn(&arn)
        .tags("ok", "v")
        .tags("aws:x", "v");
    let refused = failure(call.send().await);
    assert_eq!(refused.kind(), (400, "ValidationException"));
    assert_eq!(refused.fields[0].0, "/tags");
    assert!(listed(&client, &arn).await.is_empty());
    client
        .tag_resource()
        .resource_arn(&arn)
        .tags("awsome", "v")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn only_policy_stores_have_tags() {
    let (app, client) = start();
    let store = store_off(&client).await;
    let alias = client.create_policy_store_alias().policy_store_id(&store);
    let alias = alias
        .alias_name("policy-store-alias/a")
        .send()
        .await
        .unwrap()
        .alias_arn;
    let wrong = [
        alias,
        store.clone(),
        format!(
            "arn:aws:verifiedpermissions:us-east-1:{}:policy-store/{store}",
            ADMIN.account
        ),
        format!(
            "arn:aws:verifiedpermissions::{}:policy/{store}",
            ADMIN.account
        ),
        format!("arn:aws:dsql::{}:policy-store/{store}", ADMIN.account),
        format!(
            "arn:aws:verifiedpermissions::{}:policy-store",
            ADMIN.account
        ),
        "arn:aws".to_owned(),
    ];
    for arn in wrong {
        for operation in ["TagResource", "UntagResource", "ListTagsForResource"] {
            let input = json!({"resourceArn": arn, "tags": {"a": "b"}, "tagKeys": ["a"]});
            let refused = call_refused(&app, operation, &input).await;
            assert_eq!(
                refused.kind(),
                (400, "ValidationException"),
                "{operation} {arn}"
            );
            assert_eq!(refused.fields[0].0, "/resourceArn");
        }
    }
}

#[tokio::test]
async fn an_unknown_policy_store_has_no_tags() {
    let (app, _client) = start();
    let input = json!({"resourceArn": arn("nowhere"), "tags": {"a": "b"}, "tagKeys": ["a"]});
    for operation in ["TagResource", "UntagResource", "ListTagsForResource"] {
        let refused = call_refused(&app, operation, &input).await;
        assert_eq!(
            refused.missing(),
            ("POLICY_STORE", "nowhere"),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn another_accounts_arn_is_denied() {
    let (app, client) = start();
    let other = app.client(OTHER_ACCOUNT);
    let call = other
        .create_policy_store()
        .validation_settings(mode(ValidationMode::Off));
    let arn = call.tags("a", "theirs").send().await.unwrap().arn;
    let denied = (403, "AccessDeniedException");
    let call = client
        .list_tags_for_resource()
        .resource_arn(&arn)
        .send()
        .await;
    assert_eq!(failure(call).kind(), denied);
    let call = client
        .tag_resource()
        .resource_arn(&arn)
        .tags("a", "ours")
        .send()
        .await;
    assert_eq!(failure(call).kind(), denied);
    let call = client
        .untag_resource()
        .resource_arn(&arn)
        .tag_keys("a")
        .send()
        .await;
    assert_eq!(failure(call).kind(), denied);
    assert_eq!(listed(&other, &arn).await, tags(&[("a", "theirs")]));
}
