//! The keys of an identity provider.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

/// See `fixtures/README.md`.
const RSA: [&[u8]; 2] = [
    include_bytes!("../../fixtures/rsa-test-key-0.pkcs8.der"),
    include_bytes!("../../fixtures/rsa-test-key-1.pkcs8.der"),
];

/// Keys of some generations, the newest last.
pub(super) struct Keys {
    random: SystemRandom,
    count: usize,
    generations: Vec<Generation>,
}

/// A key of each kind.
struct Generation {
    number: usize,
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Keys {
    pub(super) fn new() -> Self {
        let mut keys = Self {
            random: SystemRandom::new(),
            count: 0,
            generations: Vec::new(),
        };
        keys.rotate();
        keys
    }

    pub(super) fn rotate(&mut self) {
        let generation = Generation::new(self.count, &self.random);
        self.generations.push(generation);
        self.count += 1;
    }

    pub(super) fn withdraw(&mut self) {
        let old = self.generations.len().saturating_sub(1);
        self.generations.drain(..old);
    }

    fn newest(&self) -> &Generation {
        self.generations.last().expect("one is always there")
    }

    pub(super) fn id(&self, algorithm: &str) -> String {
        let kind = match algorithm {
            "ES256" => "p256",
            "ES384" => "p384",
            "EdDSA" => "ed25519",
            _ => "rsa",
        };
        format!("{kind}-{}", self.newest().number)
    }

    pub(super) fn document(&self) -> Value {
        let keys: Vec<_> = self.generations.iter().flat_map(Generation::jwks).collect();
        json!({ "keys": keys })
    }

    pub(super) fn sign(&self, algorithm: &str, header: &str, payload: &str) -> String {
        let (header, payload) = (encode(header.as_bytes()), encode(payload.as_bytes()));
        let message = format!("{header}.{payload}");
        let signature = self
            .newest()
            .sign(algorithm, message.as_bytes(), &self.random);
        format!("{message}.{}", encode(&signature))
    }
}

impl Generation {
    fn new(number: usize, random: &SystemRandom) -> Self {
        let rsa = RSA.iter().cycle().nth(number).expect("a cycle has no end");
        let ed25519 = Ed25519KeyPair::generate_pkcs8(random).expect("randomness");
        Self {
            number,
            rsa: RsaKeyPair::from_pkcs8(rsa).expect("a good fixture"),
            p256: ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, random),
            p384: ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, random),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).expect("just made"),
        }
    }

    fn jwks(&self) -> [Value; 4] {
        let number = self.number;
        let rsa: PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        let point = |kind: &str, curve: &str, key: &EcdsaKeyPair| {
            // Uncompressed: a byte that says so, then both coordinates.
            let bytes = key.public_key().as_ref().split_first().expect("a point").1;
            let (x, y) = bytes.split_at(bytes.len() / 2);
            json!({
                "kty": "EC", "use": "sig", "kid": format!("{kind}-{number}"), "crv": curve,
                "x": encode(x), "y": encode(y),
            })
        };
        [
            json!({
                "kty": "RSA", "use": "sig", "kid": format!("rsa-{number}"),
                "n": encode(&rsa.n),
                "e": encode(&rsa.e),
            }),
            point("p256", "P-256", &self.p256),
            point("p384", "P-384", &self.p384),
            json!({
                "kty": "OKP", "use": "sig", "kid": format!("ed25519-{number}"), "crv": "Ed25519",
                "x": encode(self.ed25519.public_key().as_ref()),
            }),
        ]
    }

    fn sign(&self, algorithm: &str, message: &[u8], random: &SystemRandom) -> Vec<u8> {
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            let signed = self.rsa.sign(encoding, random, message, &mut signature);
            signed.expect("the signature has its length");
            signature
        };
        let ecdsa = |key: &EcdsaKeyPair| {
            let signature = key.sign(random, message).expect("randomness");
            signature.as_ref().to_vec()
        };
        match algorithm {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "PS256" => rsa(&RSA_PSS_SHA256),
            "PS384" => rsa(&RSA_PSS_SHA384),
            "PS512" => rsa(&RSA_PSS_SHA512),
            "ES256" => ecdsa(&self.p256),
            "ES384" => ecdsa(&self.p384),
            _ => {
                assert_eq!(algorithm, "EdDSA", "no such algorithm");
                self.ed25519.sign(message).as_ref().to_vec()
            }
        }
    }
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, random: &SystemRandom) -> EcdsaKeyPair {
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, random).expect("randomness");
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), random).expect("just made")
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
