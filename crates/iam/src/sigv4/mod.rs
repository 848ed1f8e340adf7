//! Signature Version 4 of HTTP requests, in the `Authorization` header or presigned in the query.
//!
//! The request is read once and nothing of it is stored. Checks run in the order of AWS's JSON
//! services, so that a client sees the same error for the same fault: presence, time, host,
//! algorithm, credential scope, access key, signature.
//!
//! What AWS requires to be signed is the host. Here `x-amz-target` must be signed as well where it
//! is sent, since it names the operation: else whoever captures a request could turn it into
//! another. All official signers sign it. Other headers that a signer leaves out may be changed on
//! the way, as with AWS.

mod canonical;
mod claim;
mod date;
mod error;
mod key;
mod query;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use base::{Region, Secret, Timestamp};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::{Caller, Credential, Keys};
use canonical::SignedHeaders;
use claim::{Claim, Scope};
use query::Query;

pub use error::AuthError;
pub use key::{SecretAccessKey, SigningKey, signing_key};

/// The header that names the operation of the AWS JSON protocols.
const TARGET: &str = "x-amz-target";

/// What an unknown access key is verified against, for the time it takes.
static NOBODYS: LazyLock<SecretAccessKey> = LazyLock::new(|| Secret::new("0".repeat(40)).into());

/// The parts of an HTTP request that a signature covers.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path as it was received, percent-encoded.
    pub path: &'a str,
    /// The query as it was received, without the `?`.
    pub query: &'a str,
    /// The headers. `host` must be among them: over HTTP/2 the caller adds it from `:authority`.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// The credential scope that a request must be signed for.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The Regions that are served; `None` when every well-formed one is.
    pub regions: Option<&'a [Region]>,
    /// The signing name of the service, for instance `verifiedpermissions`.
    pub service: &'a str,
}

/// Who signed a request, and for which Region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// Who.
    pub caller: Caller,
    /// The Region of the credential scope.
    pub region: Region,
}

/// Finds out who signed the request.
///
/// The time of the request must be within five minutes of `now`; a presigned request stays valid
/// for its `X-Amz-Expires` seconds. The body must be the signed one, unless the request declares
/// `x-amz-content-sha256: UNSIGNED-PAYLOAD`.
///
/// # Errors
///
/// Every [`AuthError`]. An unknown access key and a wrong security token give the same error, and
/// take the time of a full verification.
pub fn verify(
    parts: &RequestParts<'_>,
    keys: &dyn Keys,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Signed, AuthError> {
    let query = Query::parse(parts.query);
    let claim = Claim::read(parts.headers, &query)?;
    claim.check_time(now)?;
    let signed_headers = SignedHeaders::parse(&claim.signed_headers)?;
    if !signed_headers.include_host() {
        return Err(AuthError::invalid(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    if parts.headers.contains_key(TARGET) && !signed_headers.include(TARGET) {
        return Err(AuthError::invalid(
            "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    let scope = claim.scope()?;
    let region = scope.check(expected, &claim.time)?;

    let found = keys.find(scope.access_key_id, claim.token.as_deref());
    let signed = is_signed(
        parts,
        &query,
        &claim,
        &signed_headers,
        &scope,
        found.as_deref(),
    );
    let credential = found
        .filter(|credential| credential.accepts_token(claim.token.as_deref()))
        .ok_or(AuthError::UnrecognizedClient)?;
    if !signed {
        return Err(AuthError::SignatureDoesNotMatch);
    }
    if credential.expired(now) {
        return Err(AuthError::ExpiredToken);
    }
    let caller = Caller {
        access_key_id: Arc::clone(&credential.access_key_id),
        principal: Arc::clone(&credential.principal),
    };
    Ok(Signed { caller, region })
}

fn is_signed(
    parts: &RequestParts<'_>,
    query: &Query<'_>,
    claim: &Claim<'_>,
    signed_headers: &SignedHeaders<'_>,
    scope: &Scope<'_>,
    credential: Option<&Credential>,
) -> bool {
    let secret = credential.map_or(&*NOBODYS, |credential| &credential.secret);
    let signing = secret.signing_key(scope.date, scope.region, scope.service);
    let Some(payload) = payload(parts, query, claim.presigned) else {
        return false;
    };
    let signs = |unsigned: &[&str]| {
        let hash = canonical::request_hash(parts, query, unsigned, signed_headers, &payload);
        let (
            Scope {
                date,
                region,
                service,
                ..
            },
            time,
        ) = (scope, &claim.time.basic);
        let head = format!("AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{service}/aws4_request\n");
        signing
            .key
            .signed(&[head.as_bytes(), &key::hex(&hash)], &claim.signature)
    };
    let signed = if claim.presigned {
        // Some signers add the token to the query only after signing.
        signs(&["X-Amz-Signature"])
            || (query.get("X-Amz-Security-Token").is_some()
                && signs(&["X-Amz-Signature", "X-Amz-Security-Token"]))
    } else {
        signs(&[])
    };
    if signed || credential.is_none() {
        secret.keep(&signing);
    }
    signed
}

/// The last line of the canonical request; `None` when the request declares another hash than its
/// body has.
fn payload(
    parts: &RequestParts<'_>,
    query: &Query<'_>,
    presigned: bool,
) -> Option<Cow<'static, [u8]>> {
    const UNSIGNED: &[u8] = b"UNSIGNED-PAYLOAD";
    let in_query = if presigned {
        query.get("X-Amz-Content-Sha256")
    } else {
        None
    };
    let declared = parts
        .headers
        .get("x-amz-content-sha256")
        .map(http::HeaderValue::as_bytes);
    let declared = declared.or(in_query.as_deref().map(str::as_bytes));
    if declared == Some(UNSIGNED) {
        return Some(UNSIGNED.into());
    }
    let hash = key::hex(&Sha256::digest(parts.body).into());
    declared
        .is_none_or(|declared| declared == hash)
        .then(|| hash.to_vec().into())
}
