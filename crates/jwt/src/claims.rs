//! The claims of a token: RFC 7519, section 4.

use std::time::Duration;

use base::Timestamp;
use serde_json::{Map, Value};

use crate::error::TokenError;

/// By how much an issuer's clock may be ahead.
const LEEWAY: Duration = Duration::from_secs(60);

/// Whether `iss` is one of `issuers`.
pub(crate) fn check_issuer(
    claims: &Map<String, Value>,
    issuers: &[&str],
) -> Result<(), TokenError> {
    let issuer = claims.get("iss").and_then(Value::as_str);
    match issuer.is_some_and(|issuer| issuers.contains(&issuer)) {
        true => Ok(()),
        false => Err(TokenError::Issuer),
    }
}

/// Checks `exp` and `nbf`, and gives `exp`.
pub(crate) fn check_times(
    claims: &Map<String, Value>,
    now: Timestamp,
) -> Result<Timestamp, TokenError> {
    let expires = claims.get("exp").and_then(numeric_date);
    let expires = expires.ok_or(TokenError::Malformed("it has no expiry time"))?;
    if now >= expires {
        return Err(TokenError::Expired);
    }
    if let Some(not_before) = claims.get("nbf") {
        let not_before =
            numeric_date(not_before).ok_or(TokenError::Malformed("its `nbf` is not a number"))?;
        if now.plus(LEEWAY) < not_before {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(expires)
}

/// Seconds since the epoch, with fractions if need be: RFC 7519, section 2. Times beyond those of
/// [`Timestamp`] are its last or first.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    let micros = match value.as_i64() {
        Some(seconds) => seconds.saturating_mul(1_000_000),
        // Such a conversion saturates.
        None => (value.as_f64()? * 1_000_000.0) as i64,
    };
    Some(Timestamp::from_unix_micros(micros))
}
