//! The ways of not being allowed to call that only a service with `X-Amz-Target` has.

use http::HeaderValue;
use testkit::Fault;

const INVALID: &str = "InvalidSignatureException";
const MISMATCH: &str = "The request signature we calculated does not match";

pub(super) const TARGET_FAULTS: &[Fault] = &[
    Fault {
        name: "another operation than the signed one",
        send: |signer, mut request| {
            let other = HeaderValue::from_static("VerifiedPermissions.Other");
            let target = request.headers_mut().insert("x-amz-target", other).unwrap();
            let mut signed = signer.sign(request);
            signed.headers_mut().insert("x-amz-target", target);
            signed
        },
        code: INVALID,
        message: MISMATCH,
    },
    Fault {
        name: "an operation that is not signed",
        send: |signer, mut request| {
            let target = request.headers_mut().remove("x-amz-target").unwrap();
            let mut signed = signer.sign(request);
            signed.headers_mut().insert("x-amz-target", target);
            signed
        },
        code: INVALID,
        message: "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.",
    },
];
