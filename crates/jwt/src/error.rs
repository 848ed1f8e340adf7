//! What can be wrong with a token, and with the provider that should have the keys.

use std::fmt;

/// Why a token is not accepted. The text never has any part of the token in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// It is not a JSON Web Token in compact form, or lacks what every one must have.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `iss` is none of the issuers that were asked for.
    #[error("the token was issued by another issuer")]
    Issuer,
    /// `alg` is not one of the allowed, or does not fit the key that `kid` names.
    #[error("the token's signature algorithm is not accepted")]
    Algorithm,
    /// The issuer has no key of that `kid`; or there is no `kid` and not exactly one key that fits.
    #[error("the issuer has no key of that key id")]
    UnknownKey,
    /// The signature was not made with that key over these bytes.
    #[error("the token's signature is invalid")]
    Signature,
    /// `exp` is not in the future.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The issuer's keys are not to be had.
    #[error(transparent)]
    Keys(#[from] FetchError),
}

/// Why something could not be fetched from a provider.
///
/// Names nothing that the caller did not give: neither addresses that a name resolved to nor where
/// a redirect led.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read {document}: {reason}")]
pub struct FetchError {
    /// What was being fetched.
    pub document: Document,
    /// What went wrong.
    pub reason: Reason,
}

/// What is fetched from a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Document {
    /// OpenID Connect Discovery 1.0, section 3.
    Discovery,
    /// A JWK Set: RFC 7517, section 5.
    Keys,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "the issuer's discovery document",
            Self::Keys => "the issuer's key set",
        })
    }
}

/// What goes wrong with a fetch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// No absolute `https` URL.
    #[error("its URL is not an https URL")]
    Url,
    /// `http` to elsewhere than an allowed loopback address.
    #[error("its URL is plain http, which is for allowed loopback addresses only")]
    Plain,
    /// Only addresses that must not be contacted.
    #[error("its host has no public address and is in none of the allowed networks")]
    NotAllowed,
    /// The name does not resolve.
    #[error("its host name does not resolve")]
    Name,
    /// Nobody there, or the connection broke.
    #[error("the connection failed")]
    Connection,
    /// TLS was refused or failed for another reason than below.
    #[error("TLS failed")]
    Tls,
    /// No path from the certificate to a trusted root.
    #[error("its certificate is not from a trusted authority")]
    UnknownAuthority,
    /// The certificate is for another name, expired, or otherwise bad.
    #[error("its certificate is not valid for it")]
    Certificate,
    /// Longer than a fetch may take.
    #[error("it did not answer in time")]
    Timeout,
    /// Too many fetches are under way.
    #[error("too many providers are being contacted")]
    Busy,
    /// More redirects than are followed.
    #[error("it redirects too often")]
    Redirects,
    /// A redirect to what is no URL.
    #[error("it redirects to nowhere")]
    Redirect,
    /// Another status than 200.
    #[error("it answered with HTTP status {0}")]
    Status(u16),
    /// No well-formed HTTP.
    #[error("it did not answer in HTTP")]
    Http,
    /// A compressed body, though none was asked for.
    #[error("its answer is compressed")]
    Encoding,
    /// More bytes than the document may have.
    #[error("it is too large")]
    TooLarge,
    /// No JSON, or not with the members that the document must have.
    #[error("it is not of the form that it must have")]
    Form,
    /// The discovery document's `issuer` is not the URL it was found by.
    #[error("it names another issuer")]
    Issuer,
    /// The fetch ended without a result.
    #[error("the fetch was abandoned")]
    Abandoned,
}

impl Reason {
    /// The error of fetching `document` for this reason.
    pub(crate) const fn of(self, document: Document) -> FetchError {
        FetchError {
            document,
            reason: self,
        }
    }
}
