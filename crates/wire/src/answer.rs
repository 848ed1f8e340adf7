//! What the answers of all protocols have in common.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::WireError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// `body` as an answer.
pub(crate) fn answer(
    request_id: &str,
    status: StatusCode,
    content_type: HeaderValue,
    body: Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    response
}

/// `error` as a JSON answer. The code stands in `x-amzn-errortype`, where SDKs look for it in
/// REST-JSON, and in the body as `__type`, where they look for it in AWS JSON.
pub(crate) fn json_failure(
    request_id: &str,
    content_type: HeaderValue,
    error: &WireError,
) -> Response<Bytes> {
    let envelope = Envelope {
        code: error.code,
        message: &error.message,
        members: &error.members,
    };
    // A struct of texts and JSON values always serializes.
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    let mut response = answer(request_id, error.status, content_type, body.into());
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
