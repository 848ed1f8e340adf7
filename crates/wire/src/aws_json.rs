//! The awsJson1.0 protocol: every request is a `POST /` whose header `X-Amz-Target` names the
//! operation and whose body is a JSON object, and so is every answer.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use model::{Protocol, ServiceModel};
use serde_json::{Map, Value};

use crate::answer::{answer, json_failure};
use crate::error::WireError;
use crate::shape_check::Rejection;

/// The content type of every request and answer.
const AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// The name of the operation that `X-Amz-Target` asks of `service`, as
/// `<target prefix>.<operation>`; `None` if the header is missing, says anything else, or is
/// another service's. Whether the service has such an operation is for the caller to find out.
pub fn operation_name<'h>(service: &ServiceModel, headers: &'h HeaderMap) -> Option<&'h str> {
    let Protocol::AwsJson { target_prefix, .. } = service.protocol else {
        return None;
    };
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.strip_prefix(target_prefix)?.strip_prefix('.')
}

/// The JSON object in a request's body; an empty body counts as `{}`.
///
/// Anything else, and a body nested deeper than 127 levels (`serde_json`'s limit), is malformed. Of
/// a repeated key the last value counts.
pub fn parse_body(body: &[u8]) -> Result<Value, Rejection> {
    json_object(body).map(Value::Object)
}

/// Like [`parse_body`].
pub(crate) fn json_object(body: &[u8]) -> Result<Map<String, Value>, Rejection> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let reason = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(_) => "The request body is not a JSON object",
        Err(_) => "The request body is not valid JSON, or is nested too deeply",
    };
    Err(Rejection::Malformed(reason.to_owned()))
}

/// 200 with `body`, the output as JSON.
pub fn success(request_id: &str, body: Bytes) -> Response<Bytes> {
    answer(request_id, StatusCode::OK, AWS_JSON, body)
}

/// `error` as an answer.
pub fn failure(request_id: &str, error: &WireError) -> Response<Bytes> {
    json_failure(request_id, AWS_JSON, error)
}

/// 400 `SerializationException` for what cannot be read, else 400 `ValidationException`.
pub fn rejection(rejection: Rejection) -> WireError {
    match rejection {
        Rejection::Malformed(message) => WireError::serialization(message),
        Rejection::WrongType(wrong) => WireError::serialization(wrong.message),
        Rejection::Invalid(violations) => WireError::validation(violations),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
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
        let Protocol::AwsJson { content_type, .. } = SERVICE.protocol else {
            panic!("it speaks AWS JSON")
        };
        assert_eq!(content_type, AWS_JSON);
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
            let refused = parse_body(bad).unwrap_err();
            assert!(matches!(refused, Rejection::Malformed(_)), "{refused:?}");
        }
    }

    #[test]
    fn a_body_may_be_nested_127_levels_deep() {
        let nested = |levels: usize| {
            format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)).into_bytes()
        };
        assert!(parse_body(&nested(127)).is_ok());
        for levels in [128, 100_000] {
            assert!(parse_body(&nested(levels)).is_err());
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

    #[test]
    fn a_rejection_is_a_serialization_or_a_validation_exception() {
        let violation = || crate::shape_check::Violation {
            path: "/a/b".to_owned(),
            message: "Value at '/a/b' is bad".to_owned(),
        };
        let field = json!([{"path": "/a/b", "message": "Value at '/a/b' is bad"}]);
        for (refused, code, message, fields) in [
            (
                Rejection::Malformed("no JSON".to_owned()),
                "SerializationException",
                "no JSON",
                None,
            ),
            (
                Rejection::WrongType(violation()),
                "SerializationException",
                "Value at '/a/b' is bad",
                None,
            ),
            (
                Rejection::Invalid(vec![violation()]),
                "ValidationException",
                "Invalid input",
                Some(&field),
            ),
        ] {
            let error = rejection(refused);
            assert_eq!((error.code, error.status.as_u16()), (code, 400));
            assert_eq!(error.message, message);
            assert_eq!(error.members.get("fieldList"), fields);
        }
    }
}
