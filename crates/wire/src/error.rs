//! Errors as clients see them.

use std::fmt;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::aws_json;
use crate::shape_check::{Rejection, Violation};

/// An error that is told to the client: `code` and `message`, and the exception's other members.
///
/// Everything in it is for the client's eyes, so no text of a store or driver goes in.
#[derive(Clone, PartialEq)]
pub struct WireError {
    /// The exception's name, for instance `ValidationException`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// The member `message`.
    pub message: String,
    /// The exception's members other than `message`.
    pub members: Map<String, Value>,
}

impl WireError {
    /// An error without members other than its message.
    pub fn new(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            message: message.into(),
            members: Map::new(),
        }
    }

    /// This error with one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// 400 `SerializationException`: the body is no JSON object, or a member has the wrong type.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", StatusCode::BAD_REQUEST, message)
    }

    /// 400 `ValidationException` whose `fieldList` names each violation's path and message.
    pub fn validation(violations: Vec<Violation>) -> Self {
        let field = |v: Violation| json!({ "path": v.path, "message": v.message });
        let fields: Vec<Value> = violations.into_iter().map(field).collect();
        Self::new(
            "ValidationException",
            StatusCode::BAD_REQUEST,
            "Invalid input",
        )
        .with("fieldList", fields)
    }

    /// 404 `UnknownOperationException`.
    pub fn unknown_operation() -> Self {
        let message = "The request names no operation of this service";
        Self::new("UnknownOperationException", StatusCode::NOT_FOUND, message)
    }

    /// 408 `RequestTimeoutException`: the body did not arrive in time. SDKs retry it.
    pub fn request_timeout() -> Self {
        let message = "The request did not arrive in time";
        Self::new(
            "RequestTimeoutException",
            StatusCode::REQUEST_TIMEOUT,
            message,
        )
    }

    /// 413 `RequestEntityTooLargeException`: the body is larger than the server takes.
    pub fn too_large() -> Self {
        let message = "The request body is too large";
        Self::new(
            "RequestEntityTooLargeException",
            StatusCode::PAYLOAD_TOO_LARGE,
            message,
        )
    }

    /// 500 `InternalServerException`, which tells nothing about the cause. SDKs retry it.
    pub fn internal() -> Self {
        let message = "The service met an internal error";
        Self::new(
            "InternalServerException",
            StatusCode::INTERNAL_SERVER_ERROR,
            message,
        )
    }

    /// 503 `ServiceUnavailableException`. SDKs retry it.
    pub fn service_unavailable() -> Self {
        let message = "The service cannot take the request at the moment";
        Self::new(
            "ServiceUnavailableException",
            StatusCode::SERVICE_UNAVAILABLE,
            message,
        )
    }
}

/// As the AWS JSON services tell it: see [`aws_json::rejection`].
impl From<Rejection> for WireError {
    fn from(rejection: Rejection) -> Self {
        aws_json::rejection(rejection)
    }
}

/// Code and status only: messages and members may quote what the client sent.
impl fmt::Debug for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireError({} {})", self.status.as_u16(), self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validation_error_lists_its_fields() {
        let violation = |path: &str| Violation {
            path: path.to_owned(),
            message: "bad".to_owned(),
        };
        let error = WireError::validation(vec![violation("/a"), violation("/b")]);
        assert_eq!(
            (error.code, error.status.as_u16()),
            ("ValidationException", 400)
        );
        assert_eq!(error.message, "Invalid input");
        let fields = json!([{"path": "/a", "message": "bad"}, {"path": "/b", "message": "bad"}]);
        assert_eq!(error.members.get("fieldList"), Some(&fields));
    }

    #[test]
    fn common_errors_have_their_code_and_status() {
        for (error, code, status) in [
            (WireError::serialization("x"), "SerializationException", 400),
            (
                WireError::unknown_operation(),
                "UnknownOperationException",
                404,
            ),
            (WireError::request_timeout(), "RequestTimeoutException", 408),
            (
                WireError::too_large(),
                "RequestEntityTooLargeException",
                413,
            ),
            (WireError::internal(), "InternalServerException", 500),
            (
                WireError::service_unavailable(),
                "ServiceUnavailableException",
                503,
            ),
        ] {
            assert_eq!((error.code, error.status.as_u16()), (code, status));
        }
    }

    #[test]
    fn debug_tells_neither_message_nor_members() {
        let error = WireError::serialization("secret").with("other", "secret");
        assert_eq!(
            format!("{error:?}"),
            "WireError(400 SerializationException)"
        );
    }
}
