//! Client tokens: the same request again gets the first result and has no further effect.

use std::fmt::Debug;

use aws_sdk_dsql::types::ClusterStatus;
use testkit::{ADMIN, OTHER_ACCOUNT};

use crate::common::{active, cluster, denying, failure, pass, start, status};
use crate::streams;

/// An output without the id of its request.
fn told<O: Debug>(output: &O) -> String {
    let text = format!("{output:?}");
    let (told, _) = text.rsplit_once(", _request_id").unwrap();
    told.to_owned()
}

const DAY: u64 = 24 * 60 * 60 * 1_000;

#[tokio::test]
async fn a_repeated_creation_makes_one_cluster() {
    let (app, client) = start();
    let create = || client.create_cluster().client_token("t").tags("a", "b");
    let first = create().send().await.unwrap();
    pass(&app, 5_000);
    let again = create().send().await.unwrap();
    // As it was then.
    assert_eq!(told(&again), told(&first));
    assert_eq!(again.status, ClusterStatus::Creating);
    let other = failure(create().tags("c", "d").send().await);
    assert_eq!(other.conflict(), ("cluster", first.identifier.as_str()));
    let listed = client.list_clusters().send().await.unwrap();
    assert_eq!(listed.clusters.len(), 1);
}

#[tokio::test]
async fn a_token_counts_for_a_day_in_its_region_and_account() {
    let (app, client) = start();
    let create = |client: &aws_sdk_dsql::Client| {
        let call = client.create_cluster().client_token("t");
        async move { call.send().await.unwrap().identifier }
    };
    let first = create(&client).await;
    let elsewhere = [app.dsql_in(ADMIN, "us-west-2"), app.dsql(OTHER_ACCOUNT)];
    for other in elsewhere {
        assert_ne!(create(&other).await, first);
    }
    pass(&app, DAY - 1);
    assert_eq!(create(&client).await, first);
    pass(&app, 1);
    assert_ne!(create(&client).await, first);
}

#[tokio::test]
async fn a_repeated_update_changes_nothing_any_more() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let update = |token: &str, protect| {
        let call = client.update_cluster().identifier(&id).client_token(token);
        call.deletion_protection_enabled(protect)
    };
    let first = update("one", true).send().await.unwrap();
    update("two", false).send().await.unwrap();
    let again = update("one", true).send().await.unwrap();
    assert_eq!(told(&again), told(&first));
    let found = client.get_cluster().identifier(&id).send().await.unwrap();
    assert!(!found.deletion_protection_enabled);
    let refused = failure(update("one", false).send().await);
    assert_eq!(refused.conflict(), ("cluster", id.as_str()));
    // Tokens count per resource and operation.
    let other = cluster(&client).await;
    let call = client
        .update_cluster()
        .identifier(&other)
        .client_token("one");
    call.deletion_protection_enabled(true).send().await.unwrap();
    let call = client.delete_cluster().identifier(&id).client_token("one");
    call.send().await.unwrap();
}

#[tokio::test]
async fn a_repeated_deletion_is_answered_when_the_cluster_is_gone() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let delete = |token: &str| client.delete_cluster().identifier(&id).client_token(token);
    let first = delete("t").send().await.unwrap();
    pass(&app, 60_000);
    let again = delete("t").send().await.unwrap();
    assert_eq!(told(&again), told(&first));
    let gone = failure(delete("other").send().await);
    assert_eq!(gone.missing(), ("cluster", id.as_str()));
    // What is left of the cluster is removed by a write; the token stays.
    cluster(&client).await;
    let again = delete("t").send().await.unwrap();
    assert_eq!(told(&again), told(&first));
}

#[tokio::test]
async fn repeated_policy_requests_count_no_version() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let put = |token: &str, action: &str| {
        let call = client
            .put_cluster_policy()
            .identifier(&id)
            .client_token(token);
        call.policy(denying(&[action]))
    };
    let delete = || {
        client
            .delete_cluster_policy()
            .identifier(&id)
            .client_token("d")
    };
    assert_eq!(
        put("p", "dsql:DbConnect")
            .send()
            .await
            .unwrap()
            .policy_version,
        "1"
    );
    assert_eq!(
        put("p", "dsql:DbConnect")
            .send()
            .await
            .unwrap()
            .policy_version,
        "1"
    );
    let refused = failure(put("p", "dsql:DbConnectAdmin").send().await);
    assert_eq!(refused.conflict(), ("clusterPolicy", id.as_str()));
    assert_eq!(delete().send().await.unwrap().policy_version, "1");
    assert_eq!(delete().send().await.unwrap().policy_version, "1");
    assert_eq!(
        put("q", "dsql:DbConnect")
            .send()
            .await
            .unwrap()
            .policy_version,
        "2"
    );
    // The repeated deletion does not take the new one away.
    assert_eq!(delete().send().await.unwrap().policy_version, "1");
    let call = client.get_cluster_policy().identifier(&id);
    assert_eq!(call.send().await.unwrap().policy_version, "2");
    let refused = failure(delete().expected_policy_version("2").send().await);
    assert_eq!(refused.conflict(), ("clusterPolicy", id.as_str()));
}

#[tokio::test]
async fn repeated_stream_requests_make_and_delete_one() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let create = || streams::create(&client, &id).client_token("t");
    let first = create().send().await.unwrap();
    let again = create().send().await.unwrap();
    assert_eq!(told(&again), told(&first));
    let refused = failure(create().tags("a", "b").send().await);
    assert_eq!(
        refused.conflict(),
        ("stream", first.stream_identifier.as_str())
    );
    let delete = || {
        let call = client.delete_stream().cluster_identifier(&id);
        call.stream_identifier(&first.stream_identifier)
            .client_token("t")
    };
    let deleted = delete().send().await.unwrap();
    pass(&app, 5_000);
    let again = delete().send().await.unwrap();
    assert_eq!(told(&again), told(&deleted));
    let again = create().send().await.unwrap();
    assert_eq!(told(&again), told(&first));
    let call = client.list_streams().cluster_identifier(&id);
    assert!(call.send().await.unwrap().streams.is_empty());
    assert_eq!(status(&client, &id).await, "ACTIVE");
}

/// A refused request leaves its token free.
#[tokio::test]
async fn only_results_are_remembered() {
    let (app, client) = start();
    let created = client.create_cluster().send().await.unwrap();
    pass(&app, 2_000);
    let delete = || {
        client
            .delete_cluster()
            .identifier(&created.identifier)
            .client_token("t")
    };
    let refused = failure(delete().send().await);
    assert_eq!(refused.invalid().0, "deletionProtectionEnabled");
    let call = client.update_cluster().identifier(&created.identifier);
    call.deletion_protection_enabled(false)
        .send()
        .await
        .unwrap();
    assert_eq!(
        delete().send().await.unwrap().status,
        ClusterStatus::Deleting
    );
}
