//! Who may call: every operation of the model against every way of not being allowed to.
//!
//! The table [`OPERATIONS`] must have an entry for each modelled operation.

mod faults;
mod operations;
mod permissions;

use std::time::Duration;

use model::verified_permissions::OPERATIONS as MODELLED;
use serde_json::{Value, json};
use testkit::{ADMIN, App, FAULTS, IdentityProvider, OTHER_ACCOUNT, unsigned_request};

use crate::common::{call, call_ok};
use faults::TARGET_FAULTS;
use operations::Elsewhere::{Answer, Creates, Denied, NotFound};
use operations::OPERATIONS;

/// What an operation needs in order to have something to do.
struct World {
    app: App,
    store: Value,
    arn: Value,
    policy: Value,
    template: Value,
    provider: IdentityProvider,
    source: Value,
    token: String,
}

const ALIAS: &str = "policy-store-alias/ours";
const STATEMENT: &str = "permit(principal, action, resource);";
const TEMPLATE: &str = "permit(principal == ?principal, action, resource == ?resource);";

impl World {
    async fn new() -> Self {
        let app = App::new();
        let input = json!({"validationSettings": {"mode": "OFF"}, "tags": {"a": "b"}});
        let created = call_ok(&app, "CreatePolicyStore", &input).await;
        let store = &created["policyStoreId"];
        let schema = r#"{"N": {"entityTypes": {}, "actions": {}}}"#;
        let input = json!({"policyStoreId": store, "definition": {"cedarJson": schema}});
        call_ok(&app, "PutSchema", &input).await;
        let definition = json!({"static": {"statement": STATEMENT}});
        let input = json!({"policyStoreId": store, "definition": definition});
        let policy = call_ok(&app, "CreatePolicy", &input).await;
        let input = json!({"policyStoreId": store, "statement": TEMPLATE});
        let template = call_ok(&app, "CreatePolicyTemplate", &input).await;
        let input = json!({"policyStoreId": store, "aliasName": ALIAS});
        call_ok(&app, "CreatePolicyStoreAlias", &input).await;
        let provider = IdentityProvider::start().await;
        let claims = json!({"iss": provider.issuer(), "sub": "u", "exp": 1_800_000_000});
        let mut world = Self {
            store: store.clone(),
            arn: created["arn"].clone(),
            policy: policy["policyId"].clone(),
            template: template["policyTemplateId"].clone(),
            token: provider.sign("ES256", &claims),
            provider,
            source: Value::Null,
            app,
        };
        let input = world.identity_source();
        let source = call_ok(&world.app, "CreateIdentitySource", &input).await;
        world.source = source["identitySourceId"].clone();
        world
    }

    /// An input of CreateIdentitySource that gives the one that is there, since there can be no other.
    fn identity_source(&self) -> Value {
        json!({
            "policyStoreId": self.store,
            "clientToken": "again",
            "configuration": self.configuration(),
            "principalEntityType": "User",
        })
    }

    fn configuration(&self) -> Value {
        json!({"openIdConnectConfiguration": {
            "issuer": self.provider.issuer(),
            "tokenSelection": {"accessTokenOnly": {}},
        }})
    }

    /// All that the administrator can see.
    async fn state(&self) -> Vec<(u16, Value)> {
        let mut state = Vec::new();
        for (operation, input) in [
            ("ListPolicyStores", json!({"maxResults": 50})),
            ("ListPolicyStoreAliases", json!({"maxResults": 50})),
            (
                "GetPolicyStore",
                json!({"policyStoreId": self.store, "tags": true}),
            ),
            ("GetSchema", json!({"policyStoreId": self.store})),
            (
                "ListPolicies",
                json!({"policyStoreId": self.store, "maxResults": 50}),
            ),
            (
                "ListPolicyTemplates",
                json!({"policyStoreId": self.store, "maxResults": 50}),
            ),
            (
                "ListIdentitySources",
                json!({"policyStoreId": self.store, "maxResults": 50}),
            ),
        ] {
            state.push(call(&self.app, ADMIN, operation, &input).await);
        }
        state
    }
}

#[test]
fn the_table_has_every_operation_of_the_model_and_no_other() {
    let modelled: Vec<_> = MODELLED.iter().map(|operation| operation.name).collect();
    for name in &modelled {
        assert!(
            OPERATIONS.iter().any(|(known, ..)| known == name),
            "add an entry for {name} to OPERATIONS in tests/scenarios/access/operations.rs: a minimal valid \
             input, and what the operation does for another account than the input's"
        );
    }
    let tested: Vec<_> = OPERATIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(tested, modelled);
    assert_eq!(tested.len(), 34);
}

#[tokio::test]
async fn no_operation_works_without_a_good_signature() {
    let world = World::new().await;
    let before = world.state().await;
    let signer = world.app.signer(ADMIN);
    for (operation, input, _) in OPERATIONS {
        for fault in FAULTS.iter().chain(TARGET_FAULTS) {
            let request = unsigned_request(operation, input(&world).to_string());
            let response = world.app.send((fault.send)(signer, request)).await;
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            let what = format!("{operation} with {}: {body}", fault.name);
            assert_eq!(response.status(), 403, "{what}");
            assert_eq!(body["__type"], fault.code, "{what}");
            assert!(
                body["message"].as_str().unwrap().starts_with(fault.message),
                "{what}"
            );
            assert_eq!(body.as_object().unwrap().len(), 2, "{what}");
        }
    }
    assert_eq!(world.state().await, before);
}

#[tokio::test]
async fn a_bad_signature_is_told_before_a_bad_input() {
    let world = World::new().await;
    for (operation, ..) in OPERATIONS {
        for body in ["not JSON", r#"{"policyStoreId": 1, "maxResults": 0}"#] {
            let response = world.app.send(unsigned_request(operation, body)).await;
            assert_eq!(response.status(), 403, "{operation}");
        }
    }
}

/// Also shows that the inputs of the table are valid.
#[tokio::test]
async fn every_operation_works_with_a_good_signature_for_the_owner() {
    for (operation, input, _) in OPERATIONS {
        let world = World::new().await;
        let answer = call(&world.app, ADMIN, operation, &input(&world)).await;
        assert_eq!(answer.0, 200, "{operation}: {answer:?}");
    }
}

#[tokio::test]
async fn another_accounts_resources_do_not_exist() {
    let world = World::new().await;
    let before = world.state().await;
    for (operation, input, elsewhere) in OPERATIONS {
        let input = input(&world);
        let answer = call(&world.app, OTHER_ACCOUNT, operation, &input).await;
        let (status, body) = &answer;
        let what = format!("{operation}: {body}");
        match elsewhere {
            NotFound(kind) => {
                assert_eq!(*status, 404, "{what}");
                assert_eq!(body["__type"], "ResourceNotFoundException", "{what}");
                assert_eq!(body["resourceType"], *kind, "{what}");
                let id = if *kind == "POLICY_STORE" {
                    &world.store
                } else {
                    &input["aliasName"]
                };
                assert_eq!(body["resourceId"], *id, "{what}");
            }
            Answer(expected) => assert_eq!((*status, body), (200, &expected(&world)), "{what}"),
            Creates => {
                assert_eq!(*status, 200, "{what}");
                let own = json!({"policyStoreId": body["policyStoreId"]});
                // What it created is not in our world, and goes again for the next operation.
                assert_eq!(call(&world.app, ADMIN, "GetPolicyStore", &own).await.0, 404);
                let deleted = call(&world.app, OTHER_ACCOUNT, "DeletePolicyStore", &own).await;
                assert_eq!(deleted.0, 200);
            }
            Denied => {
                assert_eq!(*status, 403, "{what}");
                assert_eq!(body["__type"], "AccessDeniedException", "{what}");
            }
        }
    }
    assert_eq!(world.state().await, before);
}

/// As the other account would, that knows our ids and our names.
#[tokio::test]
async fn another_accounts_ids_are_of_no_use_in_ones_own_names() {
    let world = World::new().await;
    let before = world.state().await;
    let id = world.store.as_str().unwrap();
    let arn = format!(
        "arn:aws:verifiedpermissions::{}:policy-store/{id}",
        OTHER_ACCOUNT.account
    );
    for operation in ["ListTagsForResource", "TagResource", "UntagResource"] {
        let input = json!({"resourceArn": arn, "tags": {"a": "c"}, "tagKeys": ["a"]});
        let (status, body) = call(&world.app, OTHER_ACCOUNT, operation, &input).await;
        assert_eq!(
            (status, &body["resourceId"]),
            (404, &world.store),
            "{operation}"
        );
    }
    for operation in [
        "GetPolicyStore",
        "ListPolicies",
        "IsAuthorized",
        "GetSchema",
    ] {
        let input = json!({"policyStoreId": ALIAS});
        let (status, body) = call(&world.app, OTHER_ACCOUNT, operation, &input).await;
        assert_eq!(
            (status, &body["resourceId"]),
            (404, &json!(ALIAS)),
            "{operation}"
        );
    }
    assert_eq!(world.state().await, before);
}

/// A captured request cannot be replayed for longer than the skew that is allowed for clocks.
#[tokio::test]
async fn a_good_request_is_good_for_five_minutes() {
    let world = World::new().await;
    let request = world.app.request(ADMIN, "ListPolicyStores", &json!({}));
    world.app.clock().advance(Duration::from_secs(300));
    assert_eq!(world.app.send(request.clone()).await.status(), 200);
    world.app.clock().advance(Duration::from_secs(1));
    assert_eq!(world.app.send(request).await.status(), 403);
}
