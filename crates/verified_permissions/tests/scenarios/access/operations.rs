//! The table of the operations.

use serde_json::{Value, json};

use super::{ALIAS, STATEMENT, TEMPLATE, World};

/// What an operation does for another account than the one that the input's resources are of.
pub(super) enum Elsewhere {
    /// There is no such thing in its own world.
    NotFound(&'static str),
    /// It answers from its own world.
    Answer(fn(&World) -> Value),
    /// It creates something in its own world.
    Creates,
    /// The input names the account, and that is not the caller's.
    Denied,
}

use Elsewhere::{Answer, Creates, Denied, NotFound};

const STORE: Elsewhere = NotFound("POLICY_STORE");

pub(super) type Input = fn(&World) -> Value;

/// Every operation: a minimal valid input, and what it does for another account.
pub(super) const OPERATIONS: &[(&str, Input, Elsewhere)] = &[
    (
        "BatchGetPolicy",
        |w| json!({"requests": [{"policyStoreId": w.store, "policyId": w.policy}]}),
        Answer(|w| {
            let id = w.store.as_str().unwrap();
            let error = json!({
                "code": "POLICY_STORE_NOT_FOUND",
                "policyStoreId": w.store,
                "policyId": w.policy,
                "message": format!("The policy store `{id}` does not exist."),
            });
            json!({"results": [], "errors": [error]})
        }),
    ),
    (
        "BatchIsAuthorized",
        |w| json!({"policyStoreId": w.store, "requests": [{}]}),
        STORE,
    ),
    (
        "BatchIsAuthorizedWithToken",
        |w| json!({"policyStoreId": w.store, "accessToken": w.token, "requests": [{}]}),
        STORE,
    ),
    ("CreateIdentitySource", World::identity_source, STORE),
    (
        "CreatePolicy",
        |w| json!({"policyStoreId": w.store, "definition": {"static": {"statement": STATEMENT}}}),
        STORE,
    ),
    (
        "CreatePolicyStore",
        |_| json!({"validationSettings": {"mode": "OFF"}}),
        Creates,
    ),
    (
        "CreatePolicyStoreAlias",
        |w| json!({"policyStoreId": w.store, "aliasName": "policy-store-alias/new"}),
        STORE,
    ),
    (
        "CreatePolicyTemplate",
        |w| json!({"policyStoreId": w.store, "statement": TEMPLATE}),
        STORE,
    ),
    (
        "DeleteIdentitySource",
        |w| json!({"policyStoreId": w.store, "identitySourceId": w.source}),
        STORE,
    ),
    (
        "DeletePolicy",
        |w| json!({"policyStoreId": w.store, "policyId": w.policy}),
        STORE,
    ),
    ("DeletePolicyStore", in_store, Answer(nothing)),
    (
        "DeletePolicyStoreAlias",
        |_| json!({"aliasName": ALIAS}),
        Answer(nothing),
    ),
    (
        "DeletePolicyTemplate",
        |w| json!({"policyStoreId": w.store, "policyTemplateId": w.template}),
        STORE,
    ),
    (
        "GetIdentitySource",
        |w| json!({"policyStoreId": w.store, "identitySourceId": w.source}),
        STORE,
    ),
    (
        "GetPolicy",
        |w| json!({"policyStoreId": w.store, "policyId": w.policy}),
        STORE,
    ),
    ("GetPolicyStore", in_store, STORE),
    (
        "GetPolicyStoreAlias",
        |_| json!({"aliasName": ALIAS}),
        NotFound("POLICY_STORE_ALIAS"),
    ),
    (
        "GetPolicyTemplate",
        |w| json!({"policyStoreId": w.store, "policyTemplateId": w.template}),
        STORE,
    ),
    ("GetSchema", in_store, STORE),
    ("IsAuthorized", in_store, STORE),
    (
        "IsAuthorizedWithToken",
        |w| json!({"policyStoreId": w.store, "accessToken": w.token}),
        STORE,
    ),
    ("ListIdentitySources", in_store, STORE),
    ("ListPolicies", in_store, STORE),
    (
        "ListPolicyStoreAliases",
        nothing,
        Answer(|_| json!({"policyStoreAliases": []})),
    ),
    (
        "ListPolicyStores",
        nothing,
        Answer(|_| json!({"policyStores": []})),
    ),
    ("ListPolicyTemplates", in_store, STORE),
    (
        "ListTagsForResource",
        |w| json!({"resourceArn": w.arn}),
        Denied,
    ),
    (
        "PutSchema",
        |w| json!({"policyStoreId": w.store, "definition": {"cedarJson": "{}"}}),
        STORE,
    ),
    (
        "TagResource",
        |w| json!({"resourceArn": w.arn, "tags": {"a": "c"}}),
        Denied,
    ),
    (
        "UntagResource",
        |w| json!({"resourceArn": w.arn, "tagKeys": ["a"]}),
        Denied,
    ),
    (
        "UpdateIdentitySource",
        |w| {
            let update = w.configuration();
            json!({"policyStoreId": w.store, "identitySourceId": w.source, "updateConfiguration": update})
        },
        STORE,
    ),
    (
        "UpdatePolicy",
        |w| json!({"policyStoreId": w.store, "policyId": w.policy, "name": "name/new"}),
        STORE,
    ),
    (
        "UpdatePolicyStore",
        |w| json!({"policyStoreId": w.store, "validationSettings": {"mode": "STRICT"}}),
        STORE,
    ),
    (
        "UpdatePolicyTemplate",
        |w| {
            let (store, template) = (&w.store, &w.template);
            let statement = format!("{TEMPLATE} // changed");
            json!({"policyStoreId": store, "policyTemplateId": template, "statement": statement})
        },
        STORE,
    ),
];

fn in_store(world: &World) -> Value {
    json!({"policyStoreId": world.store})
}

fn nothing(_: &World) -> Value {
    json!({})
}
