use http::StatusCode;
use wire::error::WireError;

/// What an operation may fail with.
#[derive(Debug)]
pub enum Error {
    /// `AccessDenied`
    AccessDenied(String),
    /// `MalformedPolicyDocument`: a session policy is none.
    MalformedPolicyDocument(String),
    /// `PackedPolicyTooLarge`: session policies and tags do not fit into a token.
    PackedPolicyTooLarge(String),
    /// `InvalidParameterValue`: session tags that cannot be.
    InvalidParameterValue(String),
    /// `ValidationError`: a parameter has a value that cannot be.
    Validation(String),
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        let bad = StatusCode::BAD_REQUEST;
        match error {
            Error::AccessDenied(message) => {
                Self::new("AccessDeniedException", StatusCode::FORBIDDEN, message)
            }
            Error::MalformedPolicyDocument(message) => {
                Self::new("MalformedPolicyDocument", bad, message)
            }
            Error::PackedPolicyTooLarge(message) => Self::new("PackedPolicyTooLarge", bad, message),
            Error::InvalidParameterValue(message) => {
                Self::new("InvalidParameterValue", bad, message)
            }
            Error::Validation(message) => Self::new("ValidationError", bad, message),
        }
    }
}
