//! The ways of not being allowed to call, whatever the operation.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::accounts::User;
use crate::signer::Signer;

/// A way of not being allowed to call: what it makes of an operation's request, and the answer.
pub struct Fault {
    /// What is wrong.
    pub name: &'static str,
    /// Signs the request, wrongly.
    pub send: fn(Signer, Request<Bytes>) -> Request<Bytes>,
    /// The code of the error.
    pub code: &'static str,
    /// What its message begins with.
    pub message: &'static str,
}

const INVALID: &str = "InvalidSignatureException";
const MISMATCH: &str = "The request signature we calculated does not match";

/// The faults that a request to any service can have.
pub const FAULTS: &[Fault] = &[
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
];
