use std::borrow::Cow;

use http::StatusCode;

/// Why a request was not authenticated. `Display` is the message for the client, in the words of
/// AWS's JSON services; it never contains a secret, a signature or a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuthError {
    /// The request carries no authentication.
    #[error("Missing Authentication Token")]
    MissingAuthenticationToken,
    /// The authentication has missing or unreadable parts.
    #[error("{0}")]
    IncompleteSignature(Cow<'static, str>),
    /// The access key is unknown, or the security token is not the one of the key.
    #[error("The security token included in the request is invalid.")]
    UnrecognizedClient,
    /// The temporary credential has ended.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The signature is made for another time, Region or service, or leaves out the host.
    #[error("{0}")]
    InvalidSignature(Cow<'static, str>),
    /// The signature is not the one of this request and this key.
    #[error(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method. \
         Consult the service documentation for details."
    )]
    SignatureDoesNotMatch,
}

impl AuthError {
    /// The error code, as the SDKs read it from `__type`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature(_) => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::InvalidSignature(_) | Self::SignatureDoesNotMatch => "InvalidSignatureException",
        }
    }

    /// The HTTP status: 403 for all of them.
    pub fn status(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    pub(super) fn incomplete(message: impl Into<Cow<'static, str>>) -> Self {
        Self::IncompleteSignature(message.into())
    }

    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidSignature(message.into())
    }
}
