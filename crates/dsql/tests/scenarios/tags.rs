//! Tags of clusters and streams.

use std::collections::HashMap;

use aws_sdk_dsql::Client;
use testkit::{ADMIN, OTHER_ACCOUNT};

use crate::common::{Failure, UNKNOWN, active, arn, arn_in, failure, outcome, pass, start};
use crate::streams;

async fn tags(client: &Client, arn: &str) -> Result<HashMap<String, String>, Failure> {
    let call = client.list_tags_for_resource().resource_arn(arn);
    outcome(call.send().await).map(|found| found.tags.unwrap())
}

fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn clusters_and_streams_are_tagged_and_untagged() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let stream = streams::create(&client, &id).send().await.unwrap().arn;
    for arn in [arn(&id), stream] {
        assert_eq!(tags(&client, &arn).await.unwrap(), map(&[]));
        let tag = || client.tag_resource().resource_arn(&arn);
        tag()
            .tags("Name", "one")
            .tags("a b:/=+-@.", "")
            .send()
            .await
            .unwrap();
        tag()
            .tags("Name", "two")
            .tags("x", "y")
            .send()
            .await
            .unwrap();
        tag().set_tags(Some(HashMap::new())).send().await.unwrap();
        let all = map(&[("Name", "two"), ("a b:/=+-@.", ""), ("x", "y")]);
        assert_eq!(tags(&client, &arn).await.unwrap(), all);
        let untag = || client.untag_resource().resource_arn(&arn);
        untag()
            .tag_keys("a b:/=+-@.")
            .tag_keys("unknown")
            .tag_keys("x")
            .send()
            .await
            .unwrap();
        assert_eq!(tags(&client, &arn).await.unwrap(), map(&[("Name", "two")]));
    }
    let found = client.get_cluster().identifier(&id).send().await.unwrap();
    assert_eq!(found.tags, Some(map(&[("Name", "two")])));
}

#[tokio::test]
async fn keys_and_values_keep_the_rules() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let arn = arn(&id);
    let tag = |key: &str, value: &str| client.tag_resource().resource_arn(&arn).tags(key, value);
    failure(tag("aws:x", "").send().await).assert_field("tags");
    for (key, value) in [
        ("", "x"),
        (&"k".repeat(129), "x"),
        ("k", &"v".repeat(257)),
        ("schlüssel", "x"),
        ("k", "wert!"),
    ] {
        let refused = failure(tag(key, value).send().await);
        assert_eq!(
            refused.invalid().0,
            "fieldValidationFailed",
            "{key} {value}"
        );
    }
    tag(&"k".repeat(128), &"v".repeat(256))
        .send()
        .await
        .unwrap();
    tag("AWS:x", "").send().await.unwrap();
    assert_eq!(tags(&client, &arn).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_arn_must_name_something_of_the_caller() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let stream = |cluster: &str| format!("{}/stream/{UNKNOWN}", arn(cluster));
    for (arn, kind, missing) in [
        (arn(UNKNOWN), "cluster", UNKNOWN),
        (arn_in("us-west-2", &id), "cluster", id.as_str()),
        (
            format!("{}/stream/{UNKNOWN}", arn_in("us-west-2", &id)),
            "stream",
            UNKNOWN,
        ),
        (stream(UNKNOWN), "cluster", UNKNOWN),
        (stream(&id), "stream", UNKNOWN),
    ] {
        let expected = (kind, missing);
        assert_eq!(tags(&client, &arn).await.unwrap_err().missing(), expected);
        let call = client.tag_resource().resource_arn(&arn).tags("a", "b");
        assert_eq!(failure(call.send().await).missing(), expected);
        let call = client.untag_resource().resource_arn(&arn).tag_keys("a");
        assert_eq!(failure(call.send().await).missing(), expected);
    }
    for arn in [
        "arn:aws:s3:::bucket",
        "arn:aws:dsql:us-east-1:111122223333:job/x",
        "arn:aws-cn:dsql:us-east-1:111122223333:cluster/zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "cluster",
    ] {
        let refused = tags(&client, arn).await.unwrap_err();
        refused.assert_field("resourceArn");
    }
    // Nobody reaches into another account.
    let other = app.dsql(OTHER_ACCOUNT);
    let denied = tags(&other, &arn(&id)).await.unwrap_err();
    assert_eq!(denied.kind(), (403, "AccessDeniedException"));
    let west = app.dsql_in(ADMIN, "us-west-2");
    assert_eq!(
        tags(&west, &arn(&id)).await.unwrap_err().missing().0,
        "cluster"
    );
}

#[tokio::test]
async fn tags_go_with_what_they_are_on() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let stream = streams::create(&client, &id)
        .tags("a", "b")
        .send()
        .await
        .unwrap();
    assert_eq!(
        tags(&client, &stream.arn).await.unwrap(),
        map(&[("a", "b")])
    );
    let call = client.delete_stream().cluster_identifier(&id);
    call.stream_identifier(&stream.stream_identifier)
        .send()
        .await
        .unwrap();
    assert_eq!(
        tags(&client, &stream.arn).await.unwrap(),
        map(&[("a", "b")])
    );
    pass(&app, 2_000);
    let gone = tags(&client, &stream.arn).await.unwrap_err();
    assert_eq!(
        gone.missing(),
        ("stream", stream.stream_identifier.as_str())
    );
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    pass(&app, 2_000);
    let gone = tags(&client, &arn(&id)).await.unwrap_err();
    assert_eq!(gone.missing(), ("cluster", id.as_str()));
}
