//! That nothing of the model is left out: every operation is routed and has a scenario.

use std::sync::Arc;

use dsql::{Dsql, Options, service};
use model::dsql::OPERATIONS;
use store::Store;
use testkit::SeededEntropy;

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

fn modelled() -> Vec<&'static str> {
    OPERATIONS.iter().map(|operation| operation.name).collect()
}

#[test]
fn every_operation_of_the_model_is_routed() {
    let entropy = Arc::new(SeededEntropy::new(1));
    let state = Dsql::new(Store::memory(), entropy, Options::default());
    let service = service(&Arc::new(state));
    assert_eq!(service.routed().collect::<Vec<_>>(), modelled());
}

#[test]
fn every_operation_of_the_model_has_a_scenario() {
    let named: Vec<_> = SCENARIOS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        named,
        modelled(),
        "write scenarios for every operation and name their module in tests/scenarios/coverage.rs"
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    for (operation, module) in SCENARIOS {
        let text = std::fs::read_to_string(format!("{folder}/{module}.rs"));
        let text = text.unwrap_or_else(|error| panic!("{module}: {error}"));
        let call = format!(".{}()", snake_case(operation));
        assert!(text.contains(&call), "{module} does not call {operation}");
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
