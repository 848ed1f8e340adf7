//! The service's exceptions, and the one place where they become wire errors.

use http::StatusCode;
use serde_json::{Value, json};
use store::StoreError;
use wire::error::WireError;
use wire::shape_check::Violation;

/// The `ResourceType` of a ResourceNotFoundException, ConflictException or
/// ServiceQuotaExceededException.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResourceType {
    /// `POLICY_STORE`
    PolicyStore,
    /// `POLICY`
    Policy,
    /// `POLICY_TEMPLATE`
    PolicyTemplate,
    /// `SCHEMA`
    Schema,
    /// `POLICY_STORE_ALIAS`
    PolicyStoreAlias,
    /// `IDENTITY_SOURCE`
    IdentitySource,
}

impl ResourceType {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PolicyStore => "POLICY_STORE",
            Self::Policy => "POLICY",
            Self::PolicyTemplate => "POLICY_TEMPLATE",
            Self::Schema => "SCHEMA",
            Self::PolicyStoreAlias => "POLICY_STORE_ALIAS",
            Self::IdentitySource => "IDENTITY_SOURCE",
        }
    }

    /// The words for it in a message.
    const fn noun(self) -> &'static str {
        match self {
            Self::PolicyStore => "policy store",
            Self::Policy => "policy",
            Self::PolicyTemplate => "policy template",
            Self::Schema => "schema",
            Self::PolicyStoreAlias => "policy store alias",
            Self::IdentitySource => "identity source",
        }
    }
}

/// The most problems of one request that are reported.
pub(crate) const MAX_FIELDS: usize = 100;

/// What an operation may fail with.
#[derive(Debug)]
pub enum Error {
    /// ValidationException. Field problems have the message `Invalid input` and their text in
    /// the field list; a few checks put the text into the message and list no field.
    Validation {
        /// The message.
        message: String,
        /// The fields, empty for a bare message.
        fields: Vec<Violation>,
    },
    /// ResourceNotFoundException.
    NotFound(ResourceType, String),
    /// ConflictException with the resources in conflict.
    Conflict {
        /// The message.
        message: String,
        /// Id and type of what stands in the way.
        resource: (String, ResourceType),
    },
    /// ServiceQuotaExceededException.
    QuotaExceeded {
        /// The message.
        message: String,
        /// What there would be too much of.
        kind: ResourceType,
        /// What it belongs to.
        resource_id: Option<String>,
        /// The quota's code where it is published.
        quota_code: Option<&'static str>,
    },
    /// InvalidStateException.
    InvalidState(&'static str),
    /// TooManyTagsException for this ARN.
    TooManyTags(String),
    /// AccessDeniedException.
    AccessDenied(String),
    /// The keys of an identity provider cannot be had: an InternalServerException, because the
    /// same request may succeed later.
    IdentityProvider,
    /// The store failed: the client gets a neutral InternalServerException.
    Store(StoreError),
}

impl Error {
    /// One field problem.
    pub(crate) fn field(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![Violation {
            path: path.into(),
            message: message.into(),
        }])
    }

    /// Several field problems.
    pub(crate) fn fields(fields: Vec<Violation>) -> Self {
        Self::Validation {
            message: "Invalid input".to_owned(),
            fields,
        }
    }

    /// A problem whose text stands in the message.
    pub(crate) fn bare(message: impl Into<String>) -> Self {
        Self::Validation {
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// A quota's limit is reached.
    pub(crate) fn quota(
        message: impl Into<String>,
        kind: ResourceType,
        resource_id: impl Into<Option<String>>,
    ) -> Self {
        let resource_id = resource_id.into();
        Self::QuotaExceeded {
            message: message.into(),
            kind,
            resource_id,
            quota_code: None,
        }
    }

    /// Names the published code of the quota.
    #[must_use]
    pub(crate) fn with_quota_code(mut self, code: &'static str) -> Self {
        if let Self::QuotaExceeded { quota_code, .. } = &mut self {
            *quota_code = Some(code);
        }
        self
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        let new = |code, status, message: String| Self::new(code, status, message);
        match error {
            Error::Validation { message, fields } if fields.is_empty() => {
                new("ValidationException", StatusCode::BAD_REQUEST, message)
            }
            Error::Validation { fields, .. } => Self::validation(fields),
            Error::NotFound(kind, id) => new(
                "ResourceNotFoundException",
                StatusCode::NOT_FOUND,
                format!("The {} `{id}` does not exist.", kind.noun()),
            )
            .with("resourceId", id)
            .with("resourceType", kind.as_str()),
            Error::Conflict {
                message,
                resource: (id, kind),
            } => {
                let resources = json!([{ "resourceId": id, "resourceType": kind.as_str() }]);
                new("ConflictException", StatusCode::CONFLICT, message).with("resources", resources)
            }
            Error::QuotaExceeded {
                message,
                kind,
                resource_id,
                quota_code,
            } => {
                // The service answers 402 on the wire, whatever the API reference prints.
                let mut error = new(
                    "ServiceQuotaExceededException",
                    StatusCode::PAYMENT_REQUIRED,
                    message,
                )
                .with("resourceType", kind.as_str())
                .with("serviceCode", "verifiedpermissions");
                if let Some(id) = resource_id {
                    error = error.with("resourceId", id);
                }
                if let Some(code) = quota_code {
                    error = error.with("quotaCode", code);
                }
                error
            }
            Error::InvalidState(message) => new(
                "InvalidStateException",
                StatusCode::NOT_ACCEPTABLE,
                message.to_owned(),
            ),
            Error::TooManyTags(arn) => new(
                "TooManyTagsException",
                StatusCode::BAD_REQUEST,
                "A resource can have at most 50 tags.".to_owned(),
            )
            .with("resourceName", Value::String(arn)),
            Error::AccessDenied(message) => {
                new("AccessDeniedException", StatusCode::FORBIDDEN, message)
            }
            Error::IdentityProvider => new(
                "InternalServerException",
                StatusCode::INTERNAL_SERVER_ERROR,
                "The keys of the identity provider cannot be fetched.".to_owned(),
            ),
            Error::Store(error) => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

/// Cedar's text with its causes, which its first line often leaves out.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
