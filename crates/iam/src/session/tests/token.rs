use std::collections::{BTreeMap, HashSet};

use base::Timestamp;

use super::super::{NewSession, PackedPolicyTooLarge, SessionKey, issue, open};
use super::{NOW, ROLE, at, entropy, issued, key, plain};

#[test]
fn a_token_gives_back_the_session() {
    let tags = BTreeMap::from([
        ("team".to_owned(), "blue".to_owned()),
        ("Größe \"x\"".to_owned(), "\u{0}\n\u{1f600}".to_owned()),
    ]);
    let full = || NewSession {
        policy: Some(r#"{"Version":"2012-10-17","Statement":[]}"#),
        policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
        tags: tags.clone(),
        transitive_tag_keys: vec!["team".to_owned()],
        source_identity: Some("carol"),
        ..plain()
    };
    for new in [plain(), full()] {
        let credentials = issued(&new);
        let opened = open(
            &key(),
            &credentials.access_key_id,
            &credentials.session_token,
        )
        .unwrap();
        assert_eq!(opened.role_arn, ROLE);
        assert_eq!(opened.session_name, "nightly");
        assert_eq!(opened.policy.as_deref(), new.policy);
        assert_eq!(opened.policy_arns, new.policy_arns);
        assert_eq!(opened.tags, new.tags);
        assert_eq!(opened.transitive_tag_keys, new.transitive_tag_keys);
        assert_eq!(opened.source_identity.as_deref(), new.source_identity);
        assert_eq!(opened.expires, at(NOW + 3_600));
        let secret = credentials.secret_access_key.expose();
        assert!(opened.secret_access_key.matches(secret));
    }
}

#[test]
fn credentials_have_the_forms_of_aws() {
    let credentials = issued(&plain());
    let id = &credentials.access_key_id;
    assert_eq!(id.len(), 20);
    assert!(id.starts_with("ASIA"));
    let base32 = |b: u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b);
    assert!(id.bytes().all(base32), "{id}");
    let secret = credentials.secret_access_key.expose();
    assert_eq!(secret.len(), 40);
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/".contains(&b);
    assert!(secret.bytes().all(base64));
    let token = &credentials.session_token;
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    assert!(token.bytes().all(base64url), "{token}");
    assert!(token.len() < 300, "{}", token.len());
    assert_eq!(credentials.expiration, at(NOW + 3_600));
}

#[test]
fn a_session_ends_at_a_whole_second() {
    let expires = Timestamp::from_unix_micros(NOW * 1_000_000 + 999_999);
    let credentials = issued(&NewSession { expires, ..plain() });
    assert_eq!(credentials.expiration, at(NOW));
    let id = &credentials.access_key_id;
    let opened = open(&key(), id, &credentials.session_token).unwrap();
    assert_eq!(opened.expires, at(NOW));
}

#[test]
fn no_two_sessions_share_id_secret_or_token() {
    let (key, entropy) = (key(), entropy());
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let credentials = issue(&key, &entropy, &plain()).unwrap();
        let secret = credentials.secret_access_key.expose().to_owned();
        assert!(seen.insert(credentials.access_key_id));
        assert!(seen.insert(secret));
        assert!(seen.insert(credentials.session_token));
    }
}

#[test]
fn the_secret_depends_on_the_server_key_and_is_not_in_the_token() {
    let (one, two) = (key(), SessionKey::new([8; 32]));
    let one = issue(&one, &entropy(), &plain()).unwrap();
    let two = issue(&two, &entropy(), &plain()).unwrap();
    assert_eq!(one.access_key_id, two.access_key_id);
    let secret = one.secret_access_key.expose();
    assert!(!two.secret_access_key.matches(secret));
    assert!(!one.session_token.contains(secret));
}

#[test]
fn what_does_not_fit_is_not_issued() {
    let sized = |length: usize| {
        let text = "x".repeat(length);
        let policy = Some(text.as_str());
        issue(&key(), &entropy(), &NewSession { policy, ..plain() })
    };
    let small = sized(0).unwrap();
    assert_eq!(small.packed_policy_size, 3);
    let most = (0..8_192).rfind(|length| sized(*length).is_ok()).unwrap();
    let largest = sized(most).unwrap();
    assert_eq!(largest.packed_policy_size, 100);
    assert!((8_190..=8_192).contains(&largest.session_token.len()));
    let id = &largest.access_key_id;
    assert!(open(&key(), id, &largest.session_token).is_some());
    let error = sized(2 * most).err().unwrap();
    assert_eq!(error, PackedPolicyTooLarge { percent: 198 });
    assert!(error.to_string().contains("198%"));
}
