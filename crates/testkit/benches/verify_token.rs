//! Tokens of each algorithm, verified with remembered keys, next to what ring needs for the
//! signature alone.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::hint::black_box;
use std::sync::Arc;

use base::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use jwt::{KeySource, Options, Providers};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde_json::{Value, json};
use testkit::{IdentityProvider, ManualClock};
use tokio::runtime::Runtime;

/// What an ID token of Amazon Cognito says, roughly.
fn claims(issuer: &str) -> Value {
    json!({
        "sub": "a1b2c3d4-5678-90ab-cdef-111122223333",
        "cognito:groups": ["readers", "editors"],
        "email_verified": true,
        "iss": issuer,
        "cognito:username": "alice",
        "origin_jti": "a1b2c3d4-5678-90ab-cdef-222233334444",
        "aud": "1example23456789",
        "event_id": "a1b2c3d4-5678-90ab-cdef-333344445555",
        "token_use": "id",
        "auth_time": 1_767_225_600,
        "exp": 1_767_229_200,
        "iat": 1_767_225_600,
        "jti": "a1b2c3d4-5678-90ab-cdef-444455556666",
        "email": "alice@example.com",
        "custom:department": "engineering",
    })
}

enum Bare {
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
    Point(UnparsedPublicKey<Vec<u8>>),
}

impl Bare {
    /// The key of that name.
    fn new(algorithm: &str, keys: &Value, id: &str) -> Self {
        let keys = keys.get("keys").and_then(Value::as_array);
        let named = |key: &&Value| key.get("kid").and_then(Value::as_str) == Some(id);
        let key = keys.and_then(|keys| keys.iter().find(named));
        let key = key.expect("the key is there");
        let member = |name: &str| {
            let text = key.get(name).and_then(Value::as_str).unwrap_or_default();
            URL_SAFE_NO_PAD.decode(text).expect("base64url")
        };
        let components = || RsaPublicKeyComponents {
            n: member("n"),
            e: member("e"),
        };
        let point = |algorithm: &'static dyn VerificationAlgorithm| {
            let bytes = [vec![4], member("x"), member("y")].concat();
            Self::Point(UnparsedPublicKey::new(algorithm, bytes))
        };
        match algorithm {
            "RS256" => Self::Rsa(&RSA_PKCS1_2048_8192_SHA256, components()),
            "PS256" => Self::Rsa(&RSA_PSS_2048_8192_SHA256, components()),
            "ES256" => point(&ECDSA_P256_SHA256_FIXED),
            "ES384" => point(&ECDSA_P384_SHA384_FIXED),
            _ => Self::Point(UnparsedPublicKey::new(&ED25519, member("x"))),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) {
        let verified = match self {
            Self::Rsa(parameters, key) => key.verify(parameters, message, signature),
            Self::Point(key) => key.verify(message, signature),
        };
        verified.expect("a good signature");
    }
}

fn verify_token(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let provider = runtime.block_on(IdentityProvider::start());
    let clock = ManualClock::new(Timestamp::from_unix_micros(1_767_225_600_000_000));
    let options = Options {
        networks: vec!["127.0.0.1/32".parse().expect("a network")],
        ..Options::default()
    };
    let providers = Providers::new(options, Arc::new(clock)).expect("no certificates");
    let issuer = provider.issuer();
    let source = KeySource::Discovery(issuer.clone());
    let issuers = [issuer.as_str()];
    let mut group = c.benchmark_group("verify_token");
    for algorithm in ["RS256", "PS256", "ES256", "ES384", "EdDSA"] {
        let token = provider.sign(algorithm, &claims(&issuer));
        let (message, signature) = token.rsplit_once('.').expect("a signature");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let bare = Bare::new(algorithm, &provider.key_set(), &provider.key_id(algorithm));
        group.bench_function(format!("{algorithm}, signature alone"), |b| {
            b.iter(|| bare.verify(black_box(message.as_bytes()), &signature));
        });
        group.bench_function(format!("{algorithm}, whole token"), |b| {
            b.iter(|| {
                let verified = providers.verify(&source, &issuers, black_box(&token));
                runtime.block_on(verified).expect("a good token")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, verify_token);
criterion_main!(benches);
