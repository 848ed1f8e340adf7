//! A request that can be changed, a table of keys, and the official signer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base::{Secret, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue};
use iam::policy::PrincipalPolicies;
use iam::sigv4::{AuthError, Expected, RequestParts, verify};
use iam::{Caller, Credential, Inheritance, Keys, Principal, PrincipalKind, Session};

pub(crate) const ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const SERVICE: &str = "service";
/// 2015-08-30T12:36:00Z, the time of the AWS test suite.
pub(crate) const SIGNED_AT: i64 = 1_440_938_160;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000)
}

/// One key: `AKIDEXAMPLE`, or the same as a session.
pub(crate) struct OneKey(Arc<Credential>);

impl OneKey {
    pub(crate) fn new(session: Option<(&str, i64)>) -> Self {
        Self(Arc::new(Credential {
            access_key_id: ID.into(),
            secret: Secret::new(SECRET.to_owned()).into(),
            session: session.map(|(token, expires)| Session {
                token: Secret::new(token.to_owned()),
                expires: at(expires),
            }),
            principal: Arc::new(Principal {
                account: "111122223333".parse().unwrap(),
                arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
                user_id: "AIDAEXAMPLEALICE00001".to_owned(),
                kind: PrincipalKind::User {
                    name: "alice".to_owned(),
                },
                tags: BTreeMap::new(),
                organization: None,
                inheritance: Inheritance::default(),
                policies: PrincipalPolicies::default(),
            }),
        }))
    }
}

impl Keys for OneKey {
    fn find(&self, access_key_id: &str, _: Option<&str>) -> Option<Arc<Credential>> {
        (*self.0.access_key_id == *access_key_id).then(|| Arc::clone(&self.0))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: body.to_vec(),
        };
        for (name, value) in headers {
            request.append(name, value);
        }
        request
    }

    /// Reads a request as the test suite writes it: an HTTP/1 message without carriage returns.
    pub(crate) fn parse(message: &str) -> Self {
        let (head, body) = message.split_once("\n\n").unwrap();
        // A header may go on in the next line, which then starts with a space.
        let head = head.replace("\n ", "  ");
        let mut lines = head.lines();
        let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap();
        let headers: Vec<_> = lines.map(|line| line.split_once(':').unwrap()).collect();
        Self::new(method, target, &headers, body.as_bytes())
    }

    pub(crate) fn append(&mut self, name: &str, value: &str) {
        let name: HeaderName = name.parse().unwrap();
        self.headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name: HeaderName = name.parse().unwrap();
        self.headers
            .insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    pub(crate) fn verify(&self, keys: &dyn Keys, now: i64) -> Result<Caller, AuthError> {
        self.verify_for(keys, REGION, SERVICE, now)
    }

    pub(crate) fn verify_for(
        &self,
        keys: &dyn Keys,
        region: &str,
        service: &str,
        now: i64,
    ) -> Result<Caller, AuthError> {
        let parts = RequestParts {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        };
        let expected = Expected {
            regions: Some(&[region.parse().unwrap()]),
            service,
        };
        verify(&parts, keys, &expected, at(now)).map(|signed| {
            assert_eq!(signed.region.as_str(), region);
            signed.caller
        })
    }

    /// Signs with the crate of AWS at [`SIGNED_AT`]; `settings` says how.
    pub(crate) fn sign(self, token: Option<&str>, settings: SigningSettings) -> Self {
        let body = self.body.clone();
        self.sign_body(token, settings, SignableBody::Bytes(&body))
    }

    pub(crate) fn sign_body(
        mut self,
        token: Option<&str>,
        settings: SigningSettings,
        body: SignableBody<'_>,
    ) -> Self {
        let token = token.map(str::to_owned);
        let identity = Credentials::new(ID, SECRET, token, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(SERVICE)
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED_AT.unsigned_abs()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let host = self.header("host").to_owned();
        let mut signed = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("http://{host}{}", self.target()))
            .body(())
            .unwrap();
        *signed.headers_mut() = self.headers;
        let uri = signed.uri().to_string();
        let headers = signed
            .headers()
            .iter()
            .map(|(n, v)| (n.as_str(), v.to_str().unwrap()));
        let signable = SignableRequest::new(&self.method, &uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut signed);
        self.path = signed.uri().path().to_owned();
        self.query = signed.uri().query().unwrap_or_default().to_owned();
        self.headers = signed.headers().clone();
        self
    }
}

/// How the SDKs sign: in the headers.
pub(crate) fn in_headers() -> SigningSettings {
    SigningSettings::default()
}

/// How the SDKs presign: in the query, for `seconds`.
pub(crate) fn in_query(seconds: u64) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(seconds));
    settings
}

/// The call of an SDK, not yet signed.
pub(crate) fn sdk_call() -> Request {
    Request::new(
        "POST",
        "/",
        &[
            ("host", "127.0.0.1:8080"),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "VerifiedPermissions.IsAuthorized"),
            ("content-length", "25"),
            ("user-agent", "aws-sdk-rust/1.3 os/linux"),
        ],
        br#"{"policyStoreId":"PS123"}"#,
    )
}
