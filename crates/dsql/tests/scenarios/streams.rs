//! Streams: kept and reported; delivery is not there yet.

use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::operation::create_stream::builders::CreateStreamFluentBuilder;
use aws_sdk_dsql::types::{
    KinesisTargetDefinition, StreamFormat, StreamOrdering, StreamStatus, TargetDefinition,
};
use testkit::{ADMIN, App, Setup};

use crate::common::{UNKNOWN, active, arn, cluster, failure, pass, start};

const KINESIS: &str = "arn:aws:kinesis:us-east-1:111122223333:stream/changes";
const ROLE: &str = "arn:aws:iam::111122223333:role/service/cdc";

fn target(stream: &str, role: &str) -> TargetDefinition {
    let kinesis = KinesisTargetDefinition::builder();
    let kinesis = kinesis.stream_arn(stream).role_arn(role).build().unwrap();
    TargetDefinition::Kinesis(kinesis)
}

/// A request for a stream that can be made.
pub(crate) fn create(client: &Client, cluster: &str) -> CreateStreamFluentBuilder {
    let call = client.create_stream().cluster_identifier(cluster);
    let call = call.target_definition(target(KINESIS, ROLE));
    call.ordering(StreamOrdering::Unordered)
        .format(StreamFormat::Json)
}

#[tokio::test]
async fn a_stream_is_made_described_and_deleted() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let created = create(&client, &id).tags("a", "b").send().await.unwrap();
    let stream = created.stream_identifier.as_str();
    assert_eq!(stream.len(), 26);
    assert_eq!(created.cluster_identifier, id);
    assert_eq!(created.arn, format!("{}/stream/{stream}", arn(&id)));
    assert_eq!(created.status, StreamStatus::Creating);
    assert_eq!(created.ordering, StreamOrdering::Unordered);
    assert_eq!(created.format, StreamFormat::Json);
    let get = || {
        let call = client.get_stream().cluster_identifier(&id);
        call.stream_identifier(stream).send()
    };
    // Nothing is delivered, and nothing pretends that it is.
    pass(&app, 1_000_000);
    let found = get().await.unwrap();
    assert_eq!(
        (&found.arn, found.creation_time),
        (&created.arn, created.creation_time)
    );
    assert_eq!(found.status, StreamStatus::Creating);
    assert_eq!(found.status_reason, None);
    assert_eq!(found.target_definition, Some(target(KINESIS, ROLE)));
    assert_eq!(found.tags.unwrap()["a"], "b");

    let delete = || {
        let call = client.delete_stream().cluster_identifier(&id);
        call.stream_identifier(stream).send()
    };
    let deleted = delete().await.unwrap();
    assert_eq!(deleted.status, StreamStatus::Deleting);
    assert_eq!(
        (deleted.arn, deleted.creation_time),
        (created.arn, created.creation_time)
    );
    pass(&app, 1_999);
    assert_eq!(delete().await.unwrap().status, StreamStatus::Deleting);
    assert_eq!(get().await.unwrap().status, StreamStatus::Deleting);
    pass(&app, 1);
    assert_eq!(failure(get().await).missing(), ("stream", stream));
    assert_eq!(failure(delete().await).missing(), ("stream", stream));
}

#[tokio::test]
async fn only_an_active_cluster_gets_a_stream() {
    let app = App::start(Setup {
        dsql: dsql::Options {
            idle_after: Some(Duration::from_secs(60)),
            ..dsql::Options::default()
        },
        ..Setup::default()
    });
    let client = app.dsql(ADMIN);
    let id = cluster(&client).await;
    let refused = failure(create(&client, &id).send().await);
    assert_eq!(refused.invalid(), ("other", None));
    assert!(refused.message.contains("CREATING"), "{}", refused.message);
    pass(&app, 60_000);
    let refused = failure(create(&client, &id).send().await);
    assert_eq!(refused.invalid(), ("other", None));
    assert!(
        refused.message.contains("Connect to an idle cluster"),
        "{}",
        refused.message
    );
    client
        .update_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    create(&client, &id).send().await.unwrap();
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    let refused = failure(create(&client, &id).send().await);
    assert!(refused.message.contains("DELETING"), "{}", refused.message);
}

#[tokio::test]
async fn the_target_is_of_the_account_and_region() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let stream_of =
        |region: &str, account: &str| format!("arn:aws:kinesis:{region}:{account}:stream/changes");
    let foreign_role = "arn:aws:iam::444455556666:role/cdc";
    for (stream, role, field) in [
        (
            stream_of("us-west-2", "111122223333"),
            ROLE,
            "targetDefinition.kinesis.streamArn",
        ),
        (
            stream_of("us-east-1", "444455556666"),
            ROLE,
            "targetDefinition.kinesis.streamArn",
        ),
        (
            KINESIS.to_owned(),
            foreign_role,
            "targetDefinition.kinesis.roleArn",
        ),
        (
            KINESIS.to_owned(),
            "arn:aws:iam::111122223333:user/u",
            "targetDefinition.kinesis.roleArn",
        ),
        (
            "stream".to_owned(),
            ROLE,
            "targetDefinition.kinesis.streamArn",
        ),
    ] {
        let call = create(&client, &id).target_definition(target(&stream, role));
        failure(call.send().await).assert_field(field);
    }
    let call = create(&client, &id).tags("aws:a", "b");
    failure(call.send().await).assert_field("tags");
    let call = create(&client, &id).ordering(StreamOrdering::from("ORDERED"));
    failure(call.send().await).assert_field("ordering");
}

#[tokio::test]
async fn streams_of_unknown_clusters_are_not_found() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let missing = ("cluster", UNKNOWN);
    let refused = failure(create(&client, UNKNOWN).send().await);
    assert_eq!(refused.missing(), missing);
    let get = |cluster: &str, stream: &str| {
        let call = client.get_stream().cluster_identifier(cluster);
        call.stream_identifier(stream).send()
    };
    let delete = |cluster: &str, stream: &str| {
        let call = client.delete_stream().cluster_identifier(cluster);
        call.stream_identifier(stream).send()
    };
    assert_eq!(failure(get(UNKNOWN, UNKNOWN).await).missing(), missing);
    assert_eq!(failure(delete(UNKNOWN, UNKNOWN).await).missing(), missing);
    assert_eq!(
        failure(get(&id, UNKNOWN).await).missing(),
        ("stream", UNKNOWN)
    );
    assert_eq!(
        failure(delete(&id, UNKNOWN).await).missing(),
        ("stream", UNKNOWN)
    );
    // Another cluster's stream.
    let other = active(&app, &client).await;
    let stream = create(&client, &other)
        .send()
        .await
        .unwrap()
        .stream_identifier;
    assert_eq!(
        failure(get(&id, &stream).await).missing(),
        ("stream", stream.as_str())
    );
}

#[tokio::test]
async fn streams_go_with_their_cluster() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let stream = create(&client, &id).send().await.unwrap().stream_identifier;
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    let get = || {
        let call = client.get_stream().cluster_identifier(&id);
        call.stream_identifier(&stream).send()
    };
    assert_eq!(get().await.unwrap().status, StreamStatus::Deleting);
    pass(&app, 2_000);
    assert_eq!(failure(get().await).missing(), ("cluster", id.as_str()));
}
