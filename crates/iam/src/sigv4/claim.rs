//! What a request says about its signature, before anything of it is believed.

use std::borrow::Cow;

use base::{Region, Timestamp};
use http::{HeaderMap, header};

use super::date::{RequestTime, basic};
use super::query::Query;
use super::{AuthError, Expected};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a client's clock may be off, in seconds.
const SKEW: i64 = 5 * 60;
/// The longest life of a presigned request, in seconds: a week.
const LONGEST_LIFE: i64 = 604_800;

/// The authentication of a request, from its `Authorization` header or its query.
pub(super) struct Claim<'a> {
    algorithm: Cow<'a, str>,
    credential: Cow<'a, str>,
    pub(super) signed_headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    pub(super) time: RequestTime,
    pub(super) token: Option<Cow<'a, str>>,
    /// How long the signature stays valid, in seconds.
    life: i64,
    pub(super) presigned: bool,
}

impl<'a> Claim<'a> {
    /// Finds the authentication and checks that all its parts are there.
    pub(super) fn read(headers: &'a HeaderMap, query: &'a Query<'_>) -> Result<Self, AuthError> {
        let presigned = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"]
            .iter()
            .any(|name| query.get(name).is_some());
        match (headers.get(header::AUTHORIZATION), presigned) {
            (None, false) => Err(AuthError::MissingAuthenticationToken),
            (None, true) => Self::from_query(headers, query),
            (Some(_), true) if query.get("X-Amz-Algorithm").is_some() => Err(AuthError::invalid(
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as \
                 HTTP header.",
            )),
            (Some(value), _) => {
                Self::from_header(text(value.as_bytes()).unwrap_or_default(), headers, query)
            }
        }
    }

    fn from_header(
        authorization: &'a str,
        headers: &'a HeaderMap,
        query: &'a Query<'_>,
    ) -> Result<Self, AuthError> {
        // Signers write `a=b, c=d`, `a=b,c=d` and `a=b c=d`; AWS takes them all.
        let mut words = authorization
            .split([',', ' ', '\t'])
            .filter(|word| !word.is_empty());
        let algorithm = words.next().unwrap_or_default();
        let (mut credential, mut signature, mut signed_headers) = ("", "", "");
        for word in words {
            match word.split_once('=') {
                Some(("Credential", value)) => credential = value,
                Some(("Signature", value)) => signature = value,
                Some(("SignedHeaders", value)) => signed_headers = value,
                None if algorithm.starts_with("AWS4-") => {
                    return Err(AuthError::incomplete(
                        "Invalid key=value pair (missing equal-sign) in Authorization header.",
                    ));
                }
                Some(_) | None => {}
            }
        }
        let date = headers
            .get("x-amz-date")
            .or_else(|| headers.get(header::DATE));
        let there = [
            !credential.is_empty(),
            !signature.is_empty(),
            !signed_headers.is_empty(),
            date.is_some(),
        ];
        complete(there)?;
        let date = date
            .and_then(|value| text(value.as_bytes()))
            .unwrap_or_default();
        Ok(Self {
            algorithm: algorithm.into(),
            credential: credential.into(),
            signed_headers: signed_headers.into(),
            signature: signature.into(),
            time: request_time(date)?,
            token: token(headers).or_else(|| query.get("X-Amz-Security-Token")),
            life: SKEW,
            presigned: false,
        })
    }

    fn from_query(headers: &'a HeaderMap, query: &'a Query<'_>) -> Result<Self, AuthError> {
        let mut missing = String::new();
        let mut required = |name: &str| {
            let value = query.get(name).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| {
                missing.push_str("AWS query-string parameters must include '");
                missing.push_str(name);
                missing.push_str("'. ");
                Cow::Borrowed("")
            })
        };
        let algorithm = required("X-Amz-Algorithm");
        let credential = required("X-Amz-Credential");
        let signature = required("X-Amz-Signature");
        let signed_headers = required("X-Amz-SignedHeaders");
        let date = required("X-Amz-Date");
        if !missing.is_empty() {
            missing.push_str("Re-examine the query-string parameters.");
            return Err(AuthError::incomplete(missing));
        }
        Ok(Self {
            algorithm,
            credential,
            signed_headers,
            signature,
            time: request_time(&date)?,
            token: query.get("X-Amz-Security-Token").or_else(|| token(headers)),
            life: query
                .get("X-Amz-Expires")
                .map_or(Ok(SKEW), |text| life(&text))?,
            presigned: true,
        })
    }

    /// Whether the signature is made at a time that is acceptable now. Whole seconds count, as
    /// in the message.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), AuthError> {
        let text = |s: i64| basic(Timestamp::from_unix_micros(s.saturating_mul(1_000_000)));
        let (signed, now) = (self.time.at.unix_seconds(), now.unix_seconds());
        if signed < now - self.life {
            let (signed, edge, now) = (&self.time.basic, text(now - self.life), text(now));
            let life = match self.life % 60 {
                0 => format!("{} min.", self.life / 60),
                _ => format!("{} sec.", self.life),
            };
            return Err(AuthError::invalid(format!(
                "Signature expired: {signed} is now earlier than {edge} ({now} - {life})"
            )));
        }
        if signed > now + SKEW {
            let (signed, edge, now) = (&self.time.basic, text(now + SKEW), text(now));
            return Err(AuthError::invalid(format!(
                "Signature not yet current: {signed} is still later than {edge} ({now} + 5 min.)"
            )));
        }
        Ok(())
    }

    /// The credential scope, when the signature is of the one algorithm that is supported.
    pub(super) fn scope(&self) -> Result<Scope<'_>, AuthError> {
        if self.algorithm != ALGORITHM {
            let algorithm = &self.algorithm;
            return Err(AuthError::incomplete(format!(
                "Unsupported AWS 'algorithm': '{algorithm}' (only {ALGORITHM} for now). "
            )));
        }
        let mut elements = self.credential.split('/');
        let mut next = || elements.next();
        match (next(), next(), next(), next(), next(), next()) {
            (Some(access_key_id), Some(date), Some(region), Some(service), Some(end), None) => {
                Ok(Scope {
                    access_key_id,
                    date,
                    region,
                    service,
                    end,
                })
            }
            // The elements are not repeated: who mixes up id and secret would see the secret.
            _ => Err(AuthError::incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term",
            )),
        }
    }
}

/// `keyid/date/region/service/aws4_request`.
pub(super) struct Scope<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    end: &'a str,
}

impl Scope<'_> {
    /// The Region of the scope. Reports all that is wrong in one message, as AWS does.
    pub(super) fn check(
        &self,
        expected: &Expected<'_>,
        time: &RequestTime,
    ) -> Result<Region, AuthError> {
        let mut wrong = String::new();
        let served = |region: &Region| expected.regions.is_none_or(|all| all.contains(region));
        let region = self.region.parse().ok().filter(served);
        if region.is_none() {
            wrong.push_str("Credential should be scoped to a valid region. ");
        }
        if self.service != expected.service {
            let service = expected.service;
            wrong.push_str(&format!(
                "Credential should be scoped to correct service: '{service}'. "
            ));
        }
        if self.end != "aws4_request" {
            let end = self.end;
            wrong.push_str(&format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not \
                 '{end}'. "
            ));
        }
        if self.date != time.day() {
            let (date, day, basic) = (self.date, time.day(), &time.basic);
            wrong.push_str(&format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{date}' != '{day}', from '{basic}'. "
            ));
        }
        region
            .filter(|_| wrong.is_empty())
            .ok_or_else(|| AuthError::invalid(wrong))
    }
}

/// Reports which parts of the `Authorization` header are not there, all in one message.
fn complete(there: [bool; 4]) -> Result<(), AuthError> {
    let missing: Vec<_> = [
        "Authorization header requires 'Credential' parameter.",
        "Authorization header requires 'Signature' parameter.",
        "Authorization header requires 'SignedHeaders' parameter.",
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    ]
    .into_iter()
    .zip(there)
    .filter_map(|(sentence, there)| (!there).then_some(sentence))
    .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(AuthError::incomplete(missing.join(" ")))
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn token(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let token = headers.get("x-amz-security-token")?;
    Some(String::from_utf8_lossy(token.as_bytes()))
}

fn request_time(text: &str) -> Result<RequestTime, AuthError> {
    RequestTime::parse(text).ok_or_else(|| {
        AuthError::incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. \
             See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })
}

fn life(text: &str) -> Result<i64, AuthError> {
    match text.parse() {
        Ok(seconds @ 0..=LONGEST_LIFE) => Ok(seconds),
        Ok(..0) => Err(AuthError::incomplete("X-Amz-Expires must be non-negative")),
        Ok(_) => Err(AuthError::incomplete(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given \
             X-Amz-Expires must be less than 604800 seconds",
        )),
        Err(_) => Err(AuthError::incomplete("X-Amz-Expires should be a number")),
    }
}
