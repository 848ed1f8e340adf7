//! The awsJson1.0 protocol: every request is a `POST /` whose header `X-Amz-Target` names the
//! operation and whose body is a JSON object, and so is every answer.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use model::ServiceModel;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::WireError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The content type of every request and answer.
const AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// The name of the operation that `X-Amz-Target` asks of `service`, as
/// `<target prefix>.<operation>`; `None` if the header is missing, says anything else, or is
/// another service's. Whether the service has such an operation is for the caller to find out.
pub fn operation_name<'h>(service: &ServiceModel, headers: &'h HeaderMap) -> Option<&'h str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target
        .strip_prefix(service.target_prefix)?
        .strip_prefix('.')
}

/// The JSON object in a request's body; an empty body counts as `{}`.
///
/// Anything else, and a body nested deeper than 127 levels (`serde_json`'s limit), is a
/// `SerializationException`. Of a repeated key the last value counts.
pub fn parse_body(body: &[u8]) -> Result<Value, WireError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(WireError::serialization(
            "The request body is not a JSON object",
        )),
        Err(_) => Err(WireError::serialization(
            "The request body is not valid JSON, or is nested too deeply",
        )),
    }
}

/// 200 with `body`, the output as JSON.
pub fn success(request_id: &str, body: Bytes) -> Response<Bytes> {
    response(request_id, StatusCode::OK, body)
}

/// `error` as an answer. The code stands in the body as `__type`, where every SDK looks for it, and
/// in `x-amzn-errortype`, which some read first.
pub fn failure(request_id: &str, error: &WireError) -> Response<Bytes> {
    let envelope = Envelope {
        code: error.code,
        message: &error.message,
        members: &error.members,
    };
    // A struct of texts and JSON values always serializes.
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    let mut response = response(request_id, error.status, body.into());
    response
        .headers_mut()
        .insert(ERROR_TYPE, HeaderValue::from_static(error.code));
    response
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "__type")]
    code: &'static str,
    message: &'a str,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

fn response(request_id: &str, status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, AWS_JSON);
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    response
}

#[cfg(test)]
mod tests {
    use model::verified_permissions::SERVICE;
    use serde_json::json;

    use super::*;

    fn target(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static("x-amz-target"),
            HeaderValue::from_static(value),
        )])
    }

    fn header(response: &Response<Bytes>, name: &str) -> Option<String> {
        Some(response.headers().get(name)?.to_str().ok()?.to_owned())
    }

    #[test]
    fn the_target_names_the_operation() {
        for (headers, name) in [
            (
                target("VerifiedPermissions.IsAuthorized"),
                Some("IsAuthorized"),
            ),
            (target("VerifiedPermissions.Unheard.Of"), Some("Unheard.Of")),
            (target("VerifiedPermissions."), Some("")),
            (HeaderMap::new(), None),
            (target(""), None),
            (target("IsAuthorized"), None),
            (target("VerifiedPermissions"), None),
            (target("VerifiedPermissionsIsAuthorized"), None),
            (target("Other.IsAuthorized"), None),
        ] {
            assert_eq!(operation_name(&SERVICE, &headers), name, "{headers:?}");
        }
    }

    #[test]
    fn the_content_type_is_the_models() {
        assert_eq!(SERVICE.content_type, AWS_JSON);
    }

    #[test]
    fn a_body_is_a_json_object_or_empty() {
        assert_eq!(parse_body(b""), Ok(json!({})));
        assert_eq!(parse_body(br#" {"a": 1} "#), Ok(json!({"a": 1})));
        for bad in [
            b" ".as_slice(),
            b"{",
            b"[]",
            b"null",
            b"1",
            b"\"x\"",
            b"{}{}",
            b"{\"a\":1,}",
            b"\xff",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{'a':1}",
            b"{\"a\":NaN}",
        ] {
            let error = parse_body(bad).unwrap_err();
            assert_eq!(
                (error.code, error.status.as_u16()),
                ("SerializationException", 400)
            );
        }
    }

    #[test]
    fn a_body_may_be_nested_127_levels_deep() {
        let nested = |levels: usize| {
            format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)).into_bytes()
        };
        assert!(parse_body(&nested(127)).is_ok());
        for levels in [128, 100_000] {
            assert_eq!(
                parse_body(&nested(levels)).unwrap_err().code,
                "SerializationException"
            );
        }
        assert!(parse_body("[".repeat(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn a_success_carries_output_content_type_and_request_id() {
        let response = success("id-1", Bytes::from_static(br#"{"decision":"ALLOW"}"#));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.body().as_ref(), br#"{"decision":"ALLOW"}"#);
        assert_eq!(
            header(&response, "content-type").as_deref(),
            Some("application/x-amz-json-1.0")
        );
        assert_eq!(
            header(&response, "x-amzn-requestid").as_deref(),
            Some("id-1")
        );
        assert_eq!(header(&response, "x-amzn-errortype"), None);
    }

    #[test]
    fn a_failure_carries_its_code_in_the_body_and_in_a_header() {
        let error = WireError::new("ResourceNotFoundException", StatusCode::NOT_FOUND, "no")
            .with("resourceId", "p1")
            .with("resourceType", "POLICY");
        let response = failure("id-2", &error);
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            serde_json::from_slice::<Value>(response.body()).unwrap(),
            json!({
                "__type": "ResourceNotFoundException",
                "message": "no",
                "resourceId": "p1",
                "resourceType": "POLICY",
            })
        );
        assert_eq!(
            header(&response, "x-amzn-errortype").as_deref(),
            Some("ResourceNotFoundException")
        );
        assert_eq!(
            header(&response, "x-amzn-requestid").as_deref(),
            Some("id-2")
        );
    }
}
