//! Principals of tokens that were seen before.
//!
//! A client sends the same token with each request until it expires. What was found in it holds for
//! as long as the identity source, the schema and the keys that verified it are the same.

use std::sync::Arc;

use base::Timestamp;
use jwt::{KeysVersion, Providers};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::source::TokenSource;
use super::{TokenPrincipal, Tokens};
use crate::cedar::snapshot::Snapshot;

/// Bytes of memory for all of them.
const BYTES: u64 = 32 << 20;
/// Entries that are expected, for the size of the cache's table.
const EXPECTED: usize = 10_000;

/// Tokens by their hash, so that none stays in memory, and the identity source that they came to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    hash: [u8; 32],
    /// INVARIANT: the entry's principal keeps the source alive, so no other has this address.
    source: usize,
}

impl Key {
    pub(crate) fn new(tokens: &Tokens<'_>, source: &Arc<TokenSource>) -> Self {
        let mut hash = Sha256::new();
        for token in [tokens.identity, tokens.access] {
            // No token has a line break.
            hash.update(token.unwrap_or_default());
            hash.update("\n");
        }
        Self {
            hash: hash.finalize().into(),
            source: Arc::as_ptr(source) as usize,
        }
    }
}

#[derive(Clone)]
struct Entry {
    keys: KeysVersion,
    principal: Arc<TokenPrincipal>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Entry> for Weight {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        entry.principal.weight
    }
}

/// The principals of verified tokens.
pub(crate) struct Remembered(Cache<Key, Entry, Weight>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, BYTES, Weight))
    }
}

impl Remembered {
    /// The principal of these tokens, if all that it was made of still holds.
    pub(crate) fn get(
        &self,
        key: &Key,
        snapshot: &Snapshot,
        providers: &Providers,
        now: Timestamp,
    ) -> Option<Arc<TokenPrincipal>> {
        let Self(cache) = self;
        let entry = cache.get(key)?;
        let schema = entry.principal.schema.as_ref().map(Arc::as_ptr);
        let same_schema = schema == snapshot.schema.as_ref().map(Arc::as_ptr);
        let issuer = entry.principal.source.issuer.get()?;
        let holds = same_schema
            && now < entry.principal.expires
            && providers.is_current(&issuer.keys, entry.keys);
        holds.then_some(entry.principal)
    }

    pub(crate) fn insert(&self, key: Key, keys: KeysVersion, principal: Arc<TokenPrincipal>) {
        let Self(cache) = self;
        cache.insert(key, Entry { keys, principal });
    }
}
