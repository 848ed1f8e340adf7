//! The signature algorithms, as data.

use ring::signature::{self, RsaParameters, VerificationAlgorithm};

/// A signature algorithm that tokens may have.
pub(crate) struct Algorithm {
    /// As `alg` has it: RFC 7518, section 3.1, and RFC 8037.
    pub(crate) name: &'static str,
    pub(crate) scheme: Scheme,
}

/// How a signature is verified, and with which keys.
pub(crate) enum Scheme {
    Rsa(&'static RsaParameters),
    Point(Curve, &'static dyn VerificationAlgorithm),
}

/// The curve of a public key that is a point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Curve {
    P256,
    P384,
    Ed25519,
}

/// All of them. `none` and the symmetric ones are absent on purpose: a public key would be their
/// secret.
static ALGORITHMS: &[Algorithm] = &[
    rsa("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
    rsa("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    rsa("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
    rsa("PS256", &signature::RSA_PSS_2048_8192_SHA256),
    rsa("PS384", &signature::RSA_PSS_2048_8192_SHA384),
    rsa("PS512", &signature::RSA_PSS_2048_8192_SHA512),
    point("ES256", Curve::P256, &signature::ECDSA_P256_SHA256_FIXED),
    point("ES384", Curve::P384, &signature::ECDSA_P384_SHA384_FIXED),
    point("EdDSA", Curve::Ed25519, &signature::ED25519),
];

const fn rsa(name: &'static str, parameters: &'static RsaParameters) -> Algorithm {
    Algorithm {
        name,
        scheme: Scheme::Rsa(parameters),
    }
}

const fn point(
    name: &'static str,
    curve: Curve,
    algorithm: &'static dyn VerificationAlgorithm,
) -> Algorithm {
    Algorithm {
        name,
        scheme: Scheme::Point(curve, algorithm),
    }
}

impl Algorithm {
    /// The algorithm of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
    }
}
