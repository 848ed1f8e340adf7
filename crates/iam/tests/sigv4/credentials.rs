//! Access keys, session tokens and their ends.

use iam::sigv4::AuthError;

use crate::support::{ID, OneKey, Request, SIGNED_AT, in_headers, in_query, sdk_call};

#[test]
fn an_unknown_access_key_is_unrecognized() {
    for settings in [in_headers(), in_query(900)] {
        let mut request = sdk_call().sign(None, settings);
        if request.query.is_empty() {
            let other = request.header("authorization").replace(ID, "AKIDEXAMPLF");
            request.set("authorization", &other);
        } else {
            request.query = request.query.replace(ID, "AKIDEXAMPLF");
        }
        let refusal = request.verify(&OneKey::new(None), SIGNED_AT);
        assert_eq!(refusal, Err(AuthError::UnrecognizedClient));
    }
}

#[test]
fn a_session_needs_its_token() {
    let session = OneKey::new(Some(("right", SIGNED_AT + 60)));
    let long_term = OneKey::new(None);
    for presign in [false, true] {
        let settings = || if presign { in_query(900) } else { in_headers() };
        for (keys, token, accepted) in [
            (&session, Some("right"), true),
            (&session, Some("wrong"), false),
            (&session, Some("right "), false),
            (&session, Some(""), false),
            (&session, None, false),
            (&long_term, None, true),
            (&long_term, Some("right"), false),
        ] {
            let request = sdk_call().sign(token, settings());
            let verified = request.verify(keys, SIGNED_AT);
            if accepted {
                assert!(verified.is_ok(), "{token:?}");
            } else {
                assert_eq!(verified, Err(AuthError::UnrecognizedClient), "{token:?}");
            }
        }
    }
}

#[test]
fn a_token_may_come_in_the_header_of_a_presigned_request() {
    let keys = OneKey::new(Some(("token", SIGNED_AT + 60)));
    let mut call = sdk_call();
    call.set("x-amz-security-token", "token");
    let request = call.sign(None, in_query(900));
    assert!(request.verify(&keys, SIGNED_AT).is_ok());
}

#[test]
fn a_session_ends() {
    let keys = OneKey::new(Some(("token", SIGNED_AT + 60)));
    let request = sdk_call().sign(Some("token"), in_headers());
    assert!(request.verify(&keys, SIGNED_AT + 59).is_ok());
    for now in [SIGNED_AT + 60, SIGNED_AT + 299] {
        assert_eq!(request.verify(&keys, now), Err(AuthError::ExpiredToken));
    }
    // Only who knows the secret learns that the session has ended.
    let mut forged = request;
    forged.body.clear();
    let refusal = forged.verify(&keys, SIGNED_AT + 60);
    assert_eq!(refusal, Err(AuthError::SignatureDoesNotMatch));
}

fn times(request: &Request, times: &[(i64, &str)]) {
    for (seconds, message) in times {
        let verified = request.verify(&OneKey::new(None), SIGNED_AT + seconds);
        let found = verified.err().map(|error| {
            assert_eq!(error.code(), "InvalidSignatureException");
            error.to_string()
        });
        assert_eq!(found.as_deref().unwrap_or(""), *message, "{seconds}");
    }
}

#[test]
fn a_signed_request_lives_five_minutes_either_way() {
    times(
        &sdk_call().sign(None, in_headers()),
        &[
            (-300, ""),
            (0, ""),
            (300, ""),
            (
                301,
                "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
                 (20150830T124101Z - 5 min.)",
            ),
            (
                -301,
                "Signature not yet current: 20150830T123600Z is still later than \
                 20150830T123559Z (20150830T123059Z + 5 min.)",
            ),
        ],
    );
}

#[test]
fn a_presigned_request_lives_as_long_as_it_says() {
    times(
        &sdk_call().sign(None, in_query(900)),
        &[
            (-300, ""),
            (900, ""),
            (
                901,
                "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
                 (20150830T125101Z - 15 min.)",
            ),
            (
                -301,
                "Signature not yet current: 20150830T123600Z is still later than \
                 20150830T123559Z (20150830T123059Z + 5 min.)",
            ),
        ],
    );
    times(
        &sdk_call().sign(None, in_query(10)),
        &[
            (10, ""),
            (
                11,
                "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z \
                 (20150830T123611Z - 10 sec.)",
            ),
        ],
    );
    times(&sdk_call().sign(None, in_query(604_800)), &[(604_800, "")]);
}
