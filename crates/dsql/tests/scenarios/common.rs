//! Small builders over the SDK's client, and what a refused call looks like.

use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dsql::types::MultiRegionProperties;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::{Value, json};
use testkit::{ADMIN, App, Signer};

/// The ARN of [`ADMIN`].
pub(crate) const ADMIN_ARN: &str = "arn:aws:iam::111122223333:user/admin";

/// An id that no cluster or stream has.
pub(crate) const UNKNOWN: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzz";

/// An app and its administrator's client.
pub(crate) fn start() -> (App, Client) {
    let app = App::new();
    let client = app.dsql(ADMIN);
    (app, client)
}

/// Moves the clock.
pub(crate) fn pass(app: &App, millis: u64) {
    app.clock().advance(Duration::from_millis(millis));
}

/// A new cluster that is not protected; its id.
pub(crate) async fn cluster(client: &Client) -> String {
    let call = client.create_cluster().deletion_protection_enabled(false);
    call.send().await.unwrap().identifier
}

/// A new cluster that is not protected and ACTIVE; its id.
pub(crate) async fn active(app: &App, client: &Client) -> String {
    let id = cluster(client).await;
    pass(app, 2_000);
    id
}

/// The state of a cluster.
pub(crate) async fn status(client: &Client, id: &str) -> String {
    let found = client.get_cluster().identifier(id).send().await.unwrap();
    found.status.as_str().to_owned()
}

/// The ARN of a cluster of [`ADMIN`].
pub(crate) fn arn_in(region: &str, id: &str) -> String {
    format!("arn:aws:dsql:{region}:111122223333:cluster/{id}")
}

/// The ARN of a cluster of [`ADMIN`] in the usual Region.
pub(crate) fn arn(id: &str) -> String {
    arn_in(testkit::REGION, id)
}

/// A witness Region and peers.
pub(crate) fn multi_region(witness: Option<&str>, peers: &[&str]) -> MultiRegionProperties {
    let properties =
        MultiRegionProperties::builder().set_witness_region(witness.map(str::to_owned));
    let peers = peers.iter().map(|&arn| arn.to_owned()).collect::<Vec<_>>();
    let peers = (!peers.is_empty()).then_some(peers);
    properties.set_clusters(peers).build()
}

/// A policy with these statements.
pub(crate) fn policy(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// A policy that denies the actions to everybody.
pub(crate) fn denying(actions: &[&str]) -> String {
    policy(&json!([{
        "Sid": "Deny", "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*",
    }]))
}

/// Sends a request of [`ADMIN`] past the SDK: the status and the body.
pub(crate) async fn send(app: &App, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let signer = Signer {
        service: "dsql",
        ..app.signer(ADMIN)
    };
    let request = http::Request::builder().method(method).uri(path);
    let request = request.header("host", "treeline.test:4100");
    let request = request.header("content-type", "application/json");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let response = app
        .send(signer.sign(request.body(body.into()).unwrap()))
        .await;
    let body = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), body)
}

/// A refused call, read from the response that the SDK got.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// The whole body, for the members that only some errors have.
    pub(crate) body: Box<Value>,
}

impl Failure {
    /// Status and code.
    pub(crate) fn kind(&self) -> (u16, &str) {
        (self.status, &self.code)
    }

    /// What a ResourceNotFoundException says is missing: type and id.
    #[track_caller]
    pub(crate) fn missing(&self) -> (&str, &str) {
        assert_eq!(self.kind(), (404, "ResourceNotFoundException"), "{self:?}");
        self.resource()
    }

    /// What a ConflictException says is in the way: type and id.
    #[track_caller]
    pub(crate) fn conflict(&self) -> (&str, &str) {
        assert_eq!(self.kind(), (409, "ConflictException"), "{self:?}");
        self.resource()
    }

    /// The resource and the code of a ServiceQuotaExceededException.
    #[track_caller]
    pub(crate) fn quota(&self) -> (&str, &str) {
        assert_eq!(
            self.kind(),
            (402, "ServiceQuotaExceededException"),
            "{self:?}"
        );
        assert_eq!(self.body["serviceCode"], "dsql");
        (self.resource().0, text(&self.body["quotaCode"]))
    }

    fn resource(&self) -> (&str, &str) {
        (
            text(&self.body["resourceType"]),
            text(&self.body["resourceId"]),
        )
    }

    /// The reason of a ValidationException, and the first field that it names.
    #[track_caller]
    pub(crate) fn invalid(&self) -> (&str, Option<&str>) {
        assert_eq!(self.kind(), (400, "ValidationException"), "{self:?}");
        (
            text(&self.body["reason"]),
            self.body["fieldList"][0]["name"].as_str(),
        )
    }

    /// Asserts a ValidationException that names this field.
    #[track_caller]
    pub(crate) fn assert_field(&self, field: &str) {
        assert_eq!(
            self.invalid(),
            ("fieldValidationFailed", Some(field)),
            "{self:?}"
        );
    }

    /// Asserts an AccessDeniedException that names this action.
    #[track_caller]
    pub(crate) fn assert_denied(&self, action: &str) {
        assert_eq!(self.kind(), (403, "AccessDeniedException"), "{self:?}");
        let part = format!("is not authorized to perform: {action} on resource: ");
        assert!(self.message.contains(&part), "{action}: {}", self.message);
    }
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected a text, got {value}"))
}

/// What became of a call. Also checks that the SDK understood an error as the body says it.
#[track_caller]
pub(crate) fn outcome<O: Debug, E>(
    result: Result<O, SdkError<E, HttpResponse>>,
) -> Result<O, Failure>
where
    E: ProvideErrorMetadata + Debug,
{
    let error = match result {
        Ok(output) => return Ok(output),
        Err(SdkError::ServiceError(error)) => error,
        Err(other) => panic!("expected an answer, got {other:?}"),
    };
    let raw = error.raw();
    let body: Value = serde_json::from_slice(raw.body().bytes().unwrap()).unwrap();
    let failure = Failure {
        status: raw.status().as_u16(),
        code: error.err().code().unwrap().to_owned(),
        message: text(&body["message"]).to_owned(),
        body: Box::new(body),
    };
    assert_eq!(error.err().message(), Some(failure.message.as_str()));
    Err(failure)
}

/// How the call was refused.
#[track_caller]
pub(crate) fn failure<O: Debug, E>(result: Result<O, SdkError<E, HttpResponse>>) -> Failure
where
    E: ProvideErrorMetadata + Debug,
{
    match outcome(result) {
        Ok(output) => panic!("expected a refusal, got {output:?}"),
        Err(failure) => failure,
    }
}
