//! That nothing of the model is left out: every operation is routed and has a scenario.

use std::sync::Arc;

use model::verified_permissions::OPERATIONS;
use store::Store;
use testkit::SeededEntropy;
use verified_permissions::{Options, VerifiedPermissions, service};

/// Every operation and the module that has its scenarios. Access is tested for all of them in
/// `access`, and the constraints of their inputs in `shapes`.
const SCENARIOS: &[(&str, &str)] = &[
    ("BatchGetPolicy", "policy_lists"),
    ("BatchIsAuthorized", "batches"),
    ("BatchIsAuthorizedWithToken", "access/operations"),
    ("CreateIdentitySource", "access/operations"),
    ("CreatePolicy", "policies"),
    ("CreatePolicyStore", "policy_stores"),
    ("CreatePolicyStoreAlias", "aliases"),
    ("CreatePolicyTemplate", "templates"),
    ("DeleteIdentitySource", "access/operations"),
    ("DeletePolicy", "policies"),
    ("DeletePolicyStore", "policy_store_deletion"),
    ("DeletePolicyStoreAlias", "aliases"),
    ("DeletePolicyTemplate", "templates"),
    ("GetIdentitySource", "access/operations"),
    ("GetPolicy", "policies"),
    ("GetPolicyStore", "policy_stores"),
    ("GetPolicyStoreAlias", "aliases"),
    ("GetPolicyTemplate", "templates"),
    ("GetSchema", "schema"),
    ("IsAuthorized", "decisions"),
    ("IsAuthorizedWithToken", "access/operations"),
    ("ListIdentitySources", "listing/pages"),
    ("ListPolicies", "policy_lists"),
    ("ListPolicyStoreAliases", "aliases"),
    ("ListPolicyStores", "policy_stores"),
    ("ListPolicyTemplates", "templates"),
    ("ListTagsForResource", "tags"),
    ("PutSchema", "schema"),
    ("TagResource", "tags"),
    ("UntagResource", "tags"),
    ("UpdateIdentitySource", "access/operations"),
    ("UpdatePolicy", "policy_updates"),
    ("UpdatePolicyStore", "policy_stores"),
    ("UpdatePolicyTemplate", "templates"),
];

fn modelled() -> Vec<&'static str> {
    OPERATIONS.iter().map(|operation| operation.name).collect()
}

#[test]
fn every_operation_of_the_model_is_routed() {
    let entropy = Arc::new(SeededEntropy::new(1));
    let state = VerifiedPermissions::new(Store::memory(), entropy, Options::default());
    let service = service(&Arc::new(state));
    assert_eq!(service.routed().collect::<Vec<_>>(), modelled());
}

#[test]
fn every_operation_of_the_model_has_a_scenario() {
    for name in modelled() {
        assert!(
            SCENARIOS.iter().any(|(known, _)| *known == name),
            "write scenarios for {name} and name their module in tests/scenarios/coverage.rs"
        );
    }
    assert_eq!(SCENARIOS.len(), OPERATIONS.len());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    for (operation, module) in SCENARIOS {
        let text = std::fs::read_to_string(format!("{folder}/{module}.rs"));
        let text = text.unwrap_or_else(|error| panic!("{module}: {error}"));
        let called = [
            format!(".{}()", snake_case(operation)),
            format!("\"{operation}\""),
        ];
        assert!(
            called.iter().any(|call| text.contains(call)),
            "{module} does not call {operation}"
        );
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
