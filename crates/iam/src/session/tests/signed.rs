//! Issued credentials with the official signer and the verifier.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::{Directory, IssuedCredentials, SessionKey};
use super::{NOW, at, issued, key, plain};
use crate::account::Accounts;
use crate::sigv4::{AuthError, Expected, RequestParts, verify};

const FILE: &str = r#"{ "AccountId": "111122223333", "RoleDetailList": [
    { "RoleName": "app", "Path": "/team/", "RoleId": "AROA1",
      "Arn": "arn:aws:iam::111122223333:role/team/app",
      "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" } ] } } ] }"#;

fn signed(credentials: &IssuedCredentials, token: Option<&str>, seconds: i64) -> HeaderMap {
    let identity = Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        token.map(str::to_owned),
        None,
        "test",
    )
    .into();
    let seconds = Duration::from_secs(seconds.try_into().unwrap());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("dsql")
        .time(SystemTime::UNIX_EPOCH + seconds)
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let uri = "https://localhost/cluster";
    let headers = [("host", "localhost")];
    let body = SignableBody::Bytes(b"");
    let request = SignableRequest::new("GET", uri, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
    let mut all =
        HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("localhost"))]);
    for (name, value) in instructions.headers() {
        let name: HeaderName = name.parse().unwrap();
        all.insert(name, HeaderValue::from_str(value).unwrap());
    }
    all
}

fn verified(
    headers: &HeaderMap,
    server_key: SessionKey,
    seconds: i64,
) -> Result<String, AuthError> {
    let accounts = Accounts::parse(FILE).ok().unwrap();
    let directory = Directory::new(accounts, Arc::new(server_key));
    let parts = RequestParts {
        method: "GET",
        path: "/cluster",
        query: "",
        headers,
        body: b"",
    };
    let expected = Expected {
        regions: None,
        service: "dsql",
    };
    let signed = verify(&parts, &directory, &expected, at(seconds))?;
    Ok(signed.caller.principal.arn.clone())
}

#[test]
fn a_request_signed_with_issued_credentials_is_the_sessions_until_it_ends() {
    let credentials = issued(&plain());
    let token = Some(credentials.session_token.as_str());
    let session = "arn:aws:sts::111122223333:assumed-role/app/nightly".to_owned();
    for (seconds, expected) in [
        (NOW, Ok(session.clone())),
        (NOW + 3_599, Ok(session)),
        (NOW + 3_600, Err(AuthError::ExpiredToken)),
    ] {
        let headers = signed(&credentials, token, seconds);
        assert_eq!(verified(&headers, key(), seconds), expected, "{seconds}");
    }
}

#[test]
fn without_its_token_or_with_another_server_key_it_is_unknown() {
    let credentials = issued(&plain());
    let token = credentials.session_token.as_str();
    for (token, server_key) in [
        (None, key()),
        (Some("other"), key()),
        (Some(token), SessionKey::new([8; 32])),
    ] {
        let headers = signed(&credentials, token, NOW);
        let found = verified(&headers, server_key, NOW);
        assert_eq!(found, Err(AuthError::UnrecognizedClient), "{token:?}");
    }
}
