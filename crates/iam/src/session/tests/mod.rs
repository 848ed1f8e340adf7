use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Entropy, Timestamp};
use sha2::{Digest, Sha256};

use super::{IssuedCredentials, NewSession, SessionKey, issue};

mod directory;
mod signed;
mod tampering;
mod token;

/// 2026-01-01T00:00:00Z
const NOW: i64 = 1_767_225_600;
const ROLE: &str = "arn:aws:iam::111122223333:role/team/app";

/// Random-looking bytes, others in every call.
struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let random = Sha256::digest(count.to_be_bytes());
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

fn entropy() -> Seeded {
    Seeded(AtomicU64::new(0))
}

fn key() -> SessionKey {
    SessionKey::new([7; 32])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(seconds * 1_000_000)
}

/// A session of the role for an hour, without session policies and tags.
fn plain() -> NewSession<'static> {
    NewSession {
        role_arn: ROLE,
        role_id: "AROA1",
        session_name: "nightly",
        policy: None,
        policy_arns: Vec::new(),
        tags: BTreeMap::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        expires: at(NOW + 3_600),
    }
}

fn issued(session: &NewSession<'_>) -> IssuedCredentials {
    issue(&key(), &entropy(), session).unwrap()
}
