//! That nothing of the model is left out: every operation is routed and has a scenario.

use std::sync::Arc;

use base::Timestamp;
use model::verified_permissions::OPERATIONS;
use store::Store;
use testkit::{
    ManualClock, SeededEntropy, assert_every_operation_has_a_scenario, identity_providers,
};
use verified_permissions::{Options, VerifiedPermissions, service};

/// Every operation and the module that has its scenarios. Access is tested for all of them in
/// `access`, and the constraints of their inputs in `shapes`.
const SCENARIOS: &[(&str, &str)] = &[
    ("BatchGetPolicy", "policy_lists"),
    ("BatchIsAuthorized", "batches"),
    ("BatchIsAuthorizedWithToken", "tokens"),
    ("CreateIdentitySource", "identity_sources"),
    ("CreatePolicy", "policies"),
    ("CreatePolicyStore", "policy_stores"),
    ("CreatePolicyStoreAlias", "aliases"),
    ("CreatePolicyTemplate", "templates"),
    ("DeleteIdentitySource", "identity_sources"),
    ("DeletePolicy", "policies"),
    ("DeletePolicyStore", "policy_store_deletion"),
    ("DeletePolicyStoreAlias", "aliases"),
    ("DeletePolicyTemplate", "templates"),
    ("GetIdentitySource", "identity_sources"),
    ("GetPolicy", "policies"),
    ("GetPolicyStore", "policy_stores"),
    ("GetPolicyStoreAlias", "aliases"),
    ("GetPolicyTemplate", "templates"),
    ("GetSchema", "schema"),
    ("IsAuthorized", "decisions"),
    ("IsAuthorizedWithToken", "tokens"),
    ("ListIdentitySources", "identity_sources"),
    ("ListPolicies", "policy_lists"),
    ("ListPolicyStoreAliases", "aliases"),
    ("ListPolicyStores", "policy_stores"),
    ("ListPolicyTemplates", "templates"),
    ("ListTagsForResource", "tags"),
    ("PutSchema", "schema"),
    ("TagResource", "tags"),
    ("UntagResource", "tags"),
    ("UpdateIdentitySource", "identity_sources"),
    ("UpdatePolicy", "policy_updates"),
    ("UpdatePolicyStore", "policy_stores"),
    ("UpdatePolicyTemplate", "templates"),
];

#[test]
fn every_operation_of_the_model_is_routed() {
    let entropy = Arc::new(SeededEntropy::new(1));
    let clock = ManualClock::new(Timestamp::from_unix_micros(0));
    let providers = identity_providers(&clock);
    let state = VerifiedPermissions::new(Store::memory(), entropy, providers, Options::default());
    let service = service(&Arc::new(state));
    let modelled = OPERATIONS.iter().map(|operation| operation.name);
    assert!(service.routed().eq(modelled));
}

#[test]
fn every_operation_of_the_model_has_a_scenario() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    assert_every_operation_has_a_scenario(SCENARIOS, OPERATIONS, folder);
}
