//! The slots: which there are, what they have, and who uses them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Conflicts;

/// The slots of a database, numbered from 1.
#[derive(Default)]
pub(super) struct Slots {
    /// Whether it is known what the database has of slots.
    pub(super) clean: bool,
    /// How often everything was removed.
    pub(super) generation: u64,
    free: Vec<i32>,
    count: i32,
    /// The relations that were asked for.
    has: HashMap<i32, HashSet<u32>>,
    /// The tables that are there.
    tables: HashMap<i32, Vec<u32>>,
    users: HashMap<i32, i32>,
}

impl Slots {
    fn take(&mut self, preferred: Option<i32>) -> i32 {
        let at = self.free.iter().position(|slot| Some(*slot) == preferred);
        // Else the one that was used last: what it needs is most likely there.
        let free = match at {
            Some(at) => Some(self.free.swap_remove(at)),
            None => self.free.pop(),
        };
        free.unwrap_or_else(|| {
            self.count += 1;
            self.count
        })
    }

    pub(super) fn has(&self, slot: i32, relation: u32) -> bool {
        let relations = self.has.get(&slot);
        relations.is_some_and(|relations| relations.contains(&relation))
    }

    /// Something is about to be made in a slot, and may be there even if nobody hears of it.
    pub(super) fn making(&mut self, slot: i32) {
        self.has.entry(slot).or_default();
    }

    pub(super) fn made(&mut self, slot: i32, relation: u32, tables: Vec<u32>) {
        self.has.entry(slot).or_default().insert(relation);
        self.tables.insert(slot, tables);
    }

    pub(super) fn relations(&self, slot: i32) -> Vec<u32> {
        self.tables.get(&slot).cloned().unwrap_or_default()
    }

    /// The processes of those who use slots; `None` when the database has nothing of slots.
    pub(super) fn in_use(&self) -> Option<Vec<i32>> {
        (!self.clean || !self.has.is_empty()).then(|| self.users.values().copied().collect())
    }

    pub(super) fn dropped(&mut self) {
        self.has.clear();
        self.tables.clear();
        self.clean = true;
        self.generation += 1;
    }
}

/// A slot that one transaction uses.
pub(crate) struct Lease {
    conflicts: Arc<Conflicts>,
    /// Its number.
    pub(crate) slot: i32,
    generation: u64,
}

impl Lease {
    pub(super) fn new(conflicts: &Arc<Conflicts>, preferred: Option<i32>) -> Self {
        let mut slots = conflicts.slots();
        Self {
            slot: slots.take(preferred),
            generation: slots.generation,
            conflicts: Arc::clone(conflicts),
        }
    }

    /// The tables that the slot has; `None` if what it had was removed since.
    pub(crate) fn relations(&self) -> Option<Vec<u32>> {
        let slots = self.conflicts.slots();
        (slots.generation == self.generation).then(|| slots.relations(self.slot))
    }

    /// Says whose backend uses it.
    pub(crate) fn used_by(&self, process: i32) {
        self.conflicts.slots().users.insert(self.slot, process);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut slots = self.conflicts.slots();
        slots.users.remove(&self.slot);
        slots.free.push(self.slot);
    }
}
