//! A token in compact form: RFC 7515, section 7.1.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::algorithms::Algorithm;
use crate::error::TokenError;
use crate::json;

/// Characters of a token.
const LONGEST: usize = 131_072;

/// What a token says. Nothing of it is verified.
pub(crate) struct Token<'a> {
    pub(crate) algorithm: &'static Algorithm,
    pub(crate) key_id: Option<String>,
    pub(crate) claims: Map<String, Value>,
    /// What is signed.
    pub(crate) message: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed("it is too long"));
        }
        let three = TokenError::Malformed("it does not consist of three parts");
        let (message, signature) = token.rsplit_once('.').ok_or(three)?;
        let (header, payload) = message.split_once('.').ok_or(three)?;
        if payload.contains('.') {
            return Err(three);
        }
        // A key or a place for one that a header brings along (`jwk`, `jku`, `x5c`, `x5u`) does not
        // matter: the issuer's are the only ones.
        let header = object(header, "its header is not a JSON object")?;
        if header.contains_key("crit") {
            return Err(TokenError::Malformed("its header has critical extensions"));
        }
        let Some(algorithm) = header.get("alg").and_then(Value::as_str) else {
            return Err(TokenError::Malformed("its header names no algorithm"));
        };
        let algorithm = Algorithm::named(algorithm).ok_or(TokenError::Algorithm)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(TokenError::Malformed("its key id is not a string")),
        };
        let claims = object(payload, "its payload is not a JSON object")?;
        Ok(Self {
            algorithm,
            key_id,
            claims,
            message: message.as_bytes(),
            signature: decode(signature)?,
        })
    }
}

fn object(part: &str, otherwise: &'static str) -> Result<Map<String, Value>, TokenError> {
    json::object(&decode(part)?).map_err(|_| TokenError::Malformed(otherwise))
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed("a part is not base64url"))
}
