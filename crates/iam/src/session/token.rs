//! The security token: base64url of a version byte, the session as JSON, and the seal.

use std::collections::BTreeMap;

use base::{Entropy, Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;

use super::SessionKey;
use super::seal::Purpose;
use crate::Inheritance;
use crate::account::{BASE32, random};

const VERSION: u8 = 1;
/// The longest token that is issued, in characters: it has to fit into one HTTP header, and into
/// a presigned URL.
const LONGEST_ISSUED: usize = 8_192;
/// The longest token that is looked at, in characters.
const LONGEST_OPENED: usize = 16_384;

/// A session to be opened. What it may hold is for AssumeRole to check.
pub struct NewSession<'a> {
    /// The ARN of the role with its path.
    pub role_arn: &'a str,
    /// The unique id of the role: another role of the same name does not take its sessions over.
    pub role_id: &'a str,
    /// The name of the session.
    pub session_name: &'a str,
    /// The text of the inline session policy.
    pub policy: Option<&'a str>,
    /// The ARNs of managed policies that are session policies.
    pub policy_arns: Vec<String>,
    /// The session tags.
    pub tags: BTreeMap<String, String>,
    /// Which of the session tags go on to the next session when roles are chained.
    pub transitive_tag_keys: Vec<String>,
    /// `SourceIdentity`
    pub source_identity: Option<&'a str>,
    /// When the session ends; fractions of a second are dropped.
    pub expires: Timestamp,
}

/// The credentials of a session. It holds a secret and has no `Debug`.
pub struct IssuedCredentials {
    /// `ASIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: Secret,
    /// At most 8,192 characters of base64url.
    pub session_token: String,
    /// When they end, in whole seconds.
    pub expiration: Timestamp,
    /// How much of the longest possible token is used, in percent: `PackedPolicySize`.
    pub packed_policy_size: u8,
}

/// Session policies and session tags are too long for a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the session policies and session tags take {percent}% of the allowed size")]
pub struct PackedPolicyTooLarge {
    /// The size, in percent of the allowed one.
    pub percent: usize,
}

/// The session of a token whose seal is right. It holds a secret and has no `Debug`.
pub struct OpenedSession {
    /// The ARN of the role with its path.
    pub role_arn: String,
    /// The unique id of the role.
    pub role_id: String,
    /// The name of the session.
    pub session_name: String,
    /// The text of the inline session policy.
    pub policy: Option<String>,
    /// The ARNs of managed policies that are session policies.
    pub policy_arns: Vec<String>,
    /// The session tags.
    pub tags: BTreeMap<String, String>,
    /// Which of the session tags go on to the next session when roles are chained.
    pub transitive_tag_keys: Vec<String>,
    /// `SourceIdentity`
    pub source_identity: Option<String>,
    /// When the session ends. It may have ended.
    pub expires: Timestamp,
    /// The secret access key.
    pub secret_access_key: Secret,
}

impl OpenedSession {
    /// What the session hands on.
    pub(super) fn inheritance(&self) -> Inheritance {
        let keys = &self.transitive_tag_keys;
        let transitive = |key: &String| keys.iter().any(|known| known.eq_ignore_ascii_case(key));
        let mut transitive_tags = self.tags.clone();
        transitive_tags.retain(|key, _| transitive(key));
        Inheritance {
            transitive_tags,
            source_identity: self.source_identity.clone(),
        }
    }
}

/// The session in a token. The names are short since every request carries them.
#[derive(Deserialize)]
struct Payload {
    r: String,
    i: String,
    n: String,
    p: Option<String>,
    a: Vec<String>,
    t: BTreeMap<String, String>,
    k: Vec<String>,
    s: Option<String>,
    /// In seconds.
    e: i64,
}

/// Makes the credentials of a session. Nothing is stored: the token is the session, and the secret
/// access key follows from the key, the access key id and the token.
///
/// # Errors
///
/// When the token would be longer than 8,192 characters.
pub fn issue(
    key: &SessionKey,
    entropy: &dyn Entropy,
    session: &NewSession<'_>,
) -> Result<IssuedCredentials, PackedPolicyTooLarge> {
    let access_key_id = format!("ASIA{}", random::<16>(entropy, BASE32));
    let seconds = session.expires.unix_seconds();
    let payload = json!({
        "r": session.role_arn,
        "i": session.role_id,
        "n": session.session_name,
        "p": session.policy,
        "a": session.policy_arns,
        "t": session.tags,
        "k": session.transitive_tag_keys,
        "s": session.source_identity,
        "e": seconds,
    });
    let mut token = vec![VERSION];
    token.extend_from_slice(payload.to_string().as_bytes());
    let secret_access_key = secret(key, &access_key_id, &token);
    let seal = key.code(Purpose::Token, &access_key_id, &token);
    token.extend_from_slice(&*seal);
    let session_token = URL_SAFE_NO_PAD.encode(token);
    let percent = (session_token.len() * 100).div_ceil(LONGEST_ISSUED);
    let packed_policy_size = u8::try_from(percent)
        .ok()
        .filter(|percent| *percent <= 100)
        .ok_or(PackedPolicyTooLarge { percent })?;
    Ok(IssuedCredentials {
        access_key_id,
        secret_access_key,
        session_token,
        expiration: at(seconds),
        packed_policy_size,
    })
}

/// The session of a token: `None` unless this key has sealed it for this access key id. Whether it
/// has ended is not looked at.
pub fn open(key: &SessionKey, access_key_id: &str, token: &str) -> Option<OpenedSession> {
    if token.len() > LONGEST_OPENED {
        return None;
    }
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (body, seal) = token.split_last_chunk::<32>()?;
    let (&[VERSION], payload) = body.split_first_chunk::<1>()? else {
        return None;
    };
    if !key.seals(access_key_id, body, seal) {
        return None;
    }
    let payload: Payload = serde_json::from_slice(payload).ok()?;
    Some(OpenedSession {
        role_arn: payload.r,
        role_id: payload.i,
        session_name: payload.n,
        policy: payload.p,
        policy_arns: payload.a,
        tags: payload.t,
        transitive_tag_keys: payload.k,
        source_identity: payload.s,
        expires: at(payload.e),
        secret_access_key: secret(key, access_key_id, body),
    })
}

/// 30 bytes, which are 40 characters of base64, as AWS's secrets are.
fn secret(key: &SessionKey, access_key_id: &str, body: &[u8]) -> Secret {
    let code = key.code(Purpose::Secret, access_key_id, body);
    let [bytes @ .., _, _] = &*code;
    Secret::new(STANDARD.encode(bytes))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds.saturating_mul(1_000_000))
}
