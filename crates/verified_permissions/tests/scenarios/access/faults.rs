//! The ways of not being allowed to call, whatever the operation.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use testkit::{Signer, User};

/// A way of not being allowed to call: what it makes of an operation's request, and the answer.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) send: fn(Signer, Request<Bytes>) -> Request<Bytes>,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

const INVALID: &str = "InvalidSignatureException";
const MISMATCH: &str = "The request signature we calculated does not match";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "no signature",
        send: |_, request| request,
        code: "MissingAuthenticationTokenException",
        message: "Missing Authentication Token",
    },
    Fault {
        name: "the signature of another secret",
        send: |signer, request| {
            let user = User {
                secret: "wrong",
                ..signer.user
            };
            Signer { user, ..signer }.sign(request)
        },
        code: INVALID,
        message: MISMATCH,
    },
    Fault {
        name: "an unknown access key",
        send: |signer, request| {
            let user = User {
                access_key_id: "AKIAUNKNOWN000000009",
                ..signer.user
            };
            Signer { user, ..signer }.sign(request)
        },
        code: "UnrecognizedClientException",
        message: "The security token included in the request is invalid.",
    },
    Fault {
        name: "another Region",
        send: |signer, request| {
            Signer {
                region: "eu-west-1",
                ..signer
            }
            .sign(request)
        },
        code: INVALID,
        message: "Credential should be scoped to a valid region.",
    },
    Fault {
        name: "a signature from the past",
        send: |signer, request| {
            let at = signer.at - Duration::from_secs(301);
            Signer { at, ..signer }.sign(request)
        },
        code: INVALID,
        message: "Signature expired: ",
    },
    Fault {
        name: "a signature from the future",
        send: |signer, request| {
            let at = signer.at + Duration::from_secs(301);
            Signer { at, ..signer }.sign(request)
        },
        code: INVALID,
        message: "Signature not yet current: ",
    },
    Fault {
        name: "another body than the signed one",
        send: |signer, request| {
            let body = request.body().clone();
            let mut signed = signer.sign(request.map(|_| Bytes::from_static(b"{}")));
            *signed.body_mut() = [&body[..], b" "].concat().into();
            signed
        },
        code: INVALID,
        message: MISMATCH,
    },
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
