//! What is asked: each user may see 30 photos, by a template-linked policy for each of them.

use serde_json::{Value, json};
use testkit::IdentityProvider;

use crate::Fault;
use crate::connection::once;
use crate::server::Server;

/// The decisions of one batch.
pub(crate) const BATCH: usize = 30;

async fn call(server: &Server, operation: &'static str, body: &Value) -> Result<Value, Fault> {
    let answer = once(server.address, operation, &body.to_string()).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// A policy store with `policies` links of one template.
pub(crate) async fn store_with(server: &Server, policies: usize) -> Result<Value, Fault> {
    let settings = json!({ "validationSettings": { "mode": "OFF" } });
    let created = call(server, "CreatePolicyStore", &settings).await?;
    let store = created.get("policyStoreId").cloned().unwrap_or_default();
    let statement = "permit(principal == ?principal, action, resource == ?resource);";
    let template = json!({ "policyStoreId": store, "statement": statement });
    let created = call(server, "CreatePolicyTemplate", &template).await?;
    let template = created.get("policyTemplateId").cloned().unwrap_or_default();
    for at in 0..policies {
        let link = json!({
            "policyTemplateId": template,
            "principal": { "entityType": "User", "entityId": format!("user-{}", at / BATCH) },
            "resource": { "entityType": "Photo", "entityId": format!("photo-{at}") },
        });
        let policy = json!({ "policyStoreId": store, "definition": { "templateLinked": link } });
        call(server, "CreatePolicy", &policy).await?;
    }
    Ok(store)
}

/// IsAuthorized with two entities and a small context; the answer is ALLOW.
pub(crate) fn question(store: &Value) -> String {
    let mut question = testkit::question("user-0", "photo-0");
    if let Value::Object(members) = &mut question {
        members.insert("policyStoreId".to_owned(), store.clone());
    }
    question.to_string()
}

/// Makes `provider` the identity source of a policy store: its ID tokens stand for `User`s.
pub(crate) async fn identity_source(
    server: &Server,
    store: &Value,
    provider: &IdentityProvider,
) -> Result<(), Fault> {
    let configuration = json!({
        "issuer": provider.issuer(),
        "tokenSelection": { "identityTokenOnly": { "clientIds": ["client"] } },
        "groupConfiguration": { "groupClaim": "groups", "groupEntityType": "Group" },
    });
    let input = json!({
        "policyStoreId": store,
        "principalEntityType": "User",
        "configuration": { "openIdConnectConfiguration": configuration },
    });
    call(server, "CreateIdentitySource", &input).await.map(drop)
}

/// The question of [`question`] for the user of a token, which has what ID tokens usually have;
/// another `number` makes it another token.
pub(crate) fn question_with_token(
    store: &Value,
    provider: &IdentityProvider,
    now: u64,
    number: usize,
) -> String {
    let claims = json!({
        "iss": provider.issuer(), "aud": "client", "sub": "user-0", "iat": now, "auth_time": now,
        "exp": now + 3600, "nonce": format!("n-{number}"), "department": "hr",
        "email": "user-0@example.com", "email_verified": true, "name": "User Zero",
        "groups": ["staff", "photographers", "everybody"],
    });
    let mut question = testkit::question("user-0", "photo-0");
    if let Value::Object(members) = &mut question {
        members.insert("policyStoreId".to_owned(), store.clone());
        let token = provider.sign("RS256", &claims);
        members.insert("identityToken".to_owned(), json!(token));
        members.remove("principal");
        let described = members.get_mut("entities");
        let list = described.and_then(|entities| entities.get_mut("entityList"));
        if let Some(Value::Array(list)) = list {
            list.retain(|entity| entity.pointer("/identifier/entityType") != Some(&json!("User")));
        }
    }
    question.to_string()
}

/// The same user and context, asked about 30 photos; the answer is ALLOW for those that have
/// policies.
pub(crate) fn batch(store: &Value) -> String {
    let mut entities = Value::Null;
    let mut requests = Vec::new();
    for at in 0..BATCH {
        let mut question = testkit::question("user-0", &format!("photo-{at}"));
        if let Value::Object(members) = &mut question {
            members.remove("policyStoreId");
            let described = members.remove("entities");
            if at == 0 {
                entities = described.unwrap_or_default();
            }
        }
        requests.push(question);
    }
    json!({ "policyStoreId": store, "entities": entities, "requests": requests }).to_string()
}

/// CreatePolicy of a small static policy, without a client token: each makes a new policy.
pub(crate) fn policy(store: &Value) -> String {
    let statement = "forbid(principal, action, resource) when { context has blocked };";
    json!({ "policyStoreId": store, "definition": { "static": { "statement": statement } } })
        .to_string()
}
