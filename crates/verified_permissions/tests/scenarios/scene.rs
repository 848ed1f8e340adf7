//! One policy store, called with JSON, so that whole answers can be compared.

use std::sync::Arc;

use aws_sdk_verifiedpermissions::Client;
use aws_sdk_verifiedpermissions::types::ValidationMode;
use serde_json::{Value, json};
use store::Store;
use testkit::{ADMIN, App};
use verified_permissions::Options;

use crate::common::{Failure, call, call_ok, call_refused, put_schema, store};

/// When every test begins.
pub(crate) const START: &str = "2026-01-01T00:00:00.123456Z";

/// An app with one policy store.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) app: Arc<App>,
    pub(crate) client: Client,
    pub(crate) store: String,
}

impl Scene {
    /// A policy store that does not validate.
    pub(crate) async fn off() -> Self {
        Self::new(App::new(), ValidationMode::Off).await
    }

    /// A policy store that validates against `schema`.
    pub(crate) async fn strict(schema: &Value) -> Self {
        let scene = Self::new(App::new(), ValidationMode::Strict).await;
        put_schema(&scene.client, &scene.store, &schema.to_string()).await;
        scene
    }

    /// A policy store that does not validate, with other options than the defaults.
    pub(crate) async fn with(options: Options) -> Self {
        Self::new(App::over(Store::memory(), options), ValidationMode::Off).await
    }

    pub(crate) async fn new(app: App, mode: ValidationMode) -> Self {
        let client = app.client(ADMIN);
        let store = store(&client, mode).await;
        let app = Arc::new(app);
        Self { app, client, store }
    }

    fn input(&self, mut input: Value) -> Value {
        input["policyStoreId"] = json!(self.store);
        input
    }

    /// Calls an operation on the policy store: the status and the body.
    pub(crate) async fn call(&self, operation: &str, input: Value) -> (u16, Value) {
        call(&self.app, ADMIN, operation, &self.input(input)).await
    }

    /// Calls an operation that must succeed. The store's id, which most outputs repeat, is checked
    /// and taken out.
    pub(crate) async fn ok(&self, operation: &str, input: Value) -> Value {
        let mut output = call_ok(&self.app, operation, &self.input(input)).await;
        if let Some(id) = output
            .as_object_mut()
            .and_then(|map| map.remove("policyStoreId"))
        {
            assert_eq!(id, json!(self.store));
        }
        output
    }

    /// Calls an operation that must be refused.
    pub(crate) async fn refused(&self, operation: &str, input: Value) -> Failure {
        call_refused(&self.app, operation, &self.input(input)).await
    }

    /// Creates a policy or template that must be accepted; its id.
    pub(crate) async fn create(&self, operation: &str, input: Value) -> String {
        let output = self.ok(operation, input).await;
        let id = output.get("policyId").or(output.get("policyTemplateId"));
        id.unwrap().as_str().unwrap().to_owned()
    }

    /// A new static policy; its id.
    pub(crate) async fn policy(&self, statement: &str) -> String {
        self.create("CreatePolicy", definition(statement)).await
    }

    /// A new template; its id.
    pub(crate) async fn template(&self, statement: &str) -> String {
        self.create("CreatePolicyTemplate", json!({"statement": statement}))
            .await
    }

    /// A new policy that links a template; its id.
    pub(crate) async fn link(&self, input: Value) -> String {
        self.create(
            "CreatePolicy",
            json!({"definition": {"templateLinked": input}}),
        )
        .await
    }

    /// May `App::User::"principal"` do `App::Action::"action"` on `App::Doc::"resource"`? The decision, and the
    /// ids of the policies that determined it.
    pub(crate) async fn ask(
        &self,
        principal: &str,
        action: &str,
        resource: &str,
    ) -> (Value, Value) {
        let answer = self
            .ok("IsAuthorized", question(principal, action, resource))
            .await;
        assert_eq!(answer["errors"], json!([]));
        let policies = answer["determiningPolicies"].as_array().unwrap();
        let policies = policies
            .iter()
            .map(|policy| policy["policyId"].clone())
            .collect();
        (answer["decision"].clone(), policies)
    }

    /// Asserts that the question of [`Scene::ask`] is answered with ALLOW because of these
    /// policies, or with DENY if there are none.
    #[track_caller]
    pub(crate) fn allows(
        &self,
        (principal, action, resource): (&str, &str, &str),
        policies: &[&str],
    ) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        let decision = if policies.is_empty() { "DENY" } else { "ALLOW" };
        async move {
            let (found, mut determining) = self.ask(principal, action, resource).await;
            let mut policies = policies.to_vec();
            policies.sort_unstable();
            determining
                .as_array_mut()
                .unwrap()
                .sort_by_key(ToString::to_string);
            assert_eq!(
                (found, determining),
                (json!(decision), json!(policies)),
                "{at}"
            );
        }
    }
}

/// The input of CreatePolicy for a static policy.
pub(crate) fn definition(statement: &str) -> Value {
    json!({"definition": {"static": {"statement": statement}}})
}

/// The input of UpdatePolicy with another text.
pub(crate) fn redefinition(policy: &str, statement: &str) -> Value {
    let mut input = definition(statement);
    input["policyId"] = json!(policy);
    input
}

/// `Type::"id"` on the wire.
pub(crate) fn entity(entity_type: &str, id: &str) -> Value {
    json!({"entityType": entity_type, "entityId": id})
}

/// The input of IsAuthorized, as [`Scene::ask`] understands it.
pub(crate) fn question(principal: &str, action: &str, resource: &str) -> Value {
    json!({
        "principal": entity("App::User", principal),
        "action": {"actionType": "App::Action", "actionId": action},
        "resource": entity("App::Doc", resource),
    })
}

/// The question of [`Scene::ask`] about `u`, `view` and `d`, with more members.
pub(crate) fn ask_with(more: &Value) -> Value {
    with(question("u", "view", "d"), more.clone())
}

/// An object with the members of another.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("no object: {more}")
    };
    object.as_object_mut().unwrap().extend(more);
    object
}

/// A schema in the namespace `App` with `User`s in `Group`s, `Doc`s in `Folder`s, the actions `view` and `edit` on them,
/// both in the group `all`, and `share` with a context.
pub(crate) fn documents() -> Value {
    let on_docs = json!({"principalTypes": ["User"], "resourceTypes": ["Doc"]});
    let mut shared = on_docs.clone();
    shared["context"] = json!({
        "type": "Record",
        "attributes": {"mfa": {"type": "Boolean"}, "ip": {"type": "Extension", "name": "ipaddr"}},
    });
    json!({"App": {
        "entityTypes": {
            "Group": {},
            "User": {
                "memberOfTypes": ["Group"],
                "shape": {"type": "Record", "attributes": {
                    "level": {"type": "Long"},
                    "email": {"type": "String", "required": false},
                }},
            },
            "Folder": {"memberOfTypes": ["Folder"]},
            "Doc": {
                "memberOfTypes": ["Folder"],
                "shape": {"type": "Record", "attributes": {
                    "owner": {"type": "Entity", "name": "User"},
                }},
            },
        },
        "actions": {
            "all": {},
            "view": {"memberOf": [{"id": "all"}], "appliesTo": on_docs},
            "edit": {"memberOf": [{"id": "all"}], "appliesTo": on_docs},
            "share": {"appliesTo": shared},
        },
    }})
}
