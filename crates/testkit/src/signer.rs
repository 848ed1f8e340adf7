use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;

use crate::accounts::User;
use crate::app::REGION;

/// The host of every request; nobody listens there.
pub(crate) const HOST: &str = "treeline.test:4100";

/// Signs raw requests as the SDK does, for what the SDK cannot be made to send.
#[derive(Clone, Copy, Debug)]
pub struct Signer {
    /// Who signs.
    pub user: User,
    /// The signing name of the service.
    pub service: &'static str,
    /// The Region of the credential scope.
    pub region: &'static str,
    /// The time of the signature.
    pub at: SystemTime,
}

impl Signer {
    /// `request`, signed. All its headers are signed, but those that the SDK leaves out.
    pub fn sign(&self, request: http::Request<Bytes>) -> http::Request<Bytes> {
        let User {
            access_key_id,
            secret,
            ..
        } = self.user;
        let credentials = Credentials::new(access_key_id, secret, None, None, "testkit");
        self.sign_as(&credentials, request)
    }

    /// [`Signer::sign`] with these credentials instead of the user's, for instance of a session.
    pub fn sign_as(
        &self,
        credentials: &Credentials,
        mut request: http::Request<Bytes>,
    ) -> http::Request<Bytes> {
        let identity = credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.at)
            .settings(SigningSettings::default())
            .build()
            .expect("all parameters")
            .into();
        let uri = format!("http://{HOST}{}", request.uri());
        let text = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect();
        let pairs = headers.iter().map(|(name, value)| (&**name, &**value));
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), &uri, pairs, body);
        let signed = sign(signable.expect("a request"), &params).expect("a signature");
        let (instructions, _) = signed.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

/// A request of Verified Permissions, signed by the official signer: for what the SDK would not
/// send, and for benchmarks that leave the SDK out.
pub fn signed_request(
    user: User,
    at: SystemTime,
    operation: &str,
    body: impl Into<Bytes>,
) -> http::Request<Bytes> {
    let signer = Signer {
        user,
        service: "verifiedpermissions",
        region: REGION,
        at,
    };
    signer.sign(unsigned_request(operation, body))
}

/// A request of Verified Permissions without a signature.
pub fn unsigned_request(operation: &str, body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::post("/")
        .header("host", HOST)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("VerifiedPermissions.{operation}"))
        .body(body.into())
        .expect("a request")
}
