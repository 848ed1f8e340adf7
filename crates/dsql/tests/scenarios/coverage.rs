//! That nothing of the model is left out: every operation is routed and has a scenario.

use std::sync::Arc;

use dsql::{Dsql, Options, service};
use model::dsql::OPERATIONS;
use store::Store;
use testkit::{SeededEntropy, assert_every_operation_has_a_scenario};

/// Every operation and the module that has its scenarios. Access is tested for all of them in
/// `access`.
const SCENARIOS: &[(&str, &str)] = &[
    ("CreateCluster", "clusters"),
    ("CreateStream", "streams"),
    ("DeleteCluster", "lifecycle"),
    ("DeleteClusterPolicy", "policies"),
    ("DeleteStream", "streams"),
    ("GetCluster", "clusters"),
    ("GetClusterPolicy", "policies"),
    ("GetStream", "streams"),
    ("GetVpcEndpointServiceName", "clusters"),
    ("ListClusters", "listing"),
    ("ListStreams", "listing"),
    ("ListTagsForResource", "tags"),
    ("PutClusterPolicy", "policies"),
    ("TagResource", "tags"),
    ("UntagResource", "tags"),
    ("UpdateCluster", "clusters"),
];

#[test]
fn every_operation_of_the_model_is_routed() {
    let entropy = Arc::new(SeededEntropy::new(1));
    let state = Dsql::new(Store::memory(), entropy, Options::default());
    let service = service(&Arc::new(state));
    let modelled = OPERATIONS.iter().map(|operation| operation.name);
    assert!(service.routed().eq(modelled));
}

#[test]
fn every_operation_of_the_model_has_a_scenario() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    assert_every_operation_has_a_scenario(SCENARIOS, OPERATIONS, folder);
}
