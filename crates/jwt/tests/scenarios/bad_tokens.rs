use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt::TokenError;
use serde_json::{Value, json};
use testkit::Page;

use super::{NOW, World};

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

/// The token with a part changed.
pub(crate) fn changed(token: &str, part: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut parts = parts(token);
    parts[part] = change(&parts[part]);
    parts.join(".")
}

const MALFORMED: TokenError = TokenError::Malformed("");

pub(crate) async fn check(world: &World, table: Vec<(&str, String, TokenError)>) {
    for (name, token, expected) in table {
        let error = world.verify(&token).await.expect_err(name);
        match matches!(error, TokenError::Malformed(_)) {
            true => assert_eq!(expected, MALFORMED, "{name}: {error}"),
            false => assert_eq!(error, expected, "{name}"),
        }
        for part in token.split('.').filter(|part| part.len() > 3) {
            assert!(!error.to_string().contains(part), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_bad_in_itself_makes_nobody_fetch_keys() {
    let world = World::new().await;
    let good = world.token();
    let [header, payload, signature] = parts(&good);
    let header_of = |header: &str| format!("{}.{payload}.{signature}", encode(header));
    let payload_of = |payload: &str| format!("{header}.{}.{signature}", encode(payload));
    let issuer = &world.issuer;
    let deep = |json: &str, depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        json.replace('*', &format!("{open}{close}"))
    };
    check(
        &world,
        vec![
            ("nothing", String::new(), MALFORMED),
            ("one part", "abc".to_owned(), MALFORMED),
            ("two parts", format!("{header}.{payload}"), MALFORMED),
            ("four parts", format!("{good}.{signature}"), MALFORMED),
            ("five parts", format!("{good}.a.b"), MALFORMED),
            ("dots", "..".to_owned(), MALFORMED),
            ("huge", format!("{good}{}", "A".repeat(131_072)), MALFORMED),
            ("padding", format!("{good}="), MALFORMED),
            ("base64", changed(&good, 2, |s| format!("+{s}")), MALFORMED),
            ("whitespace", format!("{good}\n"), MALFORMED),
            (
                "bits left over",
                changed(&good, 0, |_| "e31".to_owned()),
                MALFORMED,
            ),
            (
                "not ASCII",
                changed(&good, 1, |_| "é".to_owned()),
                MALFORMED,
            ),
            ("header no JSON", header_of("alg=ES256"), MALFORMED),
            ("header of a list", header_of(r#"["ES256"]"#), MALFORMED),
            (
                "header twice",
                header_of(r#"{"alg":"ES256"}{"alg":"ES256"}"#),
                MALFORMED,
            ),
            ("header without alg", header_of("{}"), MALFORMED),
            ("alg a number", header_of(r#"{"alg":256}"#), MALFORMED),
            (
                "alg twice",
                header_of(r#"{"alg":"none","alg":"ES256"}"#),
                MALFORMED,
            ),
            (
                "kid a number",
                header_of(r#"{"alg":"ES256","kid":1}"#),
                MALFORMED,
            ),
            (
                "kid null",
                header_of(r#"{"alg":"ES256","kid":null}"#),
                MALFORMED,
            ),
            (
                "crit",
                header_of(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#),
                MALFORMED,
            ),
            (
                "crit null",
                header_of(r#"{"alg":"ES256","crit":null}"#),
                MALFORMED,
            ),
            (
                "header deep",
                header_of(&deep(r#"{"alg":"ES256","x":*}"#, 200)),
                MALFORMED,
            ),
            (
                "none",
                header_of(r#"{"alg":"none"}"#),
                TokenError::Algorithm,
            ),
            (
                "None",
                header_of(r#"{"alg":"None"}"#),
                TokenError::Algorithm,
            ),
            (
                "es256",
                header_of(r#"{"alg":"es256"}"#),
                TokenError::Algorithm,
            ),
            (
                "HS256",
                header_of(r#"{"alg":"HS256"}"#),
                TokenError::Algorithm,
            ),
            (
                "ES512",
                header_of(r#"{"alg":"ES512"}"#),
                TokenError::Algorithm,
            ),
            (
                "ES256K",
                header_of(r#"{"alg":"ES256K"}"#),
                TokenError::Algorithm,
            ),
            (
                "empty alg",
                header_of(r#"{"alg":""}"#),
                TokenError::Algorithm,
            ),
            ("payload no JSON", payload_of("hello"), MALFORMED),
            ("payload a list", payload_of("[]"), MALFORMED),
            ("payload text", payload_of(r#""{}""#), MALFORMED),
            (
                "payload deep",
                payload_of(&deep(r#"{"x":*}"#, 30_000)),
                MALFORMED,
            ),
            (
                "payload not UTF-8",
                changed(&good, 1, |_| encode(b"{\"\xff\":1}")),
                MALFORMED,
            ),
            (
                "iss twice",
                payload_of(&format!(r#"{{"iss":"a","iss":"{issuer}"}}"#)),
                MALFORMED,
            ),
            ("no iss", payload_of("{}"), TokenError::Issuer),
            (
                "iss a list",
                payload_of(&format!(r#"{{"iss":["{issuer}"]}}"#)),
                TokenError::Issuer,
            ),
            (
                "iss with a slash",
                payload_of(&format!(r#"{{"iss":"{issuer}/"}}"#)),
                TokenError::Issuer,
            ),
            (
                "another's",
                payload_of(r#"{"iss":"https://other.example"}"#),
                TokenError::Issuer,
            ),
        ],
    )
    .await;
    assert_eq!(world.provider.fetches(Page::Discovery), 0);
    assert_eq!(world.fetches(), 0);
}

#[tokio::test]
async fn times_that_are_not_good() {
    let world = World::new().await;
    let token = |times: Value| {
        let mut claims = json!({"iss": world.issuer});
        let members = times.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(members);
        world.provider.sign("EdDSA", &claims)
    };
    let raw = |times: &str| {
        let header = json!({"alg": "EdDSA", "kid": world.provider.key_id("EdDSA")}).to_string();
        let claims = format!(r#"{{"iss":"{}",{times}}}"#, world.issuer);
        world.provider.sign_raw("EdDSA", &header, &claims)
    };
    check(
        &world,
        vec![
            ("no exp", token(json!({})), MALFORMED),
            ("exp null", token(json!({"exp": null})), MALFORMED),
            (
                "exp a string",
                token(json!({"exp": (NOW + 60).to_string()})),
                MALFORMED,
            ),
            ("exp a list", token(json!({"exp": [NOW + 60]})), MALFORMED),
            ("exp true", token(json!({"exp": true})), MALFORMED),
            ("exp too large a number", raw(r#""exp":1e999"#), MALFORMED),
            ("exp twice", raw(r#""exp":1,"exp":9999999999"#), MALFORMED),
            ("exp now", token(json!({"exp": NOW})), TokenError::Expired),
            (
                "exp long ago",
                token(json!({"exp": 0})),
                TokenError::Expired,
            ),
            (
                "exp negative",
                token(json!({"exp": -1})),
                TokenError::Expired,
            ),
            (
                "exp very negative",
                token(json!({"exp": i64::MIN})),
                TokenError::Expired,
            ),
            (
                "exp a fraction",
                token(json!({"exp": NOW as f64 - 0.5})),
                TokenError::Expired,
            ),
            (
                "exp -1e300",
                token(json!({"exp": -1e300})),
                TokenError::Expired,
            ),
            (
                "nbf a string",
                token(json!({"exp": NOW + 60, "nbf": "0"})),
                MALFORMED,
            ),
            (
                "nbf null",
                token(json!({"exp": NOW + 60, "nbf": null})),
                MALFORMED,
            ),
            (
                "nbf",
                token(json!({"exp": NOW + 600, "nbf": NOW + 61})),
                TokenError::NotYetValid,
            ),
            (
                "nbf huge",
                token(json!({"exp": NOW + 600, "nbf": u64::MAX})),
                TokenError::NotYetValid,
            ),
            (
                "expired before",
                token(json!({"exp": NOW, "nbf": NOW + 61})),
                TokenError::Expired,
            ),
        ],
    )
    .await;
    let token = token(json!({"exp": NOW + 10}));
    world.verify(&token).await.unwrap();
    world.advance(10);
    assert_eq!(world.verify(&token).await, Err(TokenError::Expired));
}
