//! Signed requests of the AWS signing test suite and of botocore (see `tests/vectors/README.md`).

use iam::sigv4::AuthError;
use serde_json::Value;

use crate::support::{OneKey, Request, SIGNED_AT};

/// Cases whose path AWS's other services would normalize, signed as it is (as for Amazon S3).
const SIGNED_WITH_ANOTHER_PATH: [&str; 6] = [
    "get-relative-relative-unnormalized",
    "get-relative-unnormalized",
    "get-slash-dot-slash-unnormalized",
    "get-slash-pointless-dot-unnormalized",
    "get-slash-unnormalized",
    "get-slashes-unnormalized",
];

fn each_case(mut check: impl FnMut(&str, &OneKey, Request)) -> usize {
    let cases: Value = serde_json::from_str(include_str!("../vectors/v4.json")).unwrap();
    let cases = cases.as_array().unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let token = case["token"].as_str();
        let keys = OneKey::new(token.map(|token| (token, SIGNED_AT + 3600)));
        for kind in ["header", "query"] {
            let request = Request::parse(case[kind].as_str().unwrap());
            check(&format!("{name}/{kind}"), &keys, request);
        }
    }
    cases.len()
}

#[test]
fn the_published_vectors_are_accepted() {
    let count = each_case(|name, keys, request| {
        let verified = request.verify(keys, SIGNED_AT);
        if SIGNED_WITH_ANOTHER_PATH
            .iter()
            .any(|other| name.starts_with(other))
        {
            assert_eq!(verified, Err(AuthError::SignatureDoesNotMatch), "{name}");
        } else {
            let arn = verified.map(|caller| caller.principal.arn.clone());
            assert_eq!(
                arn.as_deref(),
                Ok("arn:aws:iam::111122223333:user/alice"),
                "{name}"
            );
        }
    });
    assert_eq!(count, 38);
}

#[test]
fn the_published_vectors_are_refused_with_another_method_host_or_signature() {
    each_case(|name, keys, request| {
        let mut changed = request.clone();
        changed.method = "PUT".to_owned();
        assert_eq!(
            changed.verify(keys, SIGNED_AT),
            Err(AuthError::SignatureDoesNotMatch),
            "{name}"
        );

        let mut changed = request.clone();
        changed.set("host", "example.amazonaws.co");
        assert_eq!(
            changed.verify(keys, SIGNED_AT),
            Err(AuthError::SignatureDoesNotMatch),
            "{name}"
        );

        let mut changed = request;
        match changed.headers.get("authorization") {
            Some(_) => {
                let value = changed
                    .header("authorization")
                    .replace("Signature=", "Signature=0");
                changed.set("authorization", &value);
            }
            None => changed.query = changed.query.replace("Signature=", "Signature=0"),
        }
        assert_eq!(
            changed.verify(keys, SIGNED_AT),
            Err(AuthError::SignatureDoesNotMatch),
            "{name}"
        );
    });
}

#[test]
fn requests_signed_by_botocore_are_accepted() {
    let cases: Value = serde_json::from_str(include_str!("../vectors/botocore.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let token = case["token"].as_str();
        let keys = OneKey::new(token.map(|token| (token, SIGNED_AT + 3600)));
        let mut request = Request::parse(case["request"].as_str().unwrap());
        let verified = request.verify(&keys, SIGNED_AT);
        assert!(verified.is_ok(), "{}: {verified:?}", case["name"]);

        request.body.push(b' ');
        let refusal = request.verify(&keys, SIGNED_AT);
        assert_eq!(
            refusal,
            Err(AuthError::SignatureDoesNotMatch),
            "{}",
            case["name"]
        );
    }
}
