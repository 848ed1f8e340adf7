//! Requests signed by the crate that the AWS SDK for Rust signs with.

use aws_sigv4::http_request::{PayloadChecksumKind, SessionTokenMode, SignableBody};

use crate::support::{ID, OneKey, Request, SIGNED_AT, in_headers, in_query, sdk_call};

const TARGETS: [&str; 24] = [
    "/",
    "//",
    "/a/./b/../c",
    "/a//b/",
    "/..",
    "/policy-stores/PS123/policies",
    "/tags/arn%3Aaws%3Adsql%3Aus-east-1%3A111122223333%3Acluster%2Fabc",
    "/a%20b/%E1%88%B4/%25",
    "/@:!$&'()*+,;=~-._",
    "/?a=1",
    "/?b=2&a=1",
    "/?a=2&a=1&a=10",
    "/?a-b=1&a=2&a.b=3",
    "/?Z=1&z=2&A=3",
    "/?flag",
    "/?flag=",
    "/?=value",
    "/?a=b=c",
    "/?a=x+y&b=x%20y&c=x%2By",
    "/?a=%2F%3a%7e~",
    "/?k=%E1%88%B4&%E1%88%B4=v",
    "/?a=1&&b=2&",
    "/?a=*'()!/:@?",
    "/path?Action=DbConnectAdmin&tagKeys=x&tagKeys=y",
];

#[test]
fn an_sdk_call_is_accepted() {
    let request = sdk_call().sign(None, in_headers());
    let caller = request.verify(&OneKey::new(None), SIGNED_AT).unwrap();
    assert_eq!(&*caller.access_key_id, ID);
    assert_eq!(caller.account().as_str(), "111122223333");
    assert_eq!(caller.principal.user_id, "AIDAEXAMPLEALICE00001");
}

#[test]
fn odd_paths_and_queries_are_accepted() {
    for target in TARGETS {
        for (settings, how) in [(in_headers(), "headers"), (in_query(900), "query")] {
            let unsigned = Request::new("GET", target, &[("host", "localhost:8080")], b"");
            let request = unsigned.sign(None, settings);
            let verified = request.verify(&OneKey::new(None), SIGNED_AT);
            assert!(verified.is_ok(), "{target} in {how}: {verified:?}");
        }
    }
}

#[test]
fn odd_headers_are_accepted() {
    for headers in [
        &[
            ("x-amz-meta", " two  spaces "),
            ("x-amz-meta", "again"),
            ("x-amz-meta", ""),
        ][..],
        &[
            ("a", "1,2"),
            ("a", "3"),
            ("b", "a=b; c=\"d   e\""),
            ("x-empty", ""),
        ],
        &[("date", "Sun, 30 Aug 2015 12:00:00 GMT"), ("cookie", "a=b")],
        &[
            ("content-type", "application/json; charset=utf-8"),
            ("x-amz-user-agent", "js"),
        ],
    ] {
        for (settings, how) in [(in_headers(), "headers"), (in_query(900), "query")] {
            let mut unsigned = Request::new("POST", "/", headers, b"body");
            unsigned.append("host", "localhost");
            let request = unsigned.sign(None, settings);
            let verified = request.verify(&OneKey::new(None), SIGNED_AT);
            assert!(verified.is_ok(), "{headers:?} in {how}: {verified:?}");
        }
    }
}

#[test]
fn session_tokens_are_accepted_signed_or_added_after_signing() {
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLE+token==";
    let keys = OneKey::new(Some((TOKEN, SIGNED_AT + 1)));
    for mode in [SessionTokenMode::Include, SessionTokenMode::Exclude] {
        for mut settings in [in_headers(), in_query(900)] {
            settings.session_token_mode = mode;
            let mut request = sdk_call().sign(Some(TOKEN), settings);
            if mode == SessionTokenMode::Exclude && !request.query.is_empty() {
                request.query.push_str("&X-Amz-Security-Token=AQoDYXdzEPT%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEXAMPLE%2Btoken%3D%3D");
            } else if mode == SessionTokenMode::Exclude {
                request.set("x-amz-security-token", TOKEN);
            }
            let verified = request.verify(&keys, SIGNED_AT);
            assert!(verified.is_ok(), "{mode:?} {}: {verified:?}", request.query);
        }
    }
}

#[test]
fn an_unsigned_payload_may_be_any_body() {
    for mut settings in [in_headers(), in_query(900)] {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let mut request = sdk_call().sign_body(None, settings, SignableBody::UnsignedPayload);
        if !request.query.is_empty() {
            request.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        }
        assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_ok());
        request.body = b"anything".to_vec();
        assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_ok());
    }
}

#[test]
fn a_declared_payload_hash_is_accepted_when_it_is_the_bodys() {
    let mut settings = in_headers();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let request = sdk_call().sign(None, settings);
    assert_eq!(request.header("x-amz-content-sha256").len(), 64);
    assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_ok());
}

#[test]
fn the_authorization_header_may_be_written_in_every_spacing() {
    let request = sdk_call().sign(None, in_headers());
    let written = request.header("authorization").to_owned();
    assert!(written.contains(", "));
    for separator in [",", " ", ",  ", " , ", ",\t"] {
        let mut request = request.clone();
        request.set("authorization", &written.replace(", ", separator));
        let verified = request.verify(&OneKey::new(None), SIGNED_AT);
        assert!(verified.is_ok(), "{separator:?}: {verified:?}");
    }
}

#[test]
fn signed_headers_may_be_listed_in_another_order_and_case() {
    let mut request = sdk_call().sign(None, in_headers());
    let listed = "content-length;content-type;host;x-amz-date;x-amz-target";
    let other = "x-amz-target;Host;Content-Type;content-length;X-Amz-Date";
    let written = request.header("authorization").to_owned();
    assert!(written.contains(listed), "{written}");
    request.set("authorization", &written.replace(listed, other));
    assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_ok());
}

#[test]
fn a_date_header_may_stand_in_for_x_amz_date() {
    // The signer insists on `x-amz-date`, so it is left unsigned here and then replaced: the time
    // is part of what is signed either way.
    let mut settings = in_headers();
    settings
        .excluded_headers
        .as_mut()
        .unwrap()
        .push("x-amz-date".into());
    let mut request = sdk_call().sign(None, settings);
    request.headers.remove("x-amz-date");
    for date in ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"] {
        request.set("date", date);
        let verified = request.verify(&OneKey::new(None), SIGNED_AT);
        assert!(verified.is_ok(), "{date}: {verified:?}");
    }
    request.set("date", "Sun, 30 Aug 2015 12:36:01 GMT");
    assert!(request.verify(&OneKey::new(None), SIGNED_AT).is_err());
}
