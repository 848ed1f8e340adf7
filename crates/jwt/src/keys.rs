//! A provider's public keys, ready to verify with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, OctetKeyPairParameters, PublicKeyUse,
    RSAKeyParameters,
};
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use crate::algorithms::{Algorithm, Curve, Scheme};
use crate::error::{Reason, TokenError};
use crate::json;

/// Keys that are looked at in a set. The largest providers have some ten.
const MOST_KEYS: usize = 256;

/// The keys of a provider that can verify signatures. Two sets are equal when their contents are.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Key {
    id: Option<String>,
    /// The only algorithm that the provider uses it with, where it says so.
    algorithm: Option<&'static str>,
    material: Material,
}

#[derive(PartialEq, Eq, Debug)]
enum Material {
    /// Big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Point {
        curve: Curve,
        bytes: Vec<u8>,
    },
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK Set. Keys of other kinds or for other uses are left out, as RFC 7517, section 5
    /// has it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        let document: Document = json::document(bytes).map_err(|_| Reason::Form)?;
        if document.keys.len() > MOST_KEYS {
            return Err(Reason::TooLarge);
        }
        let read = |value| Jwk::deserialize(value).ok().as_ref().and_then(Key::read);
        let keys = document.keys.into_iter().filter_map(read).collect();
        Ok(Self { keys })
    }

    /// Whether there is no key that can verify anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key for a token of `algorithm`: the one named `id`, or without a name the only one that
    /// fits.
    pub(crate) fn find(
        &self,
        id: Option<&str>,
        algorithm: &'static Algorithm,
    ) -> Result<&Key, TokenError> {
        let fits = |key: &&Key| key.fits(algorithm);
        let Some(id) = id else {
            let mut fitting = self.keys.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                _ => Err(TokenError::UnknownKey),
            };
        };
        let mut named = self.keys.iter().filter(|key| key.id.as_deref() == Some(id));
        match (named.clone().find(fits), named.next()) {
            (Some(key), _) => Ok(key),
            (None, Some(_)) => Err(TokenError::Algorithm),
            (None, None) => Err(TokenError::UnknownKey),
        }
    }
}

impl Key {
    fn read(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let for_signatures = match &common.public_key_use {
            None => true,
            Some(usage) => *usage == PublicKeyUse::Signature,
        };
        let verifies = match &common.key_operations {
            None => true,
            Some(operations) => operations.contains(&KeyOperations::Verify),
        };
        if !for_signatures || !verifies {
            return None;
        }
        let algorithm = match common.key_algorithm {
            None => None,
            Some(algorithm) => Some(Algorithm::named(&algorithm.to_string())?.name),
        };
        Some(Self {
            id: common.key_id.clone(),
            algorithm,
            material: Material::read(&jwk.algorithm)?,
        })
    }

    fn fits(&self, algorithm: &Algorithm) -> bool {
        let kind = match (&algorithm.scheme, &self.material) {
            (Scheme::Rsa(_), Material::Rsa { .. }) => true,
            (Scheme::Point(wanted, _), Material::Point { curve, .. }) => wanted == curve,
            (Scheme::Rsa(_), Material::Point { .. })
            | (Scheme::Point(..), Material::Rsa { .. }) => false,
        };
        kind && self.algorithm.is_none_or(|only| only == algorithm.name)
    }

    /// Verifies a signature. A key that does not fit `algorithm` verifies nothing.
    pub(crate) fn verify(
        &self,
        algorithm: &Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        if !self.fits(algorithm) {
            return Err(TokenError::Algorithm);
        }
        let verified = match (&algorithm.scheme, &self.material) {
            (Scheme::Rsa(parameters), Material::Rsa { modulus, exponent }) => {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, message, signature)
            }
            (Scheme::Point(_, algorithm), Material::Point { bytes, .. }) => {
                UnparsedPublicKey::new(*algorithm, bytes).verify(message, signature)
            }
            (Scheme::Rsa(_), Material::Point { .. })
            | (Scheme::Point(..), Material::Rsa { .. }) => Err(ring::error::Unspecified),
        };
        verified.map_err(|ring::error::Unspecified| TokenError::Signature)
    }
}

impl Material {
    fn read(parameters: &AlgorithmParameters) -> Option<Self> {
        match parameters {
            AlgorithmParameters::RSA(RSAKeyParameters { n, e, .. }) => {
                let (modulus, exponent) = (number(n)?, number(e)?);
                let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
                (2_048..=8_192)
                    .contains(&bits)
                    .then_some(Self::Rsa { modulus, exponent })
            }
            AlgorithmParameters::EllipticCurve(point) => {
                let (curve, length) = match point.curve {
                    EllipticCurve::P256 => (Curve::P256, 32),
                    EllipticCurve::P384 => (Curve::P384, 48),
                    EllipticCurve::P521 | EllipticCurve::Ed25519 | _ => return None,
                };
                // Uncompressed: SEC 1, section 2.3.3.
                let mut bytes = vec![4];
                bytes.extend(decode(&point.x, length)?);
                bytes.extend(decode(&point.y, length)?);
                Some(Self::Point { curve, bytes })
            }
            AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters { curve, x, .. }) => {
                (*curve == EllipticCurve::Ed25519).then_some(Self::Point {
                    curve: Curve::Ed25519,
                    bytes: decode(x, 32)?,
                })
            }
            AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_) | _ => None,
        }
    }
}

/// Some providers put the sign's zero byte before a modulus, which ring does not take.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let number: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    (!number.is_empty()).then_some(number)
}

/// Coordinates have the length of the curve's field, zeros included: RFC 7518, section 6.2.1.2.
fn decode(text: &str, length: usize) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests;
