use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;
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
        let expected = hex(&hmac(&*self.0, string_to_sign));
        expected.ct_eq(signature.as_bytes()).into()
    }
}

/// The 64 lower-case digits of a hash.
pub(super) fn hex(hash: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    // The lengths fit.
    let _ = hex::encode_to_slice(hash, &mut digits);
    digits
}

/// The most signing keys that a secret keeps: clients of a few Regions and services around
/// midnight.
const KEPT: usize = 8;

/// A secret access key with the signing keys that it was last asked for. It has no `Debug`; all of it
/// is wiped when it is dropped.
pub struct SecretAccessKey {
    secret: Secret,
    derived: ArcSwap<Vec<Arc<Derived>>>,
}

/// A signing key and its credential scope.
pub(super) struct Derived {
    date: String,
    region: String,
    service: String,
    pub(super) key: SigningKey,
}

impl SecretAccessKey {
    /// The signing key of a credential scope: a kept one, or a new one.
    pub(super) fn signing_key(&self, date: &str, region: &str, service: &str) -> Arc<Derived> {
        let derived = self.derived.load();
        let known = derived
            .iter()
            .find(|known| known.region == region && known.date == date && known.service == service);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        Arc::new(Derived {
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            key: signing_key(self.secret.expose(), date, region, service),
        })
    }

    /// Keeps a signing key that a good signature was made with: those of others' inventions would
    /// only push it out.
    pub(super) fn keep(&self, good: &Arc<Derived>) {
        let derived = self.derived.load();
        if derived.iter().any(|known| Arc::ptr_eq(known, good)) {
            return;
        }
        let others = derived.iter().take(KEPT - 1);
        let all = [good].into_iter().chain(others).map(Arc::clone).collect();
        self.derived.store(Arc::new(all));
    }
}

impl From<Secret> for SecretAccessKey {
    fn from(secret: Secret) -> Self {
        Self {
            secret,
            derived: ArcSwap::default(),
        }
    }
}

impl Deref for SecretAccessKey {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.secret
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

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The example of the AWS General Reference, "Examples of how to derive a signing key".
    #[test]
    fn the_derived_key_is_the_one_that_aws_publishes() {
        let key = signing_key(SECRET, "20150830", "us-east-1", "iam");
        assert_eq!(
            hex::encode(*key.0),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
    }

    #[test]
    fn a_secret_keeps_its_last_signing_keys_apart_and_no_more_of_them() {
        let secret = SecretAccessKey::from(Secret::new(SECRET.to_owned()));
        let scopes = [
            ("20150830", "us-east-1", "iam"),
            ("20150831", "us-east-1", "iam"),
            ("20150830", "us-east-2", "iam"),
            ("20150830", "us-east-1", "sts"),
        ];
        for _ in 0..2 {
            for (date, region, service) in scopes {
                let kept = secret.signing_key(date, region, service);
                secret.keep(&kept);
                let derived = signing_key(SECRET, date, region, service);
                assert_eq!(kept.key.0, derived.0, "{date} {region} {service}");
            }
        }
        let first = secret.signing_key("20150830", "us-east-1", "iam");
        let again = secret.signing_key("20150830", "us-east-1", "iam");
        assert!(Arc::ptr_eq(&first, &again));
        for day in 0..2 * KEPT {
            secret.keep(&secret.signing_key(&day.to_string(), "us-east-1", "iam"));
        }
        assert_eq!(secret.derived.load().len(), KEPT);
        secret.signing_key("invented", "us-east-1", "iam");
        let kept = secret.derived.load();
        assert!(kept.iter().all(|kept| kept.date != "invented"));
    }
}
