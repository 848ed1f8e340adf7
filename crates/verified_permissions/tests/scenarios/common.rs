//! Small builders over the SDK's client, and what a refused call looks like.

use std::fmt::Debug;

use aws_sdk_verifiedpermissions::Client;
use aws_sdk_verifiedpermissions::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_verifiedpermissions::operation::is_authorized::IsAuthorizedOutput;
use aws_sdk_verifiedpermissions::types::{
    ActionIdentifier, EntityIdentifier, PolicyDefinition, SchemaDefinition, StaticPolicyDefinition,
    ValidationMode, ValidationSettings,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use serde_json::Value;
use testkit::{ADMIN, App, User};

/// 2026-01-01T00:00:00.123456Z, when every test begins.
pub(crate) fn start_time() -> DateTime {
    DateTime::from_secs_and_nanos(1_767_225_600, 123_456_000)
}

/// An app and its administrator's client.
pub(crate) fn start() -> (App, Client) {
    let app = App::new();
    let client = app.client(testkit::ADMIN);
    (app, client)
}

/// Validation settings with this mode.
pub(crate) fn mode(mode: ValidationMode) -> ValidationSettings {
    ValidationSettings::builder().mode(mode).build().unwrap()
}

/// A new policy store that does not validate; its id.
pub(crate) async fn store_off(client: &Client) -> String {
    store(client, ValidationMode::Off).await
}

/// A new policy store that validates against `schema`; its id.
pub(crate) async fn store_strict(client: &Client, schema: &str) -> String {
    let id = store(client, ValidationMode::Strict).await;
    put_schema(client, &id, schema).await;
    id
}

/// A new policy store with this validation mode; its id.
pub(crate) async fn store(client: &Client, validation: ValidationMode) -> String {
    let call = client
        .create_policy_store()
        .validation_settings(mode(validation));
    call.send().await.unwrap().policy_store_id
}

/// Puts the schema.
pub(crate) async fn put_schema(client: &Client, store: &str, schema: &str) {
    let definition = SchemaDefinition::CedarJson(schema.to_owned());
    client
        .put_schema()
        .policy_store_id(store)
        .definition(definition)
        .send()
        .await
        .unwrap();
}

/// The definition of a static policy.
pub(crate) fn static_policy(statement: &str) -> PolicyDefinition {
    let definition = StaticPolicyDefinition::builder()
        .statement(statement)
        .build()
        .unwrap();
    PolicyDefinition::Static(definition)
}

/// A new static policy; its id.
pub(crate) async fn policy(client: &Client, store: &str, statement: &str) -> String {
    let call = client.create_policy().policy_store_id(store);
    call.definition(static_policy(statement))
        .send()
        .await
        .unwrap()
        .policy_id
}

/// A new template; its id.
pub(crate) async fn template(client: &Client, store: &str, statement: &str) -> String {
    let call = client.create_policy_template().policy_store_id(store);
    call.statement(statement)
        .send()
        .await
        .unwrap()
        .policy_template_id
}

/// `Type::"id"`.
pub(crate) fn entity(entity_type: &str, id: &str) -> EntityIdentifier {
    EntityIdentifier::builder()
        .entity_type(entity_type)
        .entity_id(id)
        .build()
        .unwrap()
}

/// `Action::"id"`, or an action of a namespace when `id` is written as `Namespace::Action::id`.
pub(crate) fn action(id: &str) -> ActionIdentifier {
    let (action_type, id) = id.rsplit_once("::").unwrap_or(("Action", id));
    ActionIdentifier::builder()
        .action_type(action_type)
        .action_id(id)
        .build()
        .unwrap()
}

/// May `User::"principal"` do `Action::"act"` on `Doc::"resource"`?
pub(crate) async fn ask(
    client: &Client,
    store: &str,
    (principal, act, resource): (&str, &str, &str),
) -> IsAuthorizedOutput {
    let call = client.is_authorized().policy_store_id(store);
    let call = call
        .principal(entity("User", principal))
        .action(action(act));
    call.resource(entity("Doc", resource)).send().await.unwrap()
}

/// A refused call, read from the response that the SDK got.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Path and message of each entry of `fieldList`.
    pub(crate) fields: Vec<(String, String)>,
    /// The whole body, for the members that only some errors have.
    pub(crate) body: Value,
}

impl Failure {
    /// Status and code.
    pub(crate) fn kind(&self) -> (u16, &str) {
        (self.status, &self.code)
    }

    /// What a ResourceNotFoundException says is missing: type and id.
    pub(crate) fn missing(&self) -> (&str, &str) {
        assert_eq!(self.kind(), (404, "ResourceNotFoundException"), "{self:?}");
        (
            text(&self.body["resourceType"]),
            text(&self.body["resourceId"]),
        )
    }

    /// What a ConflictException says is in the way: type and id.
    pub(crate) fn conflict(&self) -> (&str, &str) {
        assert_eq!(self.kind(), (409, "ConflictException"), "{self:?}");
        let resources = self.body["resources"].as_array().unwrap();
        assert_eq!(resources.len(), 1);
        (
            text(&resources[0]["resourceType"]),
            text(&resources[0]["resourceId"]),
        )
    }

    /// Asserts a ValidationException with exactly these fields.
    #[track_caller]
    pub(crate) fn assert_invalid(&self, fields: &[(&str, &str)]) {
        assert_eq!(self.kind(), (400, "ValidationException"), "{self:?}");
        assert_eq!(self.message, "Invalid input");
        let found = self
            .fields
            .iter()
            .map(|(path, message)| (path.as_str(), message.as_str()));
        assert_eq!(found.collect::<Vec<_>>(), fields);
    }

    /// The failure that a response describes; a success is a failed test.
    #[track_caller]
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap();
        assert!(status >= 400, "{status} {body}");
        let field = |field: &Value| (text(&field["path"]).into(), text(&field["message"]).into());
        let fields = body["fieldList"]
            .as_array()
            .into_iter()
            .flatten()
            .map(field)
            .collect();
        Self {
            status,
            code: text(&body["__type"]).to_owned(),
            message: text(&body["message"]).to_owned(),
            fields,
            body,
        }
    }
}

/// How the call was refused. Also checks that the SDK understood the error as the body says it.
#[track_caller]
pub(crate) fn failure<O: Debug, E>(result: Result<O, SdkError<E, HttpResponse>>) -> Failure
where
    E: ProvideErrorMetadata + Debug,
{
    let error = match result {
        Err(SdkError::ServiceError(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    };
    let raw = error.raw();
    let failure = Failure::read(raw.status().as_u16(), raw.body().bytes().unwrap());
    assert_eq!(error.err().code(), Some(failure.code.as_str()));
    assert_eq!(error.err().message(), Some(failure.message.as_str()));
    failure
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected a text, got {value}"))
}

/// Calls an operation with any JSON, past the SDK: the status and the body.
pub(crate) async fn call(app: &App, user: User, operation: &str, input: &Value) -> (u16, Value) {
    let response = app.send(app.request(user, operation, input)).await;
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), body)
}

/// Calls an operation that must succeed.
pub(crate) async fn call_ok(app: &App, operation: &str, input: &Value) -> Value {
    let (status, body) = call(app, ADMIN, operation, input).await;
    assert_eq!(status, 200, "{operation} {input}: {body}");
    body
}

/// Calls an operation that must be refused.
pub(crate) async fn call_refused(app: &App, operation: &str, input: &Value) -> Failure {
    let response = app.send(app.request(ADMIN, operation, input)).await;
    Failure::read(response.status().as_u16(), response.body())
}
