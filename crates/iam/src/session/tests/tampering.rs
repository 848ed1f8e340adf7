use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::super::seal::Purpose;
use super::super::{IssuedCredentials, NewSession, SessionKey, issue, open};
use super::{issued, key, plain};

fn opens(credentials: &IssuedCredentials, token: &str) -> bool {
    open(&key(), &credentials.access_key_id, token).is_some()
}

#[test]
fn no_bit_of_a_token_may_change() {
    let credentials = issued(&plain());
    let bytes = URL_SAFE_NO_PAD.decode(&credentials.session_token).unwrap();
    assert!(opens(&credentials, &URL_SAFE_NO_PAD.encode(&bytes)));
    // Version, every byte of the payload, every byte of the seal.
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let token = URL_SAFE_NO_PAD.encode(changed);
            assert!(!opens(&credentials, &token), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_token_may_not_be_cut_or_lengthened() {
    let credentials = issued(&plain());
    let token = &credentials.session_token;
    for at in 0..token.len() {
        let (head, tail) = token.split_at(at);
        assert!(!opens(&credentials, head), "cut at {at}");
        assert!(
            at == 0 || !opens(&credentials, tail),
            "without the first {at}"
        );
    }
    for longer in [
        format!("{token}A"),
        format!("{token}AAAA"),
        format!("A{token}"),
        format!("{token} "),
        format!("{token}="),
        format!(" {token}"),
        token.repeat(2),
        "A".repeat(16_384),
        "A".repeat(16_388),
        "A".repeat(1 << 20),
    ] {
        assert!(!opens(&credentials, &longer));
    }
}

#[test]
fn a_token_has_one_spelling() {
    // The length of the name moves the end of the token through all its base64 forms.
    for name in ["ab", "abc", "abcd"] {
        let credentials = issued(&NewSession {
            session_name: name,
            ..plain()
        });
        let token = &credentials.session_token;
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        for other in [URL_SAFE.encode(&bytes), STANDARD_NO_PAD.encode(&bytes)] {
            assert!(other == *token || !opens(&credentials, &other), "{other}");
        }
        let (head, _) = token.split_at(token.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=%";
        let opening = alphabet.chars().map(|last| format!("{head}{last}"));
        let opening = opening.filter(|token| opens(&credentials, token)).count();
        assert_eq!(opening, 1, "{name}");
    }
}

#[test]
fn a_token_is_of_one_server_key_and_one_access_key() {
    let credentials = issued(&plain());
    let (id, token) = (&credentials.access_key_id, &credentials.session_token);
    assert!(open(&SessionKey::new([7; 32]), id, token).is_some());
    for other in [[0; 32], [8; 32]] {
        assert!(open(&SessionKey::new(other), id, token).is_none());
    }
    let another = issue(&key(), &super::Seeded(99.into()), &plain()).unwrap();
    for other in [
        another.access_key_id.as_str(),
        &id.to_lowercase(),
        &format!("{id}\0"),
        &format!("{id}\0\u{1}"),
        id.split_at(19).0,
        "",
    ] {
        assert!(open(&key(), other, token).is_none(), "{other:?}");
    }
    assert!(open(&key(), id, &another.session_token).is_none());
}

#[test]
fn the_secret_does_not_seal_a_token() {
    let credentials = issued(&plain());
    let id = &credentials.access_key_id;
    let bytes = URL_SAFE_NO_PAD.decode(&credentials.session_token).unwrap();
    let (body, _) = bytes.split_last_chunk::<32>().unwrap();
    let seal = key().code(Purpose::Secret, id, body);
    let token = URL_SAFE_NO_PAD.encode([body, &*seal].concat());
    assert!(!opens(&credentials, &token));
}

#[test]
fn a_sealed_body_of_another_form_is_refused() {
    let credentials = issued(&plain());
    let id = &credentials.access_key_id;
    let bytes = URL_SAFE_NO_PAD.decode(&credentials.session_token).unwrap();
    let (right, _) = bytes.split_last_chunk::<32>().unwrap();
    let sealed = |body: &[u8]| {
        let seal = key().code(Purpose::Token, id, body);
        URL_SAFE_NO_PAD.encode([body, &*seal].concat())
    };
    assert!(opens(&credentials, &sealed(right)));
    let version_2 = [&[2], &right[1..]].concat();
    let bodies: [&[u8]; 6] = [
        b"",
        b"\x01",
        b"\x01{}",
        b"\x01null",
        b"\x01{\"r\":1}",
        &version_2,
    ];
    for body in bodies {
        assert!(!opens(&credentials, &sealed(body)), "{body:?}");
    }
}

proptest! {
    #[test]
    fn garbage_never_opens(id in ".{0,24}", token in ".{0,200}") {
        prop_assert!(open(&key(), &id, &token).is_none());
    }

    #[test]
    fn encoded_garbage_never_opens(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let token = URL_SAFE_NO_PAD.encode(bytes);
        prop_assert!(open(&key(), "ASIAAAAAAAAAAAAAAAAA", &token).is_none());
    }

    #[test]
    fn a_token_with_some_characters_replaced_never_opens(
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[A-Za-z0-9_-]"), 1..4),
    ) {
        let credentials = issued(&plain());
        let mut token = credentials.session_token.clone();
        for (at, with) in changes {
            let at = at.index(token.len());
            token.replace_range(at..=at, &with);
        }
        let same = token == credentials.session_token;
        prop_assert_eq!(opens(&credentials, &token), same);
    }
}
