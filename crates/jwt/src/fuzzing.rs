//! What holds for any bytes that come as a token or as a key set: the properties behind the fuzz
//! targets and their corpora.

use base::Timestamp;

use crate::algorithms::Algorithm;
use crate::claims::{check_issuer, check_times};
use crate::examples::{KEYS, TOKENS};
use crate::keys::KeySet;
use crate::token::Token;

/// Takes bytes as a token: only what was signed verifies.
///
/// # Panics
/// A property does not hold.
pub fn token(bytes: &[u8]) {
    let Some(text) = std::str::from_utf8(bytes).ok() else {
        return;
    };
    let Ok(token) = Token::parse(text) else {
        return;
    };
    assert_eq!(text.split('.').count(), 3);
    assert!(text.as_bytes().starts_with(token.message));
    let mentions_issuer = token.claims.get("iss").is_some_and(|iss| iss == "joe");
    assert_eq!(
        check_issuer(&token.claims, &["joe"]).is_ok(),
        mentions_issuer
    );
    let now = Timestamp::from_unix_micros(1_300_000_000_000_000);
    if let Ok(expires) = check_times(&token.claims, now) {
        assert!(expires > now);
    }
    let keys = KeySet::parse(KEYS.as_bytes());
    for (id, _, _) in TOKENS {
        let found = keys
            .as_ref()
            .map(|keys| keys.find(Some(id), token.algorithm));
        let Ok(Ok(key)) = found else {
            continue;
        };
        let verified = key.verify(token.algorithm, token.message, &token.signature);
        if verified.is_ok() {
            assert!(TOKENS.iter().any(|(_, _, known)| *known == text));
        }
    }
}

/// Takes bytes as a key set: its keys do no harm, and verify nothing that they did not sign.
///
/// # Panics
/// A property does not hold.
pub fn key_set(bytes: &[u8]) {
    let Ok(keys) = KeySet::parse(bytes) else {
        return;
    };
    assert_eq!(KeySet::parse(bytes).as_ref(), Ok(&keys));
    for name in ["RS256", "PS512", "ES256", "ES384", "EdDSA"] {
        let Some(algorithm) = Algorithm::named(name) else {
            continue;
        };
        for id in [None, Some("a")] {
            if let Ok(key) = keys.find(id, algorithm) {
                let signature = [0x5a; 256];
                let lengths = [0, 64, 96, 256];
                for length in lengths {
                    let (signature, _) = signature.split_at(length);
                    assert!(key.verify(algorithm, b"message", signature).is_err());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::examples::{KEYS, TOKENS};

    /// The inputs that the fuzzer has found worth keeping.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let files = root.join(target).read_dir().unwrap();
        let inputs = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        inputs.collect()
    }

    #[test]
    fn what_holds_for_any_bytes_holds_for_those_of_the_corpora() {
        let check = |target, check: fn(&[u8])| {
            let inputs = corpus(target);
            assert!(inputs.len() > 20, "{target} has {}", inputs.len());
            inputs.iter().for_each(|input| check(input));
        };
        check("token", super::token);
        check("key_set", super::key_set);
    }

    #[test]
    fn what_holds_for_any_bytes_holds_for_changed_examples() {
        for (_, _, token) in TOKENS {
            for at in 0..token.len() {
                for byte in [b'A', b'.', b'_', b'"', 0] {
                    let mut changed = token.as_bytes().to_vec();
                    changed[at] = byte;
                    super::token(&changed);
                }
                super::token(&token.as_bytes()[at..]);
            }
        }
        for at in (0..KEYS.len()).step_by(7) {
            for byte in [b'A', b'{', b'"', b'0', 0xff] {
                let mut changed = KEYS.as_bytes().to_vec();
                changed[at] = byte;
                super::key_set(&changed);
            }
        }
    }
}
