//! Idempotency tokens: a create request that is sent again gets the first one's result.
//!
//! The result is written in the transaction that creates the resource, so a crash can never
//! leave one without the other. A token is remembered for eight hours.

use std::time::Duration;

use base::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{ReadRecords, ReadTx, Record, WriteRecords, WriteTx};

use crate::error::{Error, ResourceType};
use crate::micros;

const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);
/// Expired tokens that each new one removes, so that they go as fast as they come.
const SWEEP: usize = 4;

/// What a token stands for: parent = the policy store (or the world, for CreatePolicyStore),
/// id = operation and token.
#[derive(Serialize, Deserialize)]
struct IdempotencyRecord {
    fingerprint: String,
    #[serde(with = "micros")]
    created: Timestamp,
    resource_id: String,
    /// What was created, as the operation recorded it.
    result: serde_json::Value,
}

impl Record for IdempotencyRecord {
    const KIND: &'static str = "vp.idempotency";
    const VERSION: u32 = 1;
}

/// A create request with its token.
pub(crate) struct Idempotent {
    id: Option<String>,
    fingerprint: String,
    kind: ResourceType,
}

impl Idempotent {
    /// `input` without its token: equal inputs are equal requests.
    pub(crate) fn new<I: Serialize>(
        operation: &str,
        kind: ResourceType,
        token: Option<String>,
        input: &I,
    ) -> Self {
        // Inputs are maps of strings, so serializing cannot fail; were it to, no input is equal.
        let text = serde_json::to_vec(input).unwrap_or_default();
        let fingerprint = Sha256::digest(&text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            id: token.map(|token| format!("{operation}/{token}")),
            fingerprint,
            kind,
        }
    }

    /// The result of the request that came with this token before, if there was one;
    /// ConflictException when that was another request.
    pub(crate) fn earlier<R: DeserializeOwned>(
        &self,
        tx: &dyn ReadTx,
        parent: &str,
        now: Timestamp,
    ) -> Result<Option<R>, Error> {
        let Some(id) = &self.id else { return Ok(None) };
        let Some(found) = tx.get_record::<IdempotencyRecord>(parent, id)? else {
            return Ok(None);
        };
        let record = found.record;
        if is_expired(&record, now) {
            return Ok(None);
        }
        if record.fingerprint != self.fingerprint {
            return Err(Error::Conflict {
                message: "The client token was already used with different parameters.".to_owned(),
                resource: (record.resource_id, self.kind),
            });
        }
        // A result that this release cannot read counts as forgotten.
        Ok(serde_json::from_value(record.result).ok())
    }

    /// Remembers the result, in the transaction that creates the resource.
    pub(crate) fn remember<R: Serialize>(
        self,
        tx: &mut dyn WriteTx,
        parent: &str,
        now: Timestamp,
        resource_id: &str,
        result: &R,
    ) -> Result<(), Error> {
        let Some(id) = self.id else { return Ok(()) };
        for oldest in tx.list_records::<IdempotencyRecord>(parent, None, SWEEP)? {
            if is_expired(&oldest.record, now) {
                tx.delete_record::<IdempotencyRecord>(parent, &oldest.id)?;
            }
        }
        let record = IdempotencyRecord {
            fingerprint: self.fingerprint,
            created: now,
            resource_id: resource_id.to_owned(),
            result: serde_json::to_value(result).unwrap_or_default(),
        };
        tx.delete_record::<IdempotencyRecord>(parent, &id)?;
        tx.insert_record(parent, &id, &record)?;
        Ok(())
    }
}

fn is_expired(record: &IdempotencyRecord, now: Timestamp) -> bool {
    now >= record.created.plus(LIFETIME)
}
