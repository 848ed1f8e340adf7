//! Idempotency tokens: a request that is sent again gets the first one's result.
//!
//! The result is written in the transaction that has the effect, so a crash can never leave one
//! without the other.

use std::marker::PhantomData;
use std::time::Duration;

use base::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{ReadRecords, ReadTx, Record, StoreError, WriteRecords, WriteTx};

use crate::micros;

/// How a service remembers tokens.
pub trait Tokens {
    /// The kind of the records. It must never change.
    const KIND: &'static str;
    /// How long a token is remembered.
    const LIFETIME: Duration;
    /// Expired tokens that each new one removes; from 2 on they go as fast as they come.
    const SWEEP: usize;
}

/// What a token stands for: id = operation, perhaps a resource, and token.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct TokenRecord<T> {
    fingerprint: String,
    #[serde(with = "micros")]
    created: Timestamp,
    resource_id: String,
    /// What came of it, as the operation recorded it.
    result: serde_json::Value,
    #[serde(skip)]
    tokens: PhantomData<T>,
}

impl<T: Tokens> Record for TokenRecord<T> {
    const KIND: &'static str = T::KIND;
    const VERSION: u32 = 1;
}

impl<T: Tokens> TokenRecord<T> {
    fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.created.plus(T::LIFETIME)
    }
}

/// Why an earlier result cannot be given.
#[derive(Debug)]
pub enum TokenError {
    /// The token came with another request before, which was about this resource.
    Reused {
        /// The resource's id, as it was remembered.
        resource_id: String,
    },
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A request with its token, if it has one.
#[derive(Clone)]
pub struct Idempotent<T> {
    id: Option<String>,
    fingerprint: String,
    tokens: PhantomData<T>,
}

impl<T: Tokens> Idempotent<T> {
    /// A request of `operation`, which is the operation's name, and the resource's id where tokens
    /// are remembered per resource. `input` is without its token: equal inputs are equal requests.
    pub fn new<I: Serialize>(operation: &str, token: Option<String>, input: &I) -> Self {
        // Inputs are maps of strings, so serializing cannot fail; were it to, no input is equal.
        let text = serde_json::to_vec(input).unwrap_or_default();
        let fingerprint = Sha256::digest(&text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            id: token.map(|token| format!("{operation}/{token}")),
            fingerprint,
            tokens: PhantomData,
        }
    }

    /// The result of the request that came with this token before, if there was one.
    ///
    /// # Errors
    /// [`TokenError::Reused`] when that was another request.
    pub fn earlier<R: DeserializeOwned>(
        &self,
        tx: &dyn ReadTx,
        parent: &str,
        now: Timestamp,
    ) -> Result<Option<R>, TokenError> {
        let Some(id) = &self.id else { return Ok(None) };
        let Some(found) = tx.get_record::<TokenRecord<T>>(parent, id)? else {
            return Ok(None);
        };
        let record = found.record;
        if record.is_expired(now) {
            return Ok(None);
        }
        if record.fingerprint != self.fingerprint {
            let resource_id = record.resource_id;
            return Err(TokenError::Reused { resource_id });
        }
        // A result that this release cannot read counts as forgotten.
        Ok(serde_json::from_value(record.result).ok())
    }

    /// Remembers the result, in the transaction that has the effect.
    ///
    /// # Errors
    /// The store's.
    pub fn remember<R: Serialize>(
        self,
        tx: &mut dyn WriteTx,
        parent: &str,
        now: Timestamp,
        resource_id: &str,
        result: &R,
    ) -> Result<(), StoreError> {
        let Some(id) = self.id else { return Ok(()) };
        for oldest in tx.list_records::<TokenRecord<T>>(parent, None, T::SWEEP)? {
            if oldest.record.is_expired(now) {
                tx.delete_record::<TokenRecord<T>>(parent, &oldest.id)?;
            }
        }
        let record = TokenRecord::<T> {
            fingerprint: self.fingerprint,
            created: now,
            resource_id: resource_id.to_owned(),
            result: serde_json::to_value(result).unwrap_or_default(),
            tokens: PhantomData,
        };
        tx.delete_record::<TokenRecord<T>>(parent, &id)?;
        tx.insert_record(parent, &id, &record)?;
        Ok(())
    }
}
