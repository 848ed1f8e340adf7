//! Contents by their fingerprints: what the store has and what the files have said, without
//! keeping any text of a million policies.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use store::{ReadRecords, ReadTx, StoredRef};

use crate::entity::EntityRef;
use crate::error::Error;
use crate::policy::{Definition, PolicyRecord};

use super::item::Naming;

/// 128 bits that stand for a content. The keys of the hash are random, so that nobody can choose
/// two contents with the same; by chance that happens to one of 10^26 imports of a million.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Print(u64, u64);

/// Makes fingerprints.
#[derive(Default)]
pub(super) struct Prints(RandomState, RandomState);

impl Prints {
    pub(super) fn of(&self, content: impl Hash) -> Print {
        Print(self.0.hash_one(&content), self.1.hash_one(&content))
    }

    /// Of a static policy or a template: its text without the space around it.
    pub(super) fn of_statement(&self, statement: &str) -> Print {
        self.of(("statement", statement.trim()))
    }

    pub(super) fn of_link(
        &self,
        template_id: &str,
        principal: Option<&EntityRef>,
        resource: Option<&EntityRef>,
    ) -> Print {
        self.of(("link", template_id, parts(principal), parts(resource)))
    }

    pub(super) fn of_definition(&self, definition: &Definition) -> Print {
        match definition {
            Definition::Static { statement, .. } => self.of_statement(statement),
            Definition::Linked {
                template_id,
                principal,
                resource,
            } => self.of_link(template_id, principal.as_ref(), resource.as_ref()),
        }
    }
}

fn parts(entity: Option<&EntityRef>) -> Option<(&str, &str)> {
    entity.map(|entity| (entity.entity_type.as_str(), entity.id.as_str()))
}

/// What is known of contents.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) prints: Prints,
    /// How many policies of the store say so, with what was added and replaced since; before
    /// the store is read, what a dry run did, which leaves no trace in the store.
    present: HashMap<Print, i64>,
    /// Whether `present` has what was in the store at the beginning.
    loaded: bool,
    /// What files say of ids and names.
    said: HashMap<Print, Print>,
    /// Contents that files give without an id or name.
    pub(super) nameless: HashSet<Print>,
}

/// Files say different things about the same id or name.
pub(super) struct SaidTwice;

impl Contents {
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Reads what the store has.
    pub(super) fn load(&mut self, tx: &dyn ReadTx, policy_store_id: &str) -> Result<(), Error> {
        tx.scan_records(policy_store_id, |stored: StoredRef<'_, PolicyRecord>| {
            let print = self.prints.of_definition(&stored.record.definition);
            *self.present.entry(print).or_default() += 1;
            Ok::<_, Error>(())
        })?;
        self.loaded = true;
        Ok(())
    }

    /// Notes that a file has this content without an id or name; whether it is there already.
    pub(super) fn is_present(&mut self, content: Print) -> bool {
        self.nameless.insert(content);
        self.present.get(&content).is_some_and(|count| *count > 0)
    }

    /// Notes that a policy was written, and what it said before.
    pub(super) fn replace(&mut self, old: Option<Print>, new: Print) {
        *self.present.entry(new).or_default() += 1;
        if let Some(old) = old {
            *self.present.entry(old).or_default() -= 1;
        }
    }

    /// Notes what a file says of an id or name; whether it has been said before, just so.
    pub(super) fn is_repeated(
        &mut self,
        group: &str,
        naming: &Naming,
        content: Print,
    ) -> Result<bool, SaidTwice> {
        let whole = self.prints.of((&naming.id, &naming.name, content));
        let mut repeated = false;
        for (what, text) in [("id", &naming.id), ("name", &naming.name)] {
            let Some(text) = text else { continue };
            let key = self.prints.of((group, what, text));
            match self.said.insert(key, whole) {
                None => {}
                Some(before) if before == whole => repeated = true,
                Some(_) => return Err(SaidTwice),
            }
        }
        Ok(repeated)
    }
}
