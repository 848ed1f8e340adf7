//! The protocol around the shapes: bodies, targets, methods, paths and headers.

use std::collections::HashSet;

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use testkit::{ADMIN, App, unsigned_request};

use crate::common::{call_ok, start, store_off};

/// Sends the request with a good signature.
async fn signed(app: &App, request: Request<Bytes>) -> (u16, Value) {
    let response = app.send(app.signer(ADMIN).sign(request)).await;
    (
        response.status().as_u16(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

/// Sends any bytes to an operation.
async fn bytes(app: &App, operation: &str, body: impl Into<Bytes>) -> (u16, Value) {
    signed(app, unsigned_request(operation, body)).await
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_a_serialization_fault() {
    let app = App::new();
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        "[]",
        "null",
        "1",
        "\"x\"",
        "{",
        "{}}",
        "{\"a\":1,}",
        "{'a':1}",
        "\u{feff}{}",
        &deep,
    ] {
        let (status, answer) = bytes(&app, "ListPolicyStores", body.to_owned()).await;
        assert_eq!(
            (status, &answer["__type"]),
            (400, &json!("SerializationException")),
            "{body}"
        );
    }
    let (status, _) = bytes(&app, "ListPolicyStores", &b"{\"nextToken\":\"\xff\"}"[..]).await;
    assert_eq!(status, 400);
    // No body at all is an input without members.
    for body in ["", "{}", " {\n} "] {
        assert_eq!(
            bytes(&app, "ListPolicyStores", body).await.0,
            200,
            "{body:?}"
        );
    }
}

#[tokio::test]
async fn what_names_no_operation_is_unknown() {
    let app = App::new();
    let request = |target: Option<&'static str>| {
        let mut request = unsigned_request("ListPolicyStores", "{}");
        let headers = request.headers_mut();
        match target {
            Some(target) => headers.insert("x-amz-target", HeaderValue::from_static(target)),
            None => headers.remove("x-amz-target"),
        };
        request
    };
    let mut requests = vec![request(None)];
    requests.extend(
        [
            "",
            "ListPolicyStores",
            "VerifiedPermissions",
            "VerifiedPermissions.",
            "VerifiedPermissions.Unheard",
            "VerifiedPermissions.listPolicyStores",
            "VerifiedPermissions.ListPolicyStores.",
            "verifiedpermissions.ListPolicyStores",
            "DynamoDB_20120810.ListTables",
        ]
        .map(|target| request(Some(target))),
    );
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::DELETE] {
        let mut wrong = unsigned_request("ListPolicyStores", "{}");
        *wrong.method_mut() = method;
        requests.push(wrong);
    }
    for path in ["/health", "/x", "//", "/policy-stores"] {
        let mut wrong = unsigned_request("ListPolicyStores", "{}");
        *wrong.uri_mut() = path.parse().unwrap();
        requests.push(wrong);
    }
    for request in requests {
        let what = format!(
            "{} {} {:?}",
            request.method(),
            request.uri(),
            request.headers()
        );
        let (status, body) = signed(&app, request).await;
        let unknown = json!("UnknownOperationException");
        assert_eq!((status, &body["__type"]), (404, &unknown), "{what}");
    }
    let query = "/?x=1".parse().unwrap();
    let mut request = unsigned_request("ListPolicyStores", "{}");
    *request.uri_mut() = query;
    assert_eq!(signed(&app, request).await.0, 200);
}

#[tokio::test]
async fn every_answer_names_its_request_and_its_type() {
    let app = App::new();
    let mut ids = HashSet::new();
    for (operation, body, error) in [
        ("ListPolicyStores", "{}", None),
        ("ListPolicyStores", "{}", None),
        ("ListPolicyStores", "[", Some("SerializationException")),
        ("GetPolicyStore", "{}", Some("ValidationException")),
        ("Unheard", "{}", Some("UnknownOperationException")),
    ] {
        let request = app.signer(ADMIN).sign(unsigned_request(operation, body));
        let response = app.send(request).await;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        assert_eq!(
            header("content-type").unwrap(),
            "application/x-amz-json-1.0"
        );
        assert_eq!(header("x-amzn-errortype").as_deref(), error);
        let id = header("x-amzn-requestid").unwrap();
        assert_eq!(id.len(), 36, "a UUID: {id}");
        assert!(ids.insert(id));
    }
}

/// Just under the limit of a body; `frontdoor` tests the limit itself, on a socket.
#[tokio::test]
async fn a_request_of_a_megabyte_is_decided() {
    let (app, client) = start();
    let store = store_off(&client).await;
    let statement = "permit(principal, action, resource) when { context.text like \"*end\" };";
    let definition = json!({"static": {"statement": statement}});
    let input = json!({"policyStoreId": store, "definition": definition});
    call_ok(&app, "CreatePolicy", &input).await;
    let text = format!("{}end", "x".repeat(1_048_000));
    let context = json!({"contextMap": {"text": {"string": text}}});
    let input = json!({"policyStoreId": store, "context": context});
    assert_eq!(
        call_ok(&app, "IsAuthorized", &input).await["decision"],
        "ALLOW"
    );
}
