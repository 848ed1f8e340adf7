use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;

use crate::app::{REGION, User};

/// A request of Verified Permissions, signed by the official signer: for what the SDK would not
/// send, and for benchmarks that leave the SDK out.
pub fn signed_request(
    user: User,
    at: SystemTime,
    operation: &str,
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let body = body.into();
    let mut request = Request::post("http://treeline.test/")
        .header("host", "treeline.test")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("VerifiedPermissions.{operation}"))
        .body(body)
        .expect("a request");
    let identity = Credentials::new(user.access_key_id, user.secret, None, None, "testkit").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("verifiedpermissions")
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .expect("signing parameters");
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("an ASCII header")));
    let signable = SignableRequest::new("POST", "/", headers, SignableBody::Bytes(request.body()))
        .expect("a signable request");
    let (instructions, _) = sign(signable, &params.into())
        .expect("a signature")
        .into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}
