//! A signed request that is changed afterwards is refused.

use iam::sigv4::AuthError;

use crate::support::{OneKey, Request, SIGNED_AT, in_headers, in_query, sdk_call};

fn refusal(request: &Request) -> AuthError {
    request.verify(&OneKey::new(None), SIGNED_AT).unwrap_err()
}

fn signed_in_headers() -> Request {
    let mut call = sdk_call();
    call.path = "/policy-stores/a".to_owned();
    call.query = "b=1&c=2".to_owned();
    call.sign(None, in_headers())
}

fn signed_in_query() -> Request {
    let mut call = sdk_call();
    call.query = "b=1&c=2".to_owned();
    call.sign(None, in_query(900))
}

#[test]
fn another_method_path_query_or_body_is_refused() {
    let changes: [fn(&mut Request); 12] = [
        |r| r.method = "GET".to_owned(),
        |r| r.method = "post".to_owned(),
        |r| r.path.push('x'),
        |r| r.path.push_str("/x"),
        |r| r.path = r.path.replace('/', "%2F"),
        |r| r.query = r.query.replace("b=1", "b=2"),
        |r| r.query = r.query.replace("b=1&", ""),
        |r| r.query.push_str("&d"),
        |r| r.query.push_str("&b=1"),
        |r| r.body.push(b' '),
        |r| r.body.clear(),
        |r| r.body[0] ^= 1,
    ];
    for signed in [signed_in_headers(), signed_in_query()] {
        assert!(signed.verify(&OneKey::new(None), SIGNED_AT).is_ok());
        for (at, change) in changes.iter().enumerate() {
            let mut request = signed.clone();
            change(&mut request);
            assert_eq!(
                refusal(&request),
                AuthError::SignatureDoesNotMatch,
                "change {at}"
            );
        }
    }
}

#[test]
fn another_value_of_any_signed_header_is_refused() {
    for signed in [signed_in_headers(), signed_in_query()] {
        for name in ["host", "content-type", "content-length", "x-amz-target"] {
            let mut request = signed.clone();
            request.set(name, "other");
            assert_eq!(
                refusal(&request),
                AuthError::SignatureDoesNotMatch,
                "{name}"
            );

            let mut request = signed.clone();
            let again = request.header(name).to_owned();
            request.append(name, &again);
            assert_eq!(
                refusal(&request),
                AuthError::SignatureDoesNotMatch,
                "{name} twice"
            );

            let mut request = signed.clone();
            request.headers.remove(name);
            assert_eq!(
                refusal(&request),
                AuthError::SignatureDoesNotMatch,
                "no {name}"
            );
        }
    }
    let mut request = signed_in_headers();
    request.set("x-amz-date", "20150830T123601Z");
    assert_eq!(refusal(&request), AuthError::SignatureDoesNotMatch);
}

#[test]
fn another_list_of_signed_headers_is_refused() {
    let signed = signed_in_headers();
    let written = signed.header("authorization").to_owned();
    for (from, to) in [
        ("content-type;", ""),
        ("host;", "host;user-agent;"),
        ("host;", "host;;"),
        ("host;", ":authority;"),
    ] {
        assert!(written.contains(from), "{written}");
        let mut request = signed.clone();
        request.set("authorization", &written.replace(from, to));
        assert_eq!(refusal(&request), AuthError::SignatureDoesNotMatch, "{to}");
    }
}

#[test]
fn an_operation_that_is_not_signed_is_refused() {
    let refused = AuthError::InvalidSignature(
        "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.".into(),
    );
    for settings in [in_headers, || in_query(900)] {
        // Signed without a target, which an attacker adds later.
        let mut call = sdk_call();
        call.headers.remove("x-amz-target");
        let mut request = call.sign(None, settings());
        assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_ok());
        for target in ["VerifiedPermissions.DeletePolicyStore", ""] {
            request.set("x-amz-target", target);
            assert_eq!(refusal(&request), refused, "{target:?}");
        }
        // A signer that leaves the target out.
        let mut leaving_out = settings();
        let excluded = leaving_out.excluded_headers.as_mut().unwrap();
        excluded.push("x-amz-target".into());
        let request = sdk_call().sign(None, leaving_out);
        assert_eq!(refusal(&request), refused);
        // As the official signers do it.
        let request = sdk_call().sign(None, settings());
        assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_ok());
    }
}

#[test]
fn every_other_character_of_the_signature_is_refused() {
    let signed = signed_in_headers();
    let written = signed.header("authorization").to_owned();
    let start = written.find("Signature=").unwrap() + "Signature=".len();
    for at in start..written.len() {
        let mut changed = written.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let mut request = signed.clone();
        request.set("authorization", std::str::from_utf8(&changed).unwrap());
        assert_eq!(refusal(&request), AuthError::SignatureDoesNotMatch, "{at}");
    }
    let (head, signature) = written.split_at(start);
    for other in [
        signature.strip_prefix(|_| true).unwrap(),
        signature.strip_suffix(|_| true).unwrap(),
        "0",
        &signature.to_uppercase(),
    ] {
        let mut request = signed.clone();
        request.set("authorization", &format!("{head}{other}"));
        assert_eq!(
            refusal(&request),
            AuthError::SignatureDoesNotMatch,
            "{other}"
        );
    }
}

#[test]
fn a_changed_presigned_parameter_is_refused() {
    let signed = signed_in_query();
    for (from, to) in [
        ("X-Amz-Date=20150830T123600Z", "X-Amz-Date=20150830T123601Z"),
        ("X-Amz-Expires=900", "X-Amz-Expires=901"),
        ("X-Amz-Expires=900&", ""),
        ("host%3B", ""),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ] {
        assert!(signed.query.contains(from), "{}", signed.query);
        let mut request = signed.clone();
        request.query = request.query.replace(from, to);
        let refusal = refusal(&request);
        if from == "host%3B" {
            assert_eq!(refusal.code(), "InvalidSignatureException", "{to}");
        } else {
            assert_eq!(refusal, AuthError::SignatureDoesNotMatch, "{to}");
        }
    }
}

#[test]
fn a_declared_payload_hash_must_be_the_bodys() {
    for declared in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ] {
        let mut request = signed_in_headers();
        request.set("x-amz-content-sha256", declared);
        assert_eq!(
            refusal(&request),
            AuthError::SignatureDoesNotMatch,
            "{declared}"
        );
    }
}
