//! The bytes of policies per resource, which a quota limits: one sum for each entity that scopes
//! name as resource, and one for all policies that name none.

use serde::{Deserialize, Serialize};
use store::{ReadRecords, Record, WriteRecords, WriteTx};

use crate::entity::EntityRef;
use crate::error::{Error, ResourceType};
use crate::quota::Quotas;

/// The sum: parent = the policy store, id = `Type::"id"` of the resource, or
/// the empty text, as a JSON string.
#[derive(Serialize, Deserialize)]
struct ResourceBytesRecord {
    bytes: usize,
}

impl Record for ResourceBytesRecord {
    const KIND: &'static str = "vp.resource_bytes";
    const VERSION: u32 = 1;
}

/// Counts a change from `old` to `new` bytes, and refuses it when the sum would pass the quota.
pub(crate) fn change(
    tx: &mut dyn WriteTx,
    quotas: &Quotas,
    policy_store_id: &str,
    resource: Option<&EntityRef>,
    old: usize,
    new: usize,
) -> Result<(), Error> {
    let id = resource.map(EntityRef::text).unwrap_or_default();
    // As JSON it has no NUL, which no document's id can have.
    let key = serde_json::Value::from(id.as_str()).to_string();
    let counted = tx.get_record::<ResourceBytesRecord>(policy_store_id, &key)?;
    let before = counted.map_or(0, |found| found.record.bytes);
    let bytes = before.saturating_sub(old).saturating_add(new);
    let limit = quotas.policy_bytes_per_resource;
    if bytes > limit && new > old {
        let text = match resource {
            Some(_) => format!(
                "The policies for the resource `{id}` can have at most {limit} bytes together."
            ),
            None => format!(
                "The policies that name no resource can have at most {limit} bytes together."
            ),
        };
        return Err(Error::quota(
            text,
            ResourceType::Policy,
            policy_store_id.to_owned(),
        ));
    }
    if bytes == 0 {
        tx.delete_record::<ResourceBytesRecord>(policy_store_id, &key)?;
        return Ok(());
    }
    tx.put_record(policy_store_id, &key, &ResourceBytesRecord { bytes })?;
    Ok(())
}
