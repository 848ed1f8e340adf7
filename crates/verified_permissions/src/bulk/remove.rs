//! What the store has and the files do not.

use std::sync::Arc;

use store::{ReadRecords, ReadTx, Stored, StoredRef, WriteRecords, WriteTx};

use super::counts::{Event, How};
use super::import::{Failure, Session};
use super::item::Kind;
use crate::cedar::snapshot::Change;
use crate::error::{Error, ResourceType};
use crate::name::{self, TemplateNameRecord};
use crate::page::for_each;
use crate::policy::keys;
use crate::policy::{self, FoundPolicy, PolicyRecord};
use crate::policy_template::{self, TemplateRecord};

/// How many things one transaction removes.
const BATCH: usize = 1_000;

/// Something to remove.
pub(super) struct Removal {
    kind: Kind,
    id: String,
}

impl Session {
    /// The policies and templates that no file has, in batches: policies before templates. A
    /// template that a link of the files uses stays. So does a policy that says the same as one
    /// that a file has without an id or name.
    pub(super) fn removals(&self, tx: &dyn ReadTx) -> Result<Vec<Vec<Removal>>, Error> {
        let mut all = Vec::new();
        let prints = &self.contents.prints;
        tx.scan_records(&self.store_id, |stored: StoredRef<'_, PolicyRecord>| {
            let definition = &stored.record.definition;
            let is_kept = self.kept.contains(&prints.of(stored.id))
                || self
                    .contents
                    .nameless
                    .contains(&prints.of_definition(definition));
            if !is_kept {
                let kind = match stored.record.template_id() {
                    Some(_) => Kind::Link,
                    None => Kind::Policy,
                };
                let id = stored.id.to_owned();
                all.push(Removal { kind, id });
            }
            Ok::<_, Error>(())
        })?;
        for_each::<TemplateRecord>(tx, &self.store_id, |stored| {
            if !self.templates.kept.contains(&stored.id) {
                let (kind, id) = (Kind::Template, stored.id);
                all.push(Removal { kind, id });
            }
            Ok(())
        })?;
        let mut batches = Vec::new();
        while !all.is_empty() {
            let rest = all.split_off(all.len().min(BATCH));
            batches.push(std::mem::replace(&mut all, rest));
        }
        Ok(batches)
    }

    pub(super) fn remove(
        &mut self,
        tx: &mut dyn WriteTx,
        batch: Vec<Removal>,
    ) -> Result<(), Failure> {
        for removal in batch {
            let name = match removal.kind {
                Kind::Template => self.remove_template(tx, &removal.id),
                Kind::Policy | Kind::Link | Kind::Schema => self.remove_policy(tx, &removal.id),
            };
            match name {
                Ok(name) => {
                    let called = name.as_deref().unwrap_or(&removal.id);
                    self.note(How::Deleted, removal.kind, Some(called), None);
                }
                // Somebody else was quicker.
                Err(Error::NotFound(..)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.events.push(Event::Progress(self.counts));
        Ok(())
    }

    fn remove_policy(&mut self, tx: &mut dyn WriteTx, id: &str) -> Result<Option<String>, Error> {
        let policy: FoundPolicy = policy::resolve(tx, &self.store_id, id)?;
        policy::delete(tx, &self.service.options.quotas, &self.store_id, &policy)?;
        self.changes.push(Change::DeletePolicy(Arc::from(id)));
        Ok(policy.record.name)
    }

    /// Removes a template whose links are gone. One that was linked meanwhile is there to stay.
    fn remove_template(&mut self, tx: &mut dyn WriteTx, id: &str) -> Result<Option<String>, Error> {
        let template = policy_template::resolve(tx, &self.store_id, id)?;
        if !self.options.dry_run {
            keys::complete_here(tx, &self.store_id)?;
            let links = [vec![keys::template_key(id)]];
            let left: Vec<Stored<PolicyRecord>> =
                tx.list_keyed_records(&self.store_id, &links, None, 1)?;
            if !left.is_empty() {
                return Err(Error::NotFound(ResourceType::PolicyTemplate, id.to_owned()));
            }
        }
        let name = template.record.name;
        name::release::<TemplateNameRecord>(tx, &self.store_id, name.as_deref())?;
        tx.delete_record::<TemplateRecord>(&self.store_id, id)?;
        self.changes.push(Change::DeleteTemplate(Arc::from(id)));
        Ok(name)
    }
}
