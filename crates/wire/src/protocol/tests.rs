use http::{HeaderMap, HeaderValue, Request};
use model::{dsql, sts, verified_permissions};
use serde_json::json;

use super::*;

const SERVICES: [(&ServiceModel, &[OperationModel]); 3] = [
    (
        &verified_permissions::SERVICE,
        verified_permissions::OPERATIONS,
    ),
    (&dsql::SERVICE, dsql::OPERATIONS),
    (&sts::SERVICE, sts::OPERATIONS),
];

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TARGET: (&str, &str) = ("x-amz-target", "VerifiedPermissions.GetSchema");

fn request(method: &str, uri: &str, header: (&str, &str), body: &'static str) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header(header.0, header.1);
    request.body(Bytes::from_static(body.as_bytes())).unwrap()
}

/// The service and operation that a request asks for, and its input.
fn read(
    request: &Request<Bytes>,
) -> Option<(&'static str, &'static str, Result<Value, WireError>)> {
    let incoming = Incoming::from(request);
    let mut found = SERVICES.iter().filter_map(|(service, operations)| {
        let found = operation(service, operations, &incoming)?;
        let input = input(service, &found, &incoming);
        Some((service.signing_name, found.operation.name, input))
    });
    let first = found.next();
    assert!(found.next().is_none(), "a request is for one service");
    first
}

#[test]
fn each_request_is_for_one_operation_of_one_service() {
    let id = "abcdefghijklmnopqrstuvwxyz";
    let cluster = format!("/cluster/{id}?client-token=t&identifier=x");
    for (request, service, operation, input) in [
        (
            request("POST", "/", TARGET, r#"{"policyStoreId": "s"}"#),
            "verifiedpermissions",
            "GetSchema",
            json!({"policyStoreId": "s"}),
        ),
        (
            request("DELETE", &cluster, ("a", "b"), ""),
            "dsql",
            "DeleteCluster",
            json!({"identifier": id, "clientToken": "t"}),
        ),
        (
            request(
                "POST",
                "/cluster",
                ("a", "b"),
                r#"{"deletionProtectionEnabled": false, "policy": null, "newer": 1}"#,
            ),
            "dsql",
            "CreateCluster",
            json!({"deletionProtectionEnabled": false}),
        ),
        (
            request(
                "POST",
                "/",
                FORM,
                "Action=GetCallerIdentity&Version=2011-06-15",
            ),
            "sts",
            "GetCallerIdentity",
            json!({}),
        ),
        (
            request(
                "GET",
                "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Date=x",
                ("a", "b"),
                "",
            ),
            "sts",
            "GetCallerIdentity",
            json!({}),
        ),
    ] {
        assert_eq!(read(&request), Some((service, operation, Ok(input))));
    }
}

#[test]
fn other_requests_are_for_nobody() {
    for request in [
        request("GET", "/", TARGET, ""),
        request("POST", "/x", TARGET, ""),
        request(
            "POST",
            "/",
            ("x-amz-target", "VerifiedPermissions.Unheard"),
            "",
        ),
        request("POST", "/", ("a", "b"), "{}"),
        request("POST", "/", FORM, "Action=Unheard"),
        request("POST", "/", FORM, "Action=ListUsers&Version=2010-05-08"),
        request("GET", "/clusters", ("a", "b"), ""),
    ] {
        assert_eq!(read(&request), None, "{request:?}");
    }
}

#[test]
fn a_refused_input_is_refused_as_its_service_does() {
    for (request, code, members) in [
        (
            request("POST", "/", TARGET, r#"{"policyStoreId": 1}"#),
            "SerializationException",
            json!({}),
        ),
        (
            request("GET", "/cluster?max-results=many", ("a", "b"), ""),
            "ValidationException",
            json!({
                "reason": "cannotParse",
                "fieldList": [{
                    "name": "maxResults",
                    "message": "Value at 'maxResults' must be a 32-bit whole number",
                }],
            }),
        ),
        (
            request("POST", "/cluster", ("a", "b"), "[]"),
            "ValidationException",
            json!({"reason": "cannotParse"}),
        ),
        (
            request("GET", "/cluster?max-results=101", ("a", "b"), ""),
            "ValidationException",
            json!({
                "reason": "fieldValidationFailed",
                "fieldList": [{
                    "name": "maxResults",
                    "message": "Value at 'maxResults' failed to satisfy constraint: \
                                Member must be between 1 and 100, inclusive",
                }],
            }),
        ),
        (
            request("POST", "/", FORM, "Action=AssumeRole&RoleArn=x"),
            "ValidationError",
            json!({}),
        ),
    ] {
        let error = read(&request).unwrap().2.unwrap_err();
        assert_eq!((error.code, error.status.as_u16()), (code, 400));
        assert_eq!(Value::Object(error.members), members);
    }
}

#[test]
fn answers_are_in_the_form_of_their_service() {
    let error = WireError::internal();
    for ((service, operations), (content_type, body)) in SERVICES.iter().zip([
        ("application/x-amz-json-1.0", "{\"a\": 1}"),
        ("application/json", "{\"a\": 1}"),
        (
            "text/xml",
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleResult><a>1</a></AssumeRoleResult><ResponseMetadata>\
             <RequestId>id</RequestId></ResponseMetadata></AssumeRoleResponse>",
        ),
    ]) {
        let operation = operations.first().unwrap();
        let good = success(service, operation, "id", Bytes::from_static(b"{\"a\": 1}"));
        assert_eq!(good.status(), 200);
        assert_eq!(good.body(), body);
        let bad = failure(Some(service), "id", &error);
        assert_eq!(bad.status(), 500);
        for response in [good, bad] {
            assert_eq!(
                response.headers().get("content-type").unwrap(),
                content_type
            );
            assert_eq!(response.headers().get("x-amzn-requestid").unwrap(), "id");
        }
    }
    let unknown = failure(None, "id", &WireError::unknown_operation());
    assert_eq!(unknown.status(), 404);
    let content_type = unknown.headers().get("content-type").unwrap();
    assert_eq!(content_type, "application/x-amz-json-1.0");
}

#[test]
fn the_credential_scope_says_which_service_is_meant() {
    let header = "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/dsql/aws4_request, \
                  SignedHeaders=host, Signature=0";
    let spaceless = header.replace(", ", ",");
    let presigned =
        "X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fdsql%2Faws4_request&X-Amz-Date=x";
    for (authorization, query, meant) in [
        (Some(header), "", true),
        (Some(spaceless.as_str()), "", true),
        (None, presigned, true),
        (Some("Basic abc"), presigned, true),
        (None, "", false),
        (
            Some("AWS4-HMAC-SHA256 Credential=AKID/20261122/r/sts/aws4_request"),
            "",
            false,
        ),
        (
            Some("AWS4-HMAC-SHA256 Credential=AKID/20261122/r/dsql/aws4"),
            "",
            false,
        ),
        (
            Some("AWS4-HMAC-SHA256 Signature=/dsql/aws4_request"),
            "",
            false,
        ),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let incoming = Incoming {
            method: &Method::GET,
            path: "/",
            query,
            headers: &headers,
            body: b"",
        };
        assert_eq!(
            signed_for(&dsql::SERVICE, &incoming),
            meant,
            "{authorization:?}"
        );
        assert!(!signed_for(&verified_permissions::SERVICE, &incoming));
    }
}
