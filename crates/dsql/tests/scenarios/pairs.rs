//! Deleting linked clusters: the first one waits for the second.

use aws_sdk_dsql::Client;
use aws_sdk_dsql::types::ClusterStatus;
use testkit::{ADMIN, App};

use crate::common::{arn, arn_in, failure, multi_region, pass, status};

/// Two linked clusters that are not protected.
struct Pair {
    app: App,
    east: Client,
    ohio: Client,
    one: String,
    other: String,
}

impl Pair {
    async fn new() -> Self {
        let app = App::new();
        let (east, ohio) = (app.dsql(ADMIN), app.dsql_in(ADMIN, "us-east-2"));
        let create = |client: &Client, peers: Vec<String>| {
            let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
            let call = client.create_cluster().deletion_protection_enabled(false);
            let call = call.multi_region_properties(multi_region(Some("us-west-2"), &peers));
            async move { call.send().await.unwrap().identifier }
        };
        let one = create(&east, Vec::new()).await;
        let other = create(&ohio, vec![arn(&one)]).await;
        let pair = Self {
            app,
            east,
            ohio,
            one,
            other,
        };
        pair.name_peer(true).await;
        pass(&pair.app, 5_000);
        assert_eq!(pair.states().await, ["ACTIVE", "ACTIVE"]);
        pair
    }

    /// Has the first cluster name the second one, or nobody.
    async fn name_peer(&self, named: bool) {
        let peer = if named {
            arn_in("us-east-2", &self.other)
        } else {
            arn(&self.one)
        };
        let call = self.east.update_cluster().identifier(&self.one);
        let call = call.multi_region_properties(multi_region(None, &[&peer]));
        call.send().await.unwrap();
    }

    async fn states(&self) -> [String; 2] {
        [
            status(&self.east, &self.one).await,
            status(&self.ohio, &self.other).await,
        ]
    }
}

async fn delete(client: &Client, id: &str) -> ClusterStatus {
    client
        .delete_cluster()
        .identifier(id)
        .send()
        .await
        .unwrap()
        .status
}

#[tokio::test]
async fn the_first_of_two_peers_waits_for_the_second() {
    let pair = Pair::new().await;
    assert_eq!(
        delete(&pair.east, &pair.one).await,
        ClusterStatus::PendingDelete
    );
    pass(&pair.app, 1_000_000);
    assert_eq!(pair.states().await, ["PENDING_DELETE", "ACTIVE"]);
    assert_eq!(
        delete(&pair.east, &pair.one).await,
        ClusterStatus::PendingDelete
    );
    let call = pair.east.update_cluster().identifier(&pair.one);
    assert_eq!(
        failure(call.send().await).conflict(),
        ("cluster", pair.one.as_str())
    );
    assert_eq!(
        delete(&pair.ohio, &pair.other).await,
        ClusterStatus::Deleting
    );
    assert_eq!(pair.states().await, ["DELETING", "DELETING"]);
    pass(&pair.app, 2_000);
    for (client, id) in [(&pair.east, &pair.one), (&pair.ohio, &pair.other)] {
        let gone = failure(client.get_cluster().identifier(id).send().await);
        assert_eq!(gone.missing(), ("cluster", id.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_are_deleted_at_the_same_time_both_go() {
    for _ in 0..10 {
        let pair = Pair::new().await;
        let (east, ohio) = (pair.east.clone(), pair.ohio.clone());
        let (one, other) = (pair.one.clone(), pair.other.clone());
        let first = tokio::spawn(async move { delete(&east, &one).await });
        let second = tokio::spawn(async move { delete(&ohio, &other).await });
        let mut states = [first.await.unwrap(), second.await.unwrap()];
        states.sort();
        assert_eq!(
            states,
            [ClusterStatus::Deleting, ClusterStatus::PendingDelete]
        );
        assert_eq!(pair.states().await, ["DELETING", "DELETING"]);
    }
}

#[tokio::test]
async fn a_peer_that_is_unlinked_lets_the_other_go() {
    let pair = Pair::new().await;
    assert_eq!(
        delete(&pair.ohio, &pair.other).await,
        ClusterStatus::PendingDelete
    );
    pair.name_peer(false).await;
    assert_eq!(pair.states().await, ["PENDING_SETUP", "DELETING"]);
    pass(&pair.app, 2_000);
    let gone = failure(pair.ohio.get_cluster().identifier(&pair.other).send().await);
    assert_eq!(gone.missing().0, "cluster");
    assert_eq!(delete(&pair.east, &pair.one).await, ClusterStatus::Deleting);
}

#[tokio::test]
async fn a_cluster_that_nobody_names_back_waits_for_nobody() {
    let pair = Pair::new().await;
    pair.name_peer(false).await;
    // The second one still names the first.
    assert_eq!(
        delete(&pair.ohio, &pair.other).await,
        ClusterStatus::Deleting
    );
}

#[tokio::test]
async fn a_deleted_cluster_is_nobodys_peer() {
    let pair = Pair::new().await;
    pair.name_peer(false).await;
    delete(&pair.ohio, &pair.other).await;
    let peer = arn_in("us-east-2", &pair.other);
    for part in ["is being deleted", "does not exist"] {
        let call = pair.east.update_cluster().identifier(&pair.one);
        let call = call.multi_region_properties(multi_region(None, &[&peer]));
        let refused = failure(call.send().await);
        refused.assert_field("multiRegionProperties.clusters");
        assert!(refused.message.contains(part), "{}", refused.message);
        pass(&pair.app, 2_000);
    }
}

#[tokio::test]
async fn each_peer_has_its_own_protection_and_policy() {
    let pair = Pair::new().await;
    let call = pair.ohio.update_cluster().identifier(&pair.other);
    call.deletion_protection_enabled(true).send().await.unwrap();
    let refused = failure(
        pair.ohio
            .delete_cluster()
            .identifier(&pair.other)
            .send()
            .await,
    );
    assert_eq!(refused.invalid().0, "deletionProtectionEnabled");
    let call = pair.east.put_cluster_policy().identifier(&pair.one);
    let call = call.policy(crate::common::denying(&["dsql:DbConnect"]));
    call.send().await.unwrap();
    let call = pair.ohio.get_cluster_policy().identifier(&pair.other);
    assert_eq!(failure(call.send().await).missing().0, "clusterPolicy");
    assert_eq!(
        delete(&pair.east, &pair.one).await,
        ClusterStatus::PendingDelete
    );
}
