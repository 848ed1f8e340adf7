//! How a policy's record gets into the store; its name and its bytes are the caller's.

use store::{WriteRecords, WriteTx};

use crate::error::Error;
use crate::policy::PolicyRecord;
use crate::policy::keys::{self, Named};

pub(super) fn insert(
    tx: &mut dyn WriteTx,
    policy_store_id: &str,
    id: &str,
    record: &PolicyRecord,
    named: Named<'_>,
) -> Result<(), Error> {
    tx.insert_keyed_record(policy_store_id, id, record, &keys::of(record, named))?;
    Ok(())
}

pub(super) fn put(
    tx: &mut dyn WriteTx,
    policy_store_id: &str,
    id: &str,
    record: &PolicyRecord,
    named: Named<'_>,
) -> Result<(), Error> {
    tx.put_keyed_record(policy_store_id, id, record, &keys::of(record, named))?;
    Ok(())
}
