//! The states of a cluster, as a client sees them.

use std::time::Duration;

use aws_sdk_dsql::client::Waiters;
use aws_sdk_dsql::types::ClusterStatus;
use testkit::{ADMIN, App, Setup};

use crate::common::{active, cluster, failure, pass, start, status};

#[tokio::test]
async fn a_cluster_is_created_and_deleted_in_its_time() {
    let (app, client) = start();
    let id = cluster(&client).await;
    assert_eq!(status(&client, &id).await, "CREATING");
    pass(&app, 1_999);
    assert_eq!(status(&client, &id).await, "CREATING");
    pass(&app, 1);
    assert_eq!(status(&client, &id).await, "ACTIVE");
    let deleted = client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status, ClusterStatus::Deleting);
    assert_eq!(deleted.identifier, id);
    pass(&app, 1_999);
    assert_eq!(status(&client, &id).await, "DELETING");
    let listed = client.list_clusters().send().await.unwrap();
    assert_eq!(listed.clusters.len(), 1);
    pass(&app, 1);
    let gone = failure(client.get_cluster().identifier(&id).send().await);
    assert_eq!(gone.missing(), ("cluster", id.as_str()));
    let gone = failure(client.delete_cluster().identifier(&id).send().await);
    assert_eq!(gone.missing(), ("cluster", id.as_str()));
    let listed = client.list_clusters().send().await.unwrap();
    assert!(listed.clusters.is_empty());
}

#[tokio::test]
async fn the_waiters_of_the_sdk_are_satisfied() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let patience = Duration::from_secs(120);
    let wait = client.wait_until_cluster_active().identifier(&id);
    wait.wait(patience).await.unwrap();
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    pass(&app, 2_000);
    let wait = client.wait_until_cluster_not_exists().identifier(&id);
    wait.wait(patience).await.unwrap();
}

#[tokio::test]
async fn deletion_protection_must_be_taken_off_first() {
    let (app, client) = start();
    let id = client.create_cluster().send().await.unwrap().identifier;
    pass(&app, 2_000);
    let refused = failure(client.delete_cluster().identifier(&id).send().await);
    assert_eq!(refused.invalid(), ("deletionProtectionEnabled", None));
    assert_eq!(status(&client, &id).await, "ACTIVE");
    let call = client.update_cluster().identifier(&id);
    call.deletion_protection_enabled(false)
        .send()
        .await
        .unwrap();
    let deleted = client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status, ClusterStatus::Deleting);
}

#[tokio::test]
async fn a_cluster_can_be_deleted_while_it_is_created() {
    let (_, client) = start();
    let id = cluster(&client).await;
    let deleted = client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status, ClusterStatus::Deleting);
}

#[tokio::test]
async fn a_deleted_cluster_answers_deletions_and_refuses_changes() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    pass(&app, 1_000);
    let again = client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status, ClusterStatus::Deleting);
    let call = client.update_cluster().identifier(&id);
    let refused = failure(call.deletion_protection_enabled(true).send().await);
    assert_eq!(refused.conflict(), ("cluster", id.as_str()));
    let call = client.put_cluster_policy().identifier(&id);
    let refused = failure(
        call.policy(crate::common::denying(&["dsql:DbConnect"]))
            .send()
            .await,
    );
    assert_eq!(refused.conflict(), ("cluster", id.as_str()));
    let refused = failure(client.delete_cluster_policy().identifier(&id).send().await);
    assert_eq!(refused.conflict(), ("cluster", id.as_str()));
    // The second deletion has not begun a new one.
    pass(&app, 1_000);
    let gone = failure(client.get_cluster().identifier(&id).send().await);
    assert_eq!(gone.missing(), ("cluster", id.as_str()));
}

#[tokio::test]
async fn clusters_get_idle_where_the_operator_says_so() {
    let app = App::start(Setup {
        dsql: dsql::Options {
            idle_after: Some(Duration::from_secs(60)),
            inactive_after: Some(Duration::from_secs(600)),
            ..dsql::Options::default()
        },
        ..Setup::default()
    });
    let client = app.dsql(ADMIN);
    let id = active(&app, &client).await;
    for (seconds, state) in [(57, "ACTIVE"), (1, "IDLE"), (539, "IDLE"), (1, "INACTIVE")] {
        pass(&app, seconds * 1_000);
        assert_eq!(status(&client, &id).await, state);
    }
    // An update is activity.
    let updated = client
        .update_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(updated.status, ClusterStatus::Active);
    pass(&app, 59_999);
    assert_eq!(status(&client, &id).await, "ACTIVE");
    pass(&app, 1);
    assert_eq!(status(&client, &id).await, "IDLE");
}

#[tokio::test]
async fn without_delays_everything_happens_at_once() {
    let app = App::start(Setup {
        dsql: dsql::Options {
            creation_delay: Duration::ZERO,
            update_delay: Duration::ZERO,
            deletion_delay: Duration::ZERO,
            ..dsql::Options::default()
        },
        ..Setup::default()
    });
    let client = app.dsql(ADMIN);
    let call = client.create_cluster().deletion_protection_enabled(false);
    let created = call.send().await.unwrap();
    assert_eq!(created.status, ClusterStatus::Active);
    let id = created.identifier;
    let updated = client
        .update_cluster()
        .identifier(&id)
        .kms_encryption_key("k");
    assert_eq!(updated.send().await.unwrap().status, ClusterStatus::Active);
    let deleted = client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status, ClusterStatus::Deleting);
    let gone = failure(client.get_cluster().identifier(&id).send().await);
    assert_eq!(gone.missing(), ("cluster", id.as_str()));
}
