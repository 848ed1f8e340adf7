//! The examples of the RFCs.

use super::*;
use crate::examples::{KEYS, TOKENS};

#[test]
fn known_answers() {
    let keys = KeySet::parse(KEYS.as_bytes()).unwrap();
    for (id, name, token) in TOKENS {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let algorithm = Algorithm::named(name).unwrap();
        let key = keys.find(Some(id), algorithm).unwrap();
        let verify =
            |message: &str, signature: &[u8]| key.verify(algorithm, message.as_bytes(), signature);
        assert_eq!(verify(message, &signature), Ok(()), "{id} {name}");
        let other = message.replacen('e', "f", 1);
        let verified = verify(&other, &signature);
        assert_eq!(verified, Err(TokenError::Signature));
        for byte in 0..signature.len() {
            let mut signature = signature.clone();
            signature[byte] ^= 0x40;
            let verified = verify(message, &signature);
            assert_eq!(verified, Err(TokenError::Signature), "{id} {name} {byte}");
        }
        for (other, _, _) in TOKENS.iter().filter(|(other, _, _)| *other != id) {
            let verified = keys
                .find(Some(other), algorithm)
                .and_then(|key| key.verify(algorithm, message.as_bytes(), &signature));
            assert!(verified.is_err(), "{id} {name} {other}");
        }
    }
}

#[test]
fn sets_are_equal_when_their_keys_are() {
    let parse = |text: &str| KeySet::parse(text.as_bytes()).unwrap();
    let same = KEYS.replace(r#""use": "sig", "#, "");
    assert_eq!(parse(KEYS), parse(&same));
    assert_ne!(parse(KEYS), parse(&KEYS.replace("AQAB", "AQAD")));
    assert_ne!(parse(KEYS), parse(&KEYS.replace("rfc8037", "rfc")));
}
