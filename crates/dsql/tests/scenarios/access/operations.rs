//! What each operation asks for, and a call of it that works.

use aws_sdk_dsql::Client;
use aws_sdk_dsql::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::{KEY, WITNESS, World};
use crate::common::{Failure, denying, multi_region, outcome};
use crate::streams;

/// A call, and the permissions it needs: actions with the resources they are decided on. The name
/// of a call begins with that of its operation.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

pub(super) const CASES: &[Case] = &[
    ("CreateCluster", &[("dsql:CreateCluster", "{new}")]),
    (
        "CreateCluster with everything",
        &[
            ("dsql:CreateCluster", "{new}"),
            ("dsql:TagResource", "{new}"),
            ("dsql:PutMultiRegionProperties", "{new}"),
            ("dsql:PutWitnessRegion", "{new}"),
            ("dsql:AddPeerCluster", "{new}"),
            ("dsql:AddPeerCluster", "{other}"),
            ("dsql:PutClusterPolicy", "{new}"),
        ],
    ),
    (
        "CreateStream with a tag",
        &[
            ("dsql:CreateStream", "{cluster}"),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/service/cdc"),
            ("dsql:TagResource", "{cluster}"),
            ("kms:Decrypt", KEY),
        ],
    ),
    ("DeleteCluster", &[("dsql:DeleteCluster", "{cluster}")]),
    (
        "DeleteClusterPolicy",
        &[("dsql:DeleteClusterPolicy", "{cluster}")],
    ),
    ("DeleteStream", &[("dsql:DeleteStream", "{stream}")]),
    ("GetCluster", &[("dsql:GetCluster", "{cluster}")]),
    (
        "GetClusterPolicy",
        &[("dsql:GetClusterPolicy", "{cluster}")],
    ),
    ("GetStream", &[("dsql:GetStream", "{stream}")]),
    (
        "GetVpcEndpointServiceName",
        &[("dsql:GetVpcEndpointServiceName", "{cluster}")],
    ),
    ("ListClusters", &[("dsql:ListClusters", "*")]),
    ("ListStreams", &[("dsql:ListStreams", "{cluster}")]),
    (
        "ListTagsForResource",
        &[("dsql:ListTagsForResource", "{cluster}")],
    ),
    (
        "ListTagsForResource of a stream",
        &[("dsql:ListTagsForResource", "{stream}")],
    ),
    (
        "PutClusterPolicy",
        &[("dsql:PutClusterPolicy", "{cluster}")],
    ),
    ("TagResource", &[("dsql:TagResource", "{cluster}")]),
    ("UntagResource", &[("dsql:UntagResource", "{cluster}")]),
    (
        "UpdateCluster",
        &[
            ("dsql:UpdateCluster", "{cluster}"),
            ("dsql:GetCluster", "{cluster}"),
        ],
    ),
    (
        "UpdateCluster adding a peer",
        &[
            ("dsql:UpdateCluster", "{one}"),
            ("dsql:GetCluster", "{one}"),
            ("dsql:PutMultiRegionProperties", "{one}"),
            ("dsql:PutWitnessRegion", "{one}"),
            ("dsql:AddPeerCluster", "{one}"),
            ("dsql:AddPeerCluster", "{other}"),
        ],
    ),
    (
        "UpdateCluster removing a peer",
        &[
            ("dsql:UpdateCluster", "{naming}"),
            ("dsql:GetCluster", "{naming}"),
            ("dsql:PutMultiRegionProperties", "{naming}"),
            ("dsql:RemovePeerCluster", "{other}"),
        ],
    ),
];

/// Makes one call.
pub(super) async fn call(world: &World, name: &str, client: &Client) -> Result<(), Failure> {
    let operation = name.split(' ').next().unwrap();
    match operation {
        "CreateCluster" | "UpdateCluster" => changing(world, name, client).await,
        "CreateStream" | "DeleteStream" | "GetStream" | "ListStreams" => {
            of_streams(world, operation, client).await
        }
        "ListTagsForResource" | "TagResource" | "UntagResource" => {
            of_tags(world, name, client).await
        }
        _ => of_clusters(world, operation, client).await,
    }
}

fn done<O: std::fmt::Debug, E>(result: Result<O, SdkError<E, HttpResponse>>) -> Result<(), Failure>
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    outcome(result).map(drop)
}

async fn changing(world: &World, name: &str, client: &Client) -> Result<(), Failure> {
    let (peer, own) = (world.arn("{other}"), world.arn("{naming}"));
    let everything = || multi_region(Some(WITNESS), &[&peer]);
    let update = |id: &str| client.update_cluster().identifier(id);
    match name {
        "CreateCluster" => done(client.create_cluster().send().await),
        "CreateCluster with everything" => {
            let call = client
                .create_cluster()
                .multi_region_properties(everything());
            let call = call.policy(denying(&["dsql:DbConnect"])).tags("a", "b");
            done(call.send().await)
        }
        "UpdateCluster" => done(update(&world.cluster).send().await),
        "UpdateCluster adding a peer" => {
            let call = update(&world.one).multi_region_properties(everything());
            done(call.send().await)
        }
        "UpdateCluster removing a peer" => {
            let properties = multi_region(None, &[&own]);
            done(
                update(&world.naming)
                    .multi_region_properties(properties)
                    .send()
                    .await,
            )
        }
        _ => panic!("{name}"),
    }
}

async fn of_clusters(world: &World, operation: &str, client: &Client) -> Result<(), Failure> {
    let id = &world.cluster;
    match operation {
        "DeleteCluster" => done(client.delete_cluster().identifier(id).send().await),
        "DeleteClusterPolicy" => done(client.delete_cluster_policy().identifier(id).send().await),
        "GetCluster" => done(client.get_cluster().identifier(id).send().await),
        "GetClusterPolicy" => done(client.get_cluster_policy().identifier(id).send().await),
        "GetVpcEndpointServiceName" => {
            let call = client.get_vpc_endpoint_service_name().identifier(id);
            done(call.send().await)
        }
        "ListClusters" => done(client.list_clusters().send().await),
        "PutClusterPolicy" => {
            let call = client.put_cluster_policy().identifier(id);
            done(call.policy(denying(&["dsql:DbConnect"])).send().await)
        }
        _ => panic!("{operation}"),
    }
}

async fn of_streams(world: &World, operation: &str, client: &Client) -> Result<(), Failure> {
    let (cluster, stream) = (&world.cluster, &world.stream);
    match operation {
        "CreateStream" => done(streams::create(client, cluster).tags("a", "b").send().await),
        "DeleteStream" => {
            let call = client.delete_stream().cluster_identifier(cluster);
            done(call.stream_identifier(stream).send().await)
        }
        "GetStream" => {
            let call = client.get_stream().cluster_identifier(cluster);
            done(call.stream_identifier(stream).send().await)
        }
        "ListStreams" => done(
            client
                .list_streams()
                .cluster_identifier(cluster)
                .send()
                .await,
        ),
        _ => panic!("{operation}"),
    }
}

async fn of_tags(world: &World, name: &str, client: &Client) -> Result<(), Failure> {
    let arn = world.arn(if name.ends_with("stream") {
        "{stream}"
    } else {
        "{cluster}"
    });
    if name.starts_with("List") {
        done(
            client
                .list_tags_for_resource()
                .resource_arn(arn)
                .send()
                .await,
        )
    } else if name.starts_with("Untag") {
        done(
            client
                .untag_resource()
                .resource_arn(arn)
                .tag_keys("a")
                .send()
                .await,
        )
    } else {
        done(
            client
                .tag_resource()
                .resource_arn(arn)
                .tags("a", "b")
                .send()
                .await,
        )
    }
}
