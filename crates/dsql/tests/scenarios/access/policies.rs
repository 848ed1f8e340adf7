//! What a cluster's policy allows and denies.

use serde_json::json;
use testkit::{ADMIN, LIMITED, LIMITED_ARN};

use super::World;
use super::operations::call;
use crate::common::{denying, policy};

/// The calls on the cluster or its stream, with the action that its policy is asked about.
const CONSULTED: &[(&str, &str)] = &[
    ("CreateStream with a tag", "dsql:CreateStream"),
    ("CreateStream with a tag", "dsql:TagResource"),
    ("DeleteCluster", "dsql:DeleteCluster"),
    ("DeleteClusterPolicy", "dsql:DeleteClusterPolicy"),
    ("DeleteStream", "dsql:DeleteStream"),
    ("GetCluster", "dsql:GetCluster"),
    ("GetClusterPolicy", "dsql:GetClusterPolicy"),
    ("GetStream", "dsql:GetStream"),
    (
        "GetVpcEndpointServiceName",
        "dsql:GetVpcEndpointServiceName",
    ),
    ("ListStreams", "dsql:ListStreams"),
    ("ListTagsForResource", "dsql:ListTagsForResource"),
    (
        "ListTagsForResource of a stream",
        "dsql:ListTagsForResource",
    ),
    ("PutClusterPolicy", "dsql:PutClusterPolicy"),
    ("TagResource", "dsql:TagResource"),
    ("UntagResource", "dsql:UntagResource"),
    ("UpdateCluster", "dsql:UpdateCluster"),
    ("UpdateCluster", "dsql:GetCluster"),
];

impl World {
    /// Puts a policy on one of its clusters.
    async fn put(&self, region: &'static str, id: &str, text: String) {
        let client = self.app.dsql_in(ADMIN, region);
        let call = client.put_cluster_policy().identifier(id).policy(text);
        let call = call.bypass_policy_lockout_safety_check(true);
        call.send().await.unwrap();
    }
}

#[tokio::test]
async fn a_policy_denies_even_an_administrator() {
    for (name, action) in CONSULTED {
        let world = World::new().await;
        world
            .put("us-east-1", &world.cluster, denying(&[action]))
            .await;
        let refused = call(&world, name, &world.app.dsql(ADMIN))
            .await
            .unwrap_err();
        refused.assert_denied(action);
        let end = "with an explicit deny in a resource-based policy";
        assert!(
            refused.message.ends_with(end),
            "{name}: {}",
            refused.message
        );
    }
}

#[tokio::test]
async fn lists_and_creations_have_no_policy() {
    let world = World::new().await;
    for (region, id) in [("us-east-1", &world.cluster), ("us-east-1", &world.one)] {
        world.put(region, id, denying(&["dsql:*"])).await;
    }
    let admin = world.app.dsql(ADMIN);
    for name in [
        "ListClusters",
        "CreateCluster",
        "CreateCluster with everything",
    ] {
        assert_eq!(call(&world, name, &admin).await, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn a_peers_own_policy_decides_about_adding_and_removing_it() {
    let world = World::new().await;
    let admin = world.app.dsql(ADMIN);
    for (name, action) in [
        ("UpdateCluster adding a peer", "dsql:AddPeerCluster"),
        ("CreateCluster with everything", "dsql:AddPeerCluster"),
        ("UpdateCluster removing a peer", "dsql:RemovePeerCluster"),
    ] {
        world
            .put("us-east-2", &world.other, denying(&[action]))
            .await;
        let refused = call(&world, name, &admin).await.unwrap_err();
        refused.assert_denied(action);
        assert!(
            refused.message.contains(&world.arn("{other}")),
            "{}",
            refused.message
        );
    }
    world
        .put("us-east-2", &world.other, denying(&["dsql:DbConnect"]))
        .await;
    for action in [
        "dsql:PutMultiRegionProperties",
        "dsql:PutWitnessRegion",
        "dsql:AddPeerCluster",
    ] {
        world.put("us-east-1", &world.one, denying(&[action])).await;
        let refused = call(&world, "UpdateCluster adding a peer", &admin)
            .await
            .unwrap_err();
        refused.assert_denied(action);
    }
}

/// Within an account the policy's word is enough.
#[tokio::test]
async fn a_policy_allows_without_an_identity_policy() {
    let world = World::new().await;
    world.allow(&[]);
    let text = policy(&json!([{
        "Effect": "Allow", "Principal": { "AWS": LIMITED_ARN },
        "Action": ["dsql:GetCluster", "dsql:GetStream"], "Resource": "*",
    }]));
    world.put("us-east-1", &world.cluster, text).await;
    let limited = world.app.dsql(LIMITED);
    for (name, good) in [
        ("GetCluster", true),
        ("GetStream", true),
        ("ListStreams", false),
    ] {
        assert_eq!(call(&world, name, &limited).await.is_ok(), good, "{name}");
    }
}

/// A new policy decides about the next request, and a deleted one no more.
#[tokio::test]
async fn a_change_of_the_policy_counts_at_once() {
    let world = World::new().await;
    let admin = world.app.dsql(ADMIN);
    for _ in 0..3 {
        world
            .put("us-east-1", &world.cluster, denying(&["dsql:GetCluster"]))
            .await;
        assert!(call(&world, "GetCluster", &admin).await.is_err());
        world
            .put("us-east-1", &world.cluster, denying(&["dsql:DbConnect"]))
            .await;
        assert_eq!(call(&world, "GetCluster", &admin).await, Ok(()));
        world
            .put("us-east-1", &world.cluster, denying(&["dsql:GetCluster"]))
            .await;
        assert_eq!(call(&world, "DeleteClusterPolicy", &admin).await, Ok(()));
        assert_eq!(call(&world, "GetCluster", &admin).await, Ok(()));
    }
}
