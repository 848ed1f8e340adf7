//! The errors, as clients see them.

use iam::sigv4::AuthError;

use crate::support::{OneKey, REGION, Request, SERVICE, SIGNED_AT, in_headers, in_query, sdk_call};

fn refusal(request: &Request) -> (&'static str, String) {
    let error = request.verify(&OneKey::new(None), SIGNED_AT).unwrap_err();
    assert_eq!(error.status(), 403);
    (error.code(), error.to_string())
}

const INCOMPLETE: &str = "IncompleteSignatureException";
const INVALID: &str = "InvalidSignatureException";

#[test]
fn a_request_without_authentication_is_told_so() {
    let expected = (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token".into(),
    );
    assert_eq!(refusal(&sdk_call()), expected);
    let mut with_other_parameters = sdk_call();
    with_other_parameters.query = "X-Amz-Date=20150830T123600Z&a=b".to_owned();
    assert_eq!(refusal(&with_other_parameters), expected);
}

#[test]
fn fixed_messages_are_those_of_aws() {
    for (error, code, message) in [
        (
            AuthError::UnrecognizedClient,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            AuthError::ExpiredToken,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        (
            AuthError::SignatureDoesNotMatch,
            INVALID,
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        ),
    ] {
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        assert_eq!(error.status(), 403);
    }
}

#[test]
fn an_incomplete_authorization_header_is_told_what_is_missing() {
    const CREDENTIAL: &str = "Authorization header requires 'Credential' parameter.";
    const SIGNATURE: &str = "Authorization header requires 'Signature' parameter.";
    const SIGNED_HEADERS: &str = "Authorization header requires 'SignedHeaders' parameter.";
    const DATE: &str = "Authorization header requires existence of either a 'X-Amz-Date' or a \
                        'Date' header.";
    let all = [CREDENTIAL, SIGNATURE, SIGNED_HEADERS, DATE].join(" ");
    let not_a_pair = "Invalid key=value pair (missing equal-sign) in Authorization header.";
    for (authorization, message) in [
        ("", all.as_str()),
        ("AWS4-HMAC-SHA256", &all),
        ("Bearer abc.def", &all),
        ("Basic dXNlcjpwYXNz", &all),
        ("AWS AKID:c2lnbmF0dXJl", &all),
        (
            "AWS4-HMAC-SHA256 Credential=, Signature=, SignedHeaders=",
            &all,
        ),
        (
            "AWS4-HMAC-SHA256 credential=a, signature=b, signedheaders=c",
            &all,
        ),
        ("\u{e9}\u{0100}", &all),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e",
            &[SIGNATURE, SIGNED_HEADERS, DATE].join(" "),
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a, Signature=b, SignedHeaders=c",
            DATE,
        ),
        (
            "AWS4-HMAC-SHA256 Credential=AKID /20150830/us-east-1/x/aws4_request",
            not_a_pair,
        ),
    ] {
        let mut request = sdk_call();
        request.set("authorization", authorization);
        assert_eq!(
            refusal(&request),
            (INCOMPLETE, message.to_owned()),
            "{authorization}"
        );
    }
}

#[test]
fn an_incomplete_query_is_told_what_is_missing() {
    let signed = sdk_call().sign(None, in_query(900));
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
    ] {
        let mut request = signed.clone();
        let kept = request
            .query
            .split('&')
            .filter(|p| !p.starts_with(&format!("{name}=")));
        request.query = kept.collect::<Vec<_>>().join("&");
        let message = format!(
            "AWS query-string parameters must include '{name}'. Re-examine the query-string \
             parameters."
        );
        assert_eq!(refusal(&request), (INCOMPLETE, message));
    }
    let mut both = signed;
    both.set("authorization", "AWS4-HMAC-SHA256");
    assert_eq!(
        refusal(&both),
        (
            INVALID,
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP \
             header."
                .to_owned()
        )
    );
}

#[test]
fn wrong_dates_and_lives_are_told() {
    for (date, message) in [
        (
            "201",
            "Date must be in ISO-8601 'basic format'. Got '201'. See \
             http://en.wikipedia.org/wiki/ISO_8601",
        ),
        (
            "2015-08-30T12:36:00Z",
            "Date must be in ISO-8601 'basic format'. Got '2015-08-30T12:36:00Z'. See \
             http://en.wikipedia.org/wiki/ISO_8601",
        ),
    ] {
        let mut request = sdk_call().sign(None, in_headers());
        request.set("x-amz-date", date);
        assert_eq!(refusal(&request), (INCOMPLETE, message.to_owned()));
    }
    for (life, message) in [
        ("", "X-Amz-Expires should be a number"),
        ("1h", "X-Amz-Expires should be a number"),
        ("99999999999999999999", "X-Amz-Expires should be a number"),
        ("-1", "X-Amz-Expires must be non-negative"),
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given \
             X-Amz-Expires must be less than 604800 seconds",
        ),
    ] {
        let mut request = sdk_call().sign(None, in_query(900));
        request.query = request
            .query
            .replace("Expires=900", &format!("Expires={life}"));
        assert_eq!(refusal(&request), (INCOMPLETE, message.to_owned()));
    }
}

#[test]
fn each_wrong_part_of_the_credential_is_told() {
    const REGION: &str = "Credential should be scoped to a valid region. ";
    const SERVICE: &str = "Credential should be scoped to correct service: 'service'. ";
    const END: &str =
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. ";
    const DATE: &str = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version \
                        of date from HTTP: '20150831' != '20150830', from '20150830T123600Z'. ";
    const ELEMENTS: &str = "Credential must have exactly 5 slash-delimited elements, e.g. \
                            keyid/date/region/service/term";
    let all = [REGION, SERVICE, END, DATE].concat();
    for (scope, code, message) in [
        ("20150830/eu-west-1/service/aws4_request", INVALID, REGION),
        ("20150830/US-EAST-1/service/aws4_request", INVALID, REGION),
        ("20150830//service/aws4_request", INVALID, REGION),
        ("20150830/us-east-1/dsql/aws4_request", INVALID, SERVICE),
        ("20150830/us-east-1/service/aws5_request", INVALID, END),
        ("20150831/us-east-1/service/aws4_request", INVALID, DATE),
        ("20150831/eu-west-1/dsql/aws5_request", INVALID, &all),
        ("20150830/us-east-1/service", INCOMPLETE, ELEMENTS),
        (
            "20150830/us-east-1/service/aws4_request/",
            INCOMPLETE,
            ELEMENTS,
        ),
    ] {
        for settings in [in_headers(), in_query(900)] {
            let mut request = sdk_call().sign(None, settings);
            let signed = "20150830/us-east-1/service/aws4_request";
            if request.query.is_empty() {
                let changed = request.header("authorization").replace(signed, scope);
                request.set("authorization", &changed);
            } else {
                let encode = |text: &str| text.replace('/', "%2F");
                request.query = request.query.replace(&encode(signed), &encode(scope));
            }
            assert_eq!(refusal(&request), (code, message.to_owned()), "{scope}");
        }
    }
}

#[test]
fn a_request_for_another_region_or_service_is_refused() {
    for (region, service) in [("us-east-2", SERVICE), (REGION, "verifiedpermissions")] {
        let request = sdk_call().sign(None, in_headers());
        let error = request
            .verify_for(&OneKey::new(None), region, service, SIGNED_AT)
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("Credential should be scoped to "),
            "{error}"
        );
    }
}

#[test]
fn an_unsigned_host_is_refused() {
    let message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    let mut request = sdk_call().sign(None, in_headers());
    let without = request.header("authorization").replace("host;", "");
    request.set("authorization", &without);
    assert_eq!(refusal(&request), (INVALID, message.to_owned()));
}

#[test]
fn other_algorithms_are_named() {
    for algorithm in ["AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA512"] {
        let message =
            format!("Unsupported AWS 'algorithm': '{algorithm}' (only AWS4-HMAC-SHA256 for now). ");
        let mut request = sdk_call().sign(None, in_headers());
        let changed = request
            .header("authorization")
            .replace("AWS4-HMAC-SHA256", algorithm);
        // The scope of SigV4A has no Region.
        request.set("authorization", &changed.replace("us-east-1/", ""));
        assert_eq!(refusal(&request), (INCOMPLETE, message.clone()));

        let mut request = sdk_call().sign(None, in_query(900));
        request.query = request.query.replace("AWS4-HMAC-SHA256", algorithm);
        assert_eq!(refusal(&request), (INCOMPLETE, message));
    }
}

#[test]
fn no_message_repeats_a_signature_or_a_token() {
    let request = sdk_call().sign(Some("the-session-token"), in_headers());
    let signature = request
        .header("authorization")
        .split_once("Signature=")
        .unwrap()
        .1
        .to_owned();
    for (from, to) in [
        ("AWS4-", "AWS5-"),
        ("Credential=", "Credentials="),
        ("Signature=", "Signature"),
        ("Signature=", "Sig="),
        ("/us-east-1", ""),
        ("Signature=", "Signature=0"),
    ] {
        let mut request = request.clone();
        let changed = request.header("authorization").replace(from, to);
        request.set("authorization", &changed);
        let (_, message) = refusal(&request);
        assert!(
            !message.contains(&signature) && !message.contains("the-session-token"),
            "{message}"
        );
    }
}

/// Each name makes the verifier hash a header, also for keys that nobody has.
#[test]
fn a_header_is_signed_once_and_there_are_not_many() {
    let names: Vec<String> = (0..101).map(|at| format!("x-{at}")).collect();
    for (signed, message) in [
        ("host;a;a".to_owned(), "SignedHeaders names a header twice."),
        (
            "host;a;HOST".to_owned(),
            "SignedHeaders names a header twice.",
        ),
        (names.join(";"), "SignedHeaders names too many headers."),
    ] {
        let mut request = sdk_call().sign(None, in_headers());
        let header = request.header("authorization").to_owned();
        let (start, rest) = header.split_once("SignedHeaders=").unwrap();
        let (_, end) = rest.split_once(',').unwrap();
        request.set(
            "authorization",
            &format!("{start}SignedHeaders={signed},{end}"),
        );
        assert_eq!(
            refusal(&request),
            ("IncompleteSignatureException", message.to_owned())
        );
    }
}
