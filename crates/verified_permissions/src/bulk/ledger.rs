//! The bytes of policies per resource, added up over a batch, so that a resource that a thousand
//! policies name is read and written once.

use std::collections::HashMap;

use store::WriteTx;

use super::contents::{Print, Prints};
use super::import::Failure;
use crate::entity::EntityRef;
use crate::quota::Quotas;
use crate::resource_bytes;

#[derive(Default)]
pub(super) struct Ledger {
    entries: HashMap<Print, Entry>,
}

struct Entry {
    resource: Option<EntityRef>,
    old: usize,
    new: usize,
    /// The last thing that added bytes.
    at: String,
    settled: bool,
}

impl Ledger {
    /// Notes that the policies that name `resource` lose `old` and gain `new` bytes.
    pub(super) fn note(
        &mut self,
        prints: &Prints,
        resource: Option<&EntityRef>,
        (old, new): (usize, usize),
        at: &str,
    ) {
        let key = prints.of(resource.map(|entity| (&entity.entity_type, &entity.id)));
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            resource: resource.cloned(),
            old: 0,
            new: 0,
            at: String::new(),
            settled: false,
        });
        entry.old += old;
        entry.new += new;
        entry.settled = false;
        if new > 0 {
            at.clone_into(&mut entry.at);
        }
    }

    /// Writes the sums, and refuses those over the quota. In a dry run, whose transactions are
    /// undone, the sums go on over all batches.
    pub(super) fn settle(
        &mut self,
        tx: &mut dyn WriteTx,
        quotas: &Quotas,
        policy_store_id: &str,
        dry_run: bool,
    ) -> Result<(), Failure> {
        for entry in self.entries.values_mut().filter(|entry| !entry.settled) {
            let (resource, old, new) = (entry.resource.as_ref(), entry.old, entry.new);
            resource_bytes::change(tx, quotas, policy_store_id, resource, old, new)
                .map_err(|error| Failure::at(&entry.at, error))?;
            entry.settled = true;
        }
        if !dry_run {
            self.entries.clear();
        }
        Ok(())
    }
}
