use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt::{KeySource, TokenError};
use ring::hmac;
use serde_json::{Value, json};

use super::bad_tokens::{changed, check, encode};
use super::{NOW, World};

#[tokio::test]
async fn signatures_that_are_not_good() {
    let world = World::new().await;
    let provider = &world.provider;
    let good = world.token();
    let rsa = provider.sign("RS256", &world.claims());
    let claims = world.claims().to_string();
    let raw =
        |signed_as: &str, header: Value| provider.sign_raw(signed_as, &header.to_string(), &claims);
    let key = |algorithm| provider.key_id(algorithm);
    let flip = |part: &str| {
        let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        bytes[10] ^= 1;
        encode(bytes)
    };
    let other_claims =
        encode(json!({"iss": world.issuer, "exp": NOW + 10_000_000, "sub": "eve"}).to_string());
    let expired = provider.sign("ES256", &json!({"iss": world.issuer, "exp": 1}));
    let own_key =
        json!({"alg": "ES256", "kid": key("ES256"), "jwk": provider.key_set()["keys"][2]});
    // The classic: the public key, which everybody has, as the secret of an HMAC.
    let secret = URL_SAFE_NO_PAD
        .decode(provider.key_set()["keys"][0]["n"].as_str().unwrap())
        .unwrap();
    let message = format!(
        "{}.{}",
        encode(json!({"alg": "HS256", "kid": key("RS256")}).to_string()),
        encode(&claims)
    );
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &secret),
        message.as_bytes(),
    );
    check(
        &world,
        vec![
            (
                "payload",
                changed(&good, 1, |_| other_claims.clone()),
                TokenError::Signature,
            ),
            (
                "header",
                changed(&good, 0, |_| {
                    encode(json!({"alg": "ES256", "kid": key("ES256")}).to_string())
                }),
                TokenError::Signature,
            ),
            ("signature", changed(&good, 2, flip), TokenError::Signature),
            (
                "signature of RSA",
                changed(&rsa, 2, flip),
                TokenError::Signature,
            ),
            (
                "no signature",
                changed(&good, 2, |_| String::new()),
                TokenError::Signature,
            ),
            (
                "no signature of RSA",
                changed(&rsa, 2, |_| String::new()),
                TokenError::Signature,
            ),
            (
                "zeros",
                changed(&good, 2, |_| encode([0; 64])),
                TokenError::Signature,
            ),
            (
                "longer",
                changed(&good, 2, |s| format!("{s}AAAA")),
                TokenError::Signature,
            ),
            (
                "longer RSA",
                changed(&rsa, 2, |s| format!("{s}AAAA")),
                TokenError::Signature,
            ),
            (
                "claims are not looked at before",
                changed(&expired, 2, flip),
                TokenError::Signature,
            ),
            (
                "HMAC with the public key",
                format!("{message}.{}", encode(tag)),
                TokenError::Algorithm,
            ),
            (
                "PS signed as RS",
                raw("RS256", json!({"alg": "PS256", "kid": key("RS256")})),
                TokenError::Signature,
            ),
            (
                "RS signed as PS",
                raw("PS256", json!({"alg": "RS256", "kid": key("RS256")})),
                TokenError::Signature,
            ),
            (
                "another hash",
                raw("RS256", json!({"alg": "RS512", "kid": key("RS256")})),
                TokenError::Signature,
            ),
            (
                "RS with a key of EC",
                raw("RS256", json!({"alg": "RS256", "kid": key("ES256")})),
                TokenError::Algorithm,
            ),
            (
                "ES with a key of RSA",
                raw("ES256", json!({"alg": "ES256", "kid": key("RS256")})),
                TokenError::Algorithm,
            ),
            (
                "another curve",
                raw("ES256", json!({"alg": "ES256", "kid": key("ES384")})),
                TokenError::Algorithm,
            ),
            (
                "EdDSA with a key of EC",
                raw("EdDSA", json!({"alg": "EdDSA", "kid": key("ES256")})),
                TokenError::Algorithm,
            ),
            (
                "another's key in the header",
                provider.sign_raw("ES384", &own_key.to_string(), &claims),
                TokenError::Signature,
            ),
        ],
    )
    .await;
    // The second time because a new key may have an old one's name, and then not again.
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn another_stores_provider_is_another_issuer() {
    let (world, other) = (World::new().await, World::new().await);
    let token = other.token();
    assert_eq!(world.verify(&token).await, Err(TokenError::Issuer));
    // Nor do the same names of keys help.
    let claimed = other.provider.sign("ES256", &world.claims());
    assert_eq!(world.verify(&claimed).await, Err(TokenError::Signature));
    let wrong = KeySource::Discovery(other.issuer.clone());
    let verified = world
        .providers
        .verify(&wrong, &[&world.issuer], &world.token())
        .await;
    assert_eq!(verified, Err(TokenError::Signature));
}
