//! Multi-Region clusters: two peers and a witness.

use aws_sdk_dsql::Client;
use aws_sdk_dsql::types::{ClusterStatus, MultiRegionProperties};
use testkit::{ADMIN, App, OTHER_ACCOUNT};

use crate::common::{Failure, active, arn, arn_in, failure, multi_region, pass, status};

const WITNESS: &str = "us-west-2";

/// A client for each of two Regions.
struct Two {
    app: App,
    east: Client,
    ohio: Client,
}

impl Two {
    fn new() -> Self {
        let app = App::new();
        let (east, ohio) = (app.dsql(ADMIN), app.dsql_in(ADMIN, "us-east-2"));
        Self { app, east, ohio }
    }
}

async fn create(client: &Client, properties: MultiRegionProperties) -> String {
    let call = client.create_cluster().multi_region_properties(properties);
    call.send().await.unwrap().identifier
}

async fn update(client: &Client, id: &str, properties: MultiRegionProperties) -> String {
    let call = client.update_cluster().identifier(id);
    let updated = call
        .multi_region_properties(properties)
        .send()
        .await
        .unwrap();
    updated.status.as_str().to_owned()
}

async fn refused_update(client: &Client, id: &str, properties: MultiRegionProperties) -> Failure {
    let call = client.update_cluster().identifier(id);
    failure(call.multi_region_properties(properties).send().await)
}

async fn clusters(client: &Client, id: &str) -> Vec<String> {
    let found = client.get_cluster().identifier(id).send().await.unwrap();
    let properties = found.multi_region_properties.unwrap();
    assert_eq!(properties.witness_region.as_deref(), Some(WITNESS));
    properties.clusters.unwrap()
}

#[tokio::test]
async fn a_witness_alone_leaves_a_cluster_pending() {
    let two = Two::new();
    let call = two.east.create_cluster();
    let created = call.multi_region_properties(multi_region(Some(WITNESS), &[]));
    let created = created.send().await.unwrap();
    assert_eq!(created.status, ClusterStatus::Creating);
    let properties = created.multi_region_properties.unwrap();
    assert_eq!(properties.witness_region.as_deref(), Some(WITNESS));
    assert_eq!(properties.clusters, Some(vec![created.arn]));
    for millis in [2_000, 1_000_000] {
        pass(&two.app, millis);
        assert_eq!(
            status(&two.east, &created.identifier).await,
            "PENDING_SETUP"
        );
    }
}

/// The recipe of the user guide: both with the witness, then both name each other.
#[tokio::test]
async fn two_clusters_that_name_each_other_are_linked() {
    let two = Two::new();
    let one = create(&two.east, multi_region(Some(WITNESS), &[])).await;
    let other = create(&two.ohio, multi_region(Some(WITNESS), &[])).await;
    let (own, peer) = (arn(&one), arn_in("us-east-2", &other));
    pass(&two.app, 5_000);
    // One side has no effect yet.
    let state = update(&two.east, &one, multi_region(Some(WITNESS), &[&peer])).await;
    assert_eq!(state, "PENDING_SETUP");
    pass(&two.app, 5_000);
    assert_eq!(status(&two.east, &one).await, "PENDING_SETUP");
    assert_eq!(status(&two.ohio, &other).await, "PENDING_SETUP");
    assert_eq!(clusters(&two.east, &one).await, [own.as_str(), &peer]);
    assert_eq!(clusters(&two.ohio, &other).await, [peer.as_str()]);
    // Its own ARN may be in the list.
    let state = update(
        &two.ohio,
        &other,
        multi_region(Some(WITNESS), &[&peer, &own]),
    )
    .await;
    assert_eq!(state, "UPDATING");
    assert_eq!(status(&two.east, &one).await, "UPDATING");
    pass(&two.app, 1_000);
    assert_eq!(status(&two.east, &one).await, "ACTIVE");
    assert_eq!(status(&two.ohio, &other).await, "ACTIVE");
    assert_eq!(clusters(&two.ohio, &other).await, [peer.as_str(), &own]);
}

#[tokio::test]
async fn a_cluster_may_name_its_peer_at_creation() {
    let two = Two::new();
    let one = create(&two.east, multi_region(Some(WITNESS), &[])).await;
    pass(&two.app, 2_000);
    let own = arn(&one);
    let other = create(&two.ohio, multi_region(Some(WITNESS), &[&own])).await;
    let peer = arn_in("us-east-2", &other);
    // The witness need not be named again.
    let state = update(&two.east, &one, multi_region(None, &[&peer])).await;
    assert_eq!(state, "UPDATING");
    // The creation goes on meanwhile.
    assert_eq!(status(&two.ohio, &other).await, "CREATING");
    pass(&two.app, 2_000);
    assert_eq!(status(&two.ohio, &other).await, "ACTIVE");
    // The same again changes nothing.
    let state = update(&two.east, &one, multi_region(Some(WITNESS), &[&peer])).await;
    assert_eq!(state, "ACTIVE");
}

#[tokio::test]
async fn a_peer_that_is_left_out_is_unlinked() {
    let two = Two::new();
    let one = create(&two.east, multi_region(Some(WITNESS), &[])).await;
    let other = create(&two.ohio, multi_region(Some(WITNESS), &[&arn(&one)])).await;
    let peer = arn_in("us-east-2", &other);
    update(&two.east, &one, multi_region(None, &[&peer])).await;
    pass(&two.app, 5_000);
    // A list without the peer; the cluster itself may stand in it.
    let state = update(&two.east, &one, multi_region(None, &[&arn(&one)])).await;
    assert_eq!(state, "PENDING_SETUP");
    assert_eq!(status(&two.ohio, &other).await, "PENDING_SETUP");
    assert_eq!(clusters(&two.east, &one).await, [arn(&one)]);
    // The other one still names it, so that it can be linked again.
    let state = update(&two.east, &one, multi_region(None, &[&peer])).await;
    assert_eq!(state, "UPDATING");
    // No list at all keeps the peer.
    update(&two.east, &one, multi_region(Some(WITNESS), &[])).await;
    assert_eq!(clusters(&two.east, &one).await.len(), 2);
}

#[tokio::test]
async fn the_witness_is_a_third_region_and_stays() {
    let two = Two::new();
    let field = "multiRegionProperties.witnessRegion";
    for witness in ["us-east-1", "no region", "cn-north-1"] {
        let call = two.east.create_cluster();
        let call = call.multi_region_properties(multi_region(Some(witness), &[]));
        failure(call.send().await).assert_field(field);
    }
    let one = create(&two.east, multi_region(Some(WITNESS), &[])).await;
    let changed = refused_update(&two.east, &one, multi_region(Some("us-east-2"), &[]));
    changed.await.assert_field(field);
    // An empty text is no witness.
    let call = two.east.create_cluster();
    let call = call.multi_region_properties(multi_region(Some(""), &[]));
    let created = call.send().await.unwrap();
    assert!(created.multi_region_properties.is_none());
    pass(&two.app, 2_000);
    assert_eq!(status(&two.east, &created.identifier).await, "ACTIVE");
}

#[tokio::test]
async fn a_single_region_cluster_stays_one() {
    let two = Two::new();
    let id = active(&two.app, &two.east).await;
    let other = create(&two.ohio, multi_region(Some(WITNESS), &[])).await;
    let peer = arn_in("us-east-2", &other);
    let refused = refused_update(&two.east, &id, multi_region(Some(WITNESS), &[])).await;
    refused.assert_field("multiRegionProperties.witnessRegion");
    let refused = refused_update(&two.east, &id, multi_region(None, &[&peer])).await;
    refused.assert_field("multiRegionProperties.clusters");
    // It does not become one as somebody's peer either.
    let refused = refused_update(&two.ohio, &other, multi_region(None, &[&arn(&id)])).await;
    refused.assert_field("multiRegionProperties.clusters");
    assert_eq!(
        update(&two.east, &id, multi_region(Some(""), &[])).await,
        "ACTIVE"
    );
}

#[tokio::test]
async fn a_peer_must_exist_elsewhere_with_the_same_witness() {
    let two = Two::new();
    let one = create(&two.east, multi_region(Some(WITNESS), &[])).await;
    let (same_region, foreign) = (
        create(&two.east, multi_region(Some(WITNESS), &[])).await,
        create(
            &two.app.dsql_in(OTHER_ACCOUNT, "us-east-2"),
            multi_region(Some(WITNESS), &[]),
        )
        .await,
    );
    let other_witness = create(&two.ohio, multi_region(Some("eu-west-1"), &[])).await;
    let in_witness = two.app.dsql_in(ADMIN, WITNESS);
    let in_witness = create(&in_witness, multi_region(Some("eu-west-1"), &[])).await;
    let good = create(&two.ohio, multi_region(Some(WITNESS), &[])).await;
    let (good, third) = (
        arn_in("us-east-2", &good),
        arn_in("eu-west-1", crate::common::UNKNOWN),
    );
    for (peers, part) in [
        (vec![arn(&same_region)], "same Region"),
        (
            vec![arn_in("us-east-2", &other_witness)],
            "another witness Region",
        ),
        (vec![arn_in(WITNESS, &in_witness)], "in the witness Region"),
        (
            vec![arn_in("us-east-2", crate::common::UNKNOWN)],
            "does not exist",
        ),
        (
            vec![format!(
                "arn:aws:dsql:us-east-2:444455556666:cluster/{foreign}"
            )],
            "another account",
        ),
        (vec![good, third], "exactly one peer"),
    ] {
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let properties = || multi_region(Some(WITNESS), &peers);
        let call = two
            .east
            .create_cluster()
            .multi_region_properties(properties());
        for refused in [
            failure(call.send().await),
            refused_update(&two.east, &one, properties()).await,
        ] {
            refused.assert_field("multiRegionProperties.clusters");
            assert!(refused.message.contains(part), "{}", refused.message);
        }
    }
    // Peers without a witness.
    let peer = arn_in("us-east-2", &other_witness);
    let call = two
        .east
        .create_cluster()
        .multi_region_properties(multi_region(None, &[&peer]));
    failure(call.send().await).assert_field("multiRegionProperties.clusters");
}
