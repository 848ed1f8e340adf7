//! The service's exceptions, and the one place where they become wire errors.

use http::StatusCode;
use resources::page::InvalidToken;
use serde_json::json;
use store::StoreError;
use wire::error::WireError;

/// The `resourceType` of a ResourceNotFoundException, ConflictException or
/// ServiceQuotaExceededException.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResourceType {
    /// `cluster`
    Cluster,
    /// `stream`
    Stream,
    /// `clusterPolicy`
    ClusterPolicy,
}

impl ResourceType {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Stream => "stream",
            Self::ClusterPolicy => "clusterPolicy",
        }
    }

    /// Says that there is none.
    fn missing(self, id: &str) -> String {
        match self {
            Self::Cluster => format!("The cluster `{id}` does not exist."),
            Self::Stream => format!("The stream `{id}` does not exist."),
            Self::ClusterPolicy => format!("The cluster `{id}` has no policy."),
        }
    }
}

/// The `reason` of a ValidationException.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// `cannotParse`
    CannotParse,
    /// `fieldValidationFailed`
    FieldValidationFailed,
    /// `deletionProtectionEnabled`
    DeletionProtectionEnabled,
    /// `other`
    Other,
}

impl Reason {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CannotParse => "cannotParse",
            Self::FieldValidationFailed => "fieldValidationFailed",
            Self::DeletionProtectionEnabled => "deletionProtectionEnabled",
            Self::Other => "other",
        }
    }
}

/// What an operation may fail with.
#[derive(Debug)]
pub enum Error {
    /// ValidationException.
    Validation {
        /// Why.
        reason: Reason,
        /// The message.
        message: String,
        /// The member of the input that is wrong, its parts joined by dots.
        field: Option<&'static str>,
    },
    /// ResourceNotFoundException. The id of a missing policy is its cluster's.
    NotFound(ResourceType, String),
    /// ConflictException.
    Conflict {
        /// The message.
        message: String,
        /// Type and id of what stands in the way.
        resource: (ResourceType, String),
    },
    /// ServiceQuotaExceededException.
    QuotaExceeded {
        /// The message.
        message: String,
        /// What there would be too much of, or what would have too much.
        resource: (ResourceType, String),
        /// The quota's code.
        quota_code: &'static str,
    },
    /// AccessDeniedException.
    AccessDenied(String),
    /// The store failed: the client gets a neutral InternalServerException.
    Store(StoreError),
}

impl Error {
    /// A member of the input that breaks a rule.
    pub(crate) fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Validation {
            reason: Reason::FieldValidationFailed,
            message: message.into(),
            field: Some(field),
        }
    }

    /// A ValidationException that is no single member's fault.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Validation {
            reason: Reason::Other,
            message: message.into(),
            field: None,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<InvalidToken> for Error {
    fn from(InvalidToken: InvalidToken) -> Self {
        Self::field("nextToken", "Invalid token.")
    }
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        let about = |error: Self, (kind, id): (ResourceType, String)| {
            let error = error.with("resourceId", id);
            error.with("resourceType", kind.as_str())
        };
        match error {
            Error::Validation {
                reason,
                message,
                field,
            } => validation(reason, message, field),
            Error::NotFound(kind, id) => {
                let code = "ResourceNotFoundException";
                let message = kind.missing(&id);
                about(Self::new(code, StatusCode::NOT_FOUND, message), (kind, id))
            }
            Error::Conflict { message, resource } => {
                let code = "ConflictException";
                about(Self::new(code, StatusCode::CONFLICT, message), resource)
            }
            Error::QuotaExceeded {
                message,
                resource,
                quota_code,
            } => {
                let code = "ServiceQuotaExceededException";
                let error = Self::new(code, StatusCode::PAYMENT_REQUIRED, message);
                about(error, resource)
                    .with("serviceCode", "dsql")
                    .with("quotaCode", quota_code)
            }
            Error::AccessDenied(message) => {
                Self::new("AccessDeniedException", StatusCode::FORBIDDEN, message)
            }
            Error::Store(error) => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

fn validation(reason: Reason, message: String, field: Option<&'static str>) -> WireError {
    let fields = field.map(|name| json!([{ "name": name, "message": message }]));
    let code = "ValidationException";
    let error = WireError::new(code, StatusCode::BAD_REQUEST, message);
    let error = error.with("reason", reason.as_str());
    match fields {
        Some(fields) => error.with("fieldList", fields),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(error: Error) -> (&'static str, u16, Value) {
        let error = WireError::from(error);
        (
            error.code,
            error.status.as_u16(),
            Value::Object(error.members),
        )
    }

    #[test]
    fn every_error_has_the_members_of_its_exception() {
        let id = || "abc".to_owned();
        let resource = |kind| (kind, id());
        for (error, code, status, members) in [
            (
                Error::field("tags", "bad"),
                "ValidationException",
                400,
                json!({
                    "reason": "fieldValidationFailed",
                    "fieldList": [{ "name": "tags", "message": "bad" }],
                }),
            ),
            (
                Error::invalid("bad"),
                "ValidationException",
                400,
                json!({ "reason": "other" }),
            ),
            (
                InvalidToken.into(),
                "ValidationException",
                400,
                json!({
                    "reason": "fieldValidationFailed",
                    "fieldList": [{ "name": "nextToken", "message": "Invalid token." }],
                }),
            ),
            (
                Error::NotFound(ResourceType::ClusterPolicy, id()),
                "ResourceNotFoundException",
                404,
                json!({ "resourceId": "abc", "resourceType": "clusterPolicy" }),
            ),
            (
                Error::Conflict {
                    message: "no".to_owned(),
                    resource: resource(ResourceType::Cluster),
                },
                "ConflictException",
                409,
                json!({ "resourceId": "abc", "resourceType": "cluster" }),
            ),
            (
                Error::QuotaExceeded {
                    message: "no".to_owned(),
                    resource: resource(ResourceType::Stream),
                    quota_code: "Streams",
                },
                "ServiceQuotaExceededException",
                402,
                json!({
                    "resourceId": "abc", "resourceType": "stream",
                    "serviceCode": "dsql", "quotaCode": "Streams",
                }),
            ),
            (
                Error::AccessDenied("no".to_owned()),
                "AccessDeniedException",
                403,
                json!({}),
            ),
            (
                Error::Store(StoreError::Closed),
                "InternalServerException",
                500,
                json!({}),
            ),
        ] {
            assert_eq!(told(error), (code, status, members));
        }
    }
}
