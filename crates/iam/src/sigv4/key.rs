use base::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What one access key signs with on one day, in one Region, for one service. It has no `Debug`,
/// and its memory is wiped when it is dropped.
pub struct SigningKey(Zeroizing<[u8; 32]>);

/// Derives a signing key: a chain of HMAC-SHA256 over the parts of the credential scope.
///
/// `date` is `YYYYMMDD`. The key depends on the arguments only, so a cache may stand in front.
/// Source: AWS IAM User Guide, "Create a signed AWS API request", step "Derive a signing key".
pub fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> SigningKey {
    let secret = Secret::new(["AWS4", secret].concat());
    let key = hmac(secret.expose().as_bytes(), &[date.as_bytes()]);
    let key = hmac(&*key, &[region.as_bytes()]);
    let key = hmac(&*key, &[service.as_bytes()]);
    SigningKey(hmac(&*key, &[b"aws4_request"]))
}

impl SigningKey {
    /// Whether `signature` is the lower-case hex signature of the string to sign, given in pieces.
    /// Takes the same time for every wrong signature of the right length.
    pub(super) fn signed(&self, string_to_sign: &[&[u8]], signature: &str) -> bool {
        let expected = hex::encode(*hmac(&*self.0, string_to_sign));
        expected.as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

fn hmac(key: &[u8], pieces: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of every length: RFC 2104, section 2"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("every key length is valid");
    for piece in pieces {
        mac.update(piece);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the AWS General Reference, "Examples of how to derive a signing key".
    #[test]
    fn the_derived_key_is_the_one_that_aws_publishes() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let key = signing_key(secret, "20150830", "us-east-1", "iam");
        assert_eq!(
            hex::encode(*key.0),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }
}
