use http::HeaderMap;
use model::sts::{OPERATIONS, SERVICE};
use model::{dsql, verified_permissions};
use serde_json::json;

use super::*;
use crate::shape_check::shape_check;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

fn operation(name: &str) -> &'static OperationModel {
    OPERATIONS.iter().find(|it| it.name == name).unwrap()
}

fn headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

fn assume_role(form: &str) -> Result<Value, Rejection> {
    parse_request(operation("AssumeRole"), form)
}

#[test]
fn the_form_names_the_operation() {
    for (form, name) in [
        ("Action=AssumeRole&Version=2011-06-15", Some("AssumeRole")),
        (
            "Version=2011-06-15&RoleArn=a&Action=AssumeRole",
            Some("AssumeRole"),
        ),
        ("Action=AssumeRole", Some("AssumeRole")),
        ("Action=Unheard+Of&Version=2011-06-15", Some("Unheard Of")),
        ("Action=&Version=2011-06-15", Some("")),
        ("Action=AssumeRole&Version=2010-05-08", None),
        ("Action=AssumeRole&Version=", None),
        ("action=AssumeRole&Version=2011-06-15", None),
        ("Version=2011-06-15", None),
        ("Action=%FF", None),
        ("", None),
        ("{\"Action\":\"AssumeRole\"}", None),
    ] {
        let posted = Incoming {
            method: &Method::POST,
            path: "/",
            query: "",
            headers: &headers("application/x-www-form-urlencoded; charset=utf-8"),
            body: form.as_bytes(),
        };
        let presigned = Incoming {
            method: &Method::GET,
            path: "/",
            query: form,
            headers: &HeaderMap::new(),
            body: b"",
        };
        for incoming in [posted, presigned] {
            let found = operation_name(&SERVICE, &incoming);
            assert_eq!(found.as_deref(), name, "{} {form}", incoming.method);
            for other in [&dsql::SERVICE, &verified_permissions::SERVICE] {
                assert_eq!(operation_name(other, &incoming), None);
            }
        }
    }
}

#[test]
fn only_a_form_at_the_root_counts() {
    let form = "Action=AssumeRole";
    for (method, path, content_type, is_form) in [
        (Method::POST, "/", "application/x-www-form-urlencoded", true),
        (
            Method::POST,
            "/",
            "Application/X-WWW-Form-URLencoded ;charset=utf-8",
            true,
        ),
        (Method::POST, "/", "application/json", false),
        (
            Method::POST,
            "/",
            "application/x-www-form-urlencodedx",
            false,
        ),
        (
            Method::POST,
            "/cluster",
            "application/x-www-form-urlencoded",
            false,
        ),
        (Method::PUT, "/", "application/x-www-form-urlencoded", false),
        (Method::GET, "/cluster", "text/plain", false),
    ] {
        let incoming = Incoming {
            method: &method,
            path,
            query: "",
            headers: &headers(content_type),
            body: form.as_bytes(),
        };
        let found = super::form(&incoming);
        assert_eq!(
            found,
            is_form.then_some(form),
            "{method} {path} {content_type}"
        );
    }
    let not_utf8 = Incoming {
        method: &Method::POST,
        path: "/",
        query: form,
        headers: &headers(FORM),
        body: b"Action=\xff",
    };
    assert_eq!(super::form(&not_utf8), None);
}

/// The form that botocore writes.
#[test]
fn an_input_is_read_from_what_an_sdk_sends() {
    let form = "Action=AssumeRole&Version=2011-06-15\
        &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=s%40x\
        &DurationSeconds=900&Tags.member.1.Key=Project+name&Tags.member.1.Value=a%2Fb%3D%C3%A4\
        &Tags.member.2.Key=k&Tags.member.2.Value=&TransitiveTagKeys=\
        &PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FP\
        &ProvidedContexts.member.1.ProviderArn=arn%3Aaws%3Aiam%3A%3Aaws%3AcontextProvider%2Fx\
        &Policy=%7B%22a%22%3A+1%7D";
    let expected = json!({
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "RoleSessionName": "s@x",
        "DurationSeconds": 900,
        "Tags": [{"Key": "Project name", "Value": "a/b=ä"}, {"Key": "k", "Value": ""}],
        "TransitiveTagKeys": [],
        "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/P"}],
        "ProvidedContexts": [{"ProviderArn": "arn:aws:iam::aws:contextProvider/x"}],
        "Policy": "{\"a\": 1}",
    });
    let input = assume_role(form).unwrap();
    assert_eq!(input, expected);
    assert_eq!(
        shape_check(operation("AssumeRole").input, input),
        Ok(expected)
    );
}

#[test]
fn parameters_are_put_to_their_places() {
    for (form, expected) in [
        ("", json!({})),
        ("&&Unknown=1&Tags&Un.known.1=2", json!({"Tags": []})),
        ("RoleArn=a&RoleArn=b", json!({"RoleArn": "b"})),
        ("roleArn=a", json!({})),
        ("RoleArn.x=a", json!({})),
        ("%52oleArn=a", json!({"RoleArn": "a"})),
        ("RoleArn", json!({"RoleArn": ""})),
        ("DurationSeconds=1x", json!({"DurationSeconds": "1x"})),
        ("DurationSeconds=", json!({"DurationSeconds": ""})),
        (
            "TransitiveTagKeys.member.10=c&TransitiveTagKeys.member.2=b&TransitiveTagKeys.member.1=a",
            json!({"TransitiveTagKeys": ["a", "b", "c"]}),
        ),
        (
            "TransitiveTagKeys.member.0=a&TransitiveTagKeys.member.-1=b\
             &TransitiveTagKeys.member.x=c&TransitiveTagKeys.1=d&TransitiveTagKeys.entry.1=e\
             &TransitiveTagKeys.member=f&TransitiveTagKeys.member.1.x=g",
            json!({"TransitiveTagKeys": []}),
        ),
        (
            "Tags.member.1.Key=a&Tags.member.1.key=b",
            json!({"Tags": [{"Key": "a"}]}),
        ),
        ("Tags.member.1=a", json!({"Tags": ["a"]})),
        ("Tags=a", json!({"Tags": "a"})),
        ("=a&.=b&..=c", json!({})),
    ] {
        assert_eq!(assume_role(form), Ok(expected), "{form}");
    }
}

#[test]
fn what_cannot_be_read_is_malformed() {
    let items = |count: usize| -> String {
        (1..=count)
            .map(|n| format!("&Tags.member.{n}.Key=k"))
            .collect()
    };
    let full = format!("{}&Tags.member.1.Value=v", items(1000));
    assert!(assume_role(&full).is_ok());
    for (form, part) in [
        (items(1001), "1000 items"),
        (vec!["a"; 65].join("."), "64 parts"),
        ("RoleArn=%FF".to_owned(), "'RoleArn'"),
    ] {
        let Err(Rejection::Malformed(message)) = assume_role(&form) else {
            panic!("{part}")
        };
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_success_is_wrapped_in_elements_named_after_the_operation() {
    let output = json!({"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/a&b"});
    let response = success("id-1", operation("GetCallerIdentity"), NAMESPACE, &output);
    assert_eq!(response.status(), StatusCode::OK);
    let header = |name| response.headers().get(name).unwrap();
    assert_eq!(header("content-type"), "text/xml");
    assert_eq!(header("x-amzn-requestid"), "id-1");
    assert_eq!(
        std::str::from_utf8(response.body()).unwrap(),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Account>123456789012</Account>\
         <Arn>arn:aws:iam::123456789012:user/a&amp;b</Arn></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
}

#[test]
fn a_failure_has_the_code_of_this_protocol() {
    let error = WireError::new("AccessDeniedException", StatusCode::FORBIDDEN, "a < b");
    let response = failure("id-2", NAMESPACE, &error);
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.headers().get("content-type").unwrap(), "text/xml");
    assert_eq!(
        std::str::from_utf8(response.body()).unwrap(),
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>AccessDenied</Code><Message>a &lt; b</Message></Error>\
         <RequestId>id-2</RequestId></ErrorResponse>"
    );
}

#[test]
fn common_errors_have_the_names_and_statuses_of_the_query_apis() {
    for (code, expected, status, fault) in [
        (
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            403,
            "Sender",
        ),
        (
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            403,
            "Sender",
        ),
        (
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
            403,
            "Sender",
        ),
        ("ExpiredTokenException", "ExpiredToken", 403, "Sender"),
        (
            "IncompleteSignatureException",
            "IncompleteSignature",
            400,
            "Sender",
        ),
        ("AccessDeniedException", "AccessDenied", 403, "Sender"),
        ("ThrottlingException", "Throttling", 400, "Sender"),
        (
            "InternalServerException",
            "InternalFailure",
            500,
            "Receiver",
        ),
        (
            "ServiceUnavailableException",
            "ServiceUnavailable",
            503,
            "Receiver",
        ),
        ("UnknownOperationException", "InvalidAction", 400, "Sender"),
        ("SerializationException", "MalformedInput", 400, "Sender"),
        (
            "PackedPolicyTooLarge",
            "PackedPolicyTooLarge",
            418,
            "Sender",
        ),
    ] {
        let response = failure(
            "id",
            NAMESPACE,
            &WireError::new(code, StatusCode::IM_A_TEAPOT, ""),
        );
        assert_eq!(response.status().as_u16(), status, "{code}");
        let body = std::str::from_utf8(response.body()).unwrap();
        let start = format!("<Type>{fault}</Type><Code>{expected}</Code>");
        assert!(body.contains(&start), "{body}");
    }
}

#[test]
fn a_rejection_is_a_validation_error() {
    let shape = operation("AssumeRole").input;
    for (form, message) in [
        (
            "RoleArn=short&RoleSessionName=ab&Tags.member.1.Key=k",
            "2 validation errors detected: Value with length 5 at 'roleArn' failed to satisfy \
             constraint: Member must have length between 20 and 2048, inclusive; Value at \
             'tags.1.member.value' failed to satisfy constraint: Member must not be null",
        ),
        (
            "RoleArn=arn:aws:iam::123456789012:role/r",
            "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: \
             Member must not be null",
        ),
        (
            "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=ab&DurationSeconds=x",
            "1 validation error detected: Value at 'durationSeconds' must be a 32-bit whole number",
        ),
        ("RoleArn=%FF", "'RoleArn' is not percent-encoded UTF-8"),
    ] {
        let checked = assume_role(form).and_then(|value| shape_check(shape, value));
        let error = rejection(checked.unwrap_err());
        assert_eq!(
            (error.code, error.status.as_u16()),
            ("ValidationError", 400)
        );
        assert_eq!(error.message, message);
        assert!(error.members.is_empty());
    }
}
