//! Templates of an import: put into the store, and found for the links.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base::resource_id;
use cedar_policy::Template;
use store::{ReadRecords, ReadTx, Revision, WriteRecords, WriteTx};

use super::batch::Refused;
use super::contents::Print;
use super::counts::How;
use super::import::Session;
use super::item::{Kind, TemplateItem};
use crate::cedar::snapshot::Change;
use crate::cedar::statement;
use crate::entity::PolicyScope;
use crate::error::{Error, ResourceType};
use crate::name::{self, TemplateNameRecord};
use crate::page::for_each;
use crate::policy_template::{self, TemplateRecord};

/// A template as links need it.
pub(super) struct KnownTemplate {
    pub(super) id: Arc<str>,
    pub(super) scope: PolicyScope,
    pub(super) compiled: Template,
    /// When it was written last.
    revision: Revision,
}

/// The templates that an import has met.
#[derive(Default)]
pub(super) struct Templates {
    /// By id, name or key.
    known: HashMap<String, Arc<KnownTemplate>>,
    /// Those of `known` that this transaction has looked at.
    fresh: HashSet<String>,
    /// The ids of the store's, by their statements, once they are read.
    by_content: Option<HashMap<Print, Vec<String>>>,
    /// The ids of those that the files have or use.
    pub(super) kept: HashSet<String>,
    created: usize,
}

impl Templates {
    pub(super) fn next_transaction(&mut self) {
        self.fresh.clear();
    }

    /// Notes what a template says now, and nothing else.
    fn says(&mut self, id: &str, content: Print) {
        let Some(all) = &mut self.by_content else {
            return;
        };
        for ids in all.values_mut() {
            ids.retain(|known| known != id);
        }
        all.entry(content).or_default().push(id.to_owned());
    }
}

/// The record that a template of a file would change, if there is one.
struct Existing {
    id: String,
    record: TemplateRecord,
}

impl Session {
    pub(super) fn put_template(
        &mut self,
        tx: &mut dyn WriteTx,
        at: &str,
        item: &TemplateItem,
    ) -> Result<(), Refused> {
        let content = self.contents.prints.of_statement(&item.statement);
        self.read_contents(tx)?;
        let called = item.naming.name.as_deref().or(item.naming.id.as_deref());
        if let Some(known) = self.repeated_template(item, content)? {
            if let Some(key) = &item.key {
                self.templates.known.insert(key.clone(), known);
            }
            self.note(How::Unchanged, Kind::Template, called, Some(at));
            return Ok(());
        }
        let existing = self.existing_template(tx, item, content)?;
        let (known, how) = match existing {
            None => (self.create_template(tx, item)?, How::Created),
            Some(existing) if is_same(item, &existing.record) => {
                let revision = tx.revision().map_err(Error::from)?;
                let compiled = existing.record.compile()?;
                let known = known(existing.id, existing.record.scope, compiled, revision);
                (known, How::Unchanged)
            }
            Some(existing) => (self.update_template(tx, item, existing)?, How::Updated),
        };
        self.templates.kept.insert(known.id.to_string());
        self.templates.says(&known.id, content);
        let known = Arc::new(known);
        let own = known.id.to_string();
        let references = [
            item.naming.id.as_ref(),
            item.naming.name.as_ref(),
            item.key.as_ref(),
        ];
        for reference in references.into_iter().flatten().chain([&own]) {
            self.templates
                .known
                .insert(reference.clone(), Arc::clone(&known));
            self.templates.fresh.insert(reference.clone());
        }
        self.note(how, Kind::Template, called, Some(at));
        Ok(())
    }

    /// Reads what the store's templates say, of which there are few, before anything of the
    /// files changes them.
    fn read_contents(&mut self, tx: &dyn ReadTx) -> Result<(), Error> {
        if self.templates.by_content.is_some() {
            return Ok(());
        }
        let mut all: HashMap<Print, Vec<String>> = HashMap::new();
        for_each::<TemplateRecord>(tx, &self.store_id, |stored| {
            let print = self.contents.prints.of_statement(&stored.record.statement);
            all.entry(print).or_default().push(stored.id);
            Ok(())
        })?;
        self.templates.by_content = Some(all);
        Ok(())
    }

    /// The template if the files have it for the second time. A dry run finds its own nowhere
    /// else.
    fn repeated_template(
        &mut self,
        item: &TemplateItem,
        content: Print,
    ) -> Result<Option<Arc<KnownTemplate>>, Refused> {
        let naming = &item.naming;
        let reference = if naming.is_silent() {
            self.id_by_content(content)
        } else if self.contents.is_repeated("template", naming, content)? {
            naming.id.clone().or_else(|| naming.name.clone())
        } else {
            None
        };
        let known = |reference: String| self.templates.known.get(&reference).cloned();
        Ok(reference.and_then(known))
    }

    /// The id of a template that says so.
    fn id_by_content(&self, content: Print) -> Option<String> {
        let all = self.templates.by_content.as_ref()?;
        all.get(&content)?.first().cloned()
    }

    fn existing_template(
        &mut self,
        tx: &dyn ReadTx,
        item: &TemplateItem,
        content: Print,
    ) -> Result<Option<Existing>, Error> {
        let id = match item.naming.is_silent() {
            true => self.id_by_content(content),
            false => None,
        };
        let named = [item.naming.id.clone(), item.naming.name.clone(), id];
        for reference in named.into_iter().flatten() {
            match policy_template::resolve(tx, &self.store_id, &reference) {
                Ok(found) => {
                    let (id, record) = (found.id, found.record);
                    return Ok(Some(Existing { id, record }));
                }
                Err(Error::NotFound(..)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn create_template(
        &mut self,
        tx: &mut dyn WriteTx,
        item: &TemplateItem,
    ) -> Result<KnownTemplate, Error> {
        let options = &self.service.options;
        let too_large = |text| Error::quota(text, ResourceType::PolicyTemplate, None);
        let allow_open = options.allow_unconstrained_template_scope;
        let (compiled, scope) = policy_template::parse(&item.statement, allow_open, too_large)?;
        let limit = options.quotas.policy_templates;
        // What a dry run would have created is not there to be counted.
        let assumed = if self.options.dry_run {
            self.templates.created
        } else {
            0
        };
        let count = tx.count_records::<TemplateRecord>(&self.store_id)? + assumed as u64;
        if count >= limit as u64 {
            let text = format!("A policy store can have at most {limit} policy templates.");
            return Err(Error::quota(text, ResourceType::PolicyTemplate, None));
        }
        if let Some(schema) = self.validator(tx)? {
            statement::validate_template(&compiled, &schema)?;
        }
        let given = item.naming.id.clone();
        let id = given.unwrap_or_else(|| resource_id(self.service.entropy.as_ref()));
        if let Some(name) = &item.naming.name {
            name::claim::<TemplateNameRecord>(tx, &self.store_id, name, &id)?;
        }
        let record = TemplateRecord {
            created: self.now,
            updated: self.now,
            name: item.naming.name.clone(),
            description: item.description.clone(),
            statement: item.statement.clone(),
            scope,
        };
        let revision = tx.insert_record(&self.store_id, &id, &record)?;
        self.templates.created += 1;
        Ok(self.published(id, record.scope, compiled, revision))
    }

    /// Changes a template, which keeps its scope: its links depend on it.
    fn update_template(
        &mut self,
        tx: &mut dyn WriteTx,
        item: &TemplateItem,
        existing: Existing,
    ) -> Result<KnownTemplate, Error> {
        let Existing { id, mut record } = existing;
        let too_large = |text| Error::field(statement::TEMPLATE_PATH, text);
        let (compiled, scope) = policy_template::parse(&item.statement, true, too_large)?;
        record
            .scope
            .check_update(&scope, statement::TEMPLATE_PATH, "policy template")?;
        if let Some(schema) = self.validator(tx)? {
            statement::validate_template(&compiled, &schema)?;
        }
        let wanted = item.naming.name.clone();
        record.name =
            name::change::<TemplateNameRecord>(tx, &self.store_id, &id, record.name, wanted)?;
        if let Some(description) = &item.description {
            record.description = Some(description.clone());
        }
        record.statement.clone_from(&item.statement);
        record.scope = scope;
        record.updated = self.now;
        let revision = tx.put_record(&self.store_id, &id, &record)?;
        Ok(self.published(id, record.scope, compiled, revision))
    }

    fn published(
        &mut self,
        id: String,
        scope: PolicyScope,
        compiled: Template,
        revision: Revision,
    ) -> KnownTemplate {
        self.validated.clear();
        let change = Change::PutTemplate(Arc::from(id.as_str()), Arc::new(compiled.clone()));
        self.changes.push(change);
        known(id, scope, compiled, revision)
    }

    /// The template that a link names. It is looked at once in each transaction, because others
    /// may change it meanwhile.
    pub(super) fn template(
        &mut self,
        tx: &dyn ReadTx,
        reference: &str,
    ) -> Result<Arc<KnownTemplate>, Error> {
        let known_one = self.templates.known.get(reference).cloned();
        // A dry run's own templates are not there to be looked at.
        let is_fresh = self.options.dry_run || self.templates.fresh.contains(reference);
        if let Some(template) = known_one.as_ref().filter(|_| is_fresh) {
            return Ok(Arc::clone(template));
        }
        let id = match &known_one {
            Some(template) => template.id.to_string(),
            None => name::resolve::<TemplateNameRecord>(tx, &self.store_id, reference)?,
        };
        let stored = tx
            .get_record::<TemplateRecord>(&self.store_id, &id)?
            .ok_or_else(|| Error::NotFound(ResourceType::PolicyTemplate, reference.to_owned()))?;
        let template = match known_one {
            Some(template) if template.revision >= stored.revision => template,
            Some(_) | None => {
                self.validated.clear();
                let compiled = stored.record.compile()?;
                Arc::new(known(id, stored.record.scope, compiled, stored.revision))
            }
        };
        self.templates.kept.insert(template.id.to_string());
        self.templates.fresh.insert(reference.to_owned());
        let entry = (reference.to_owned(), Arc::clone(&template));
        self.templates.known.extend([entry]);
        Ok(template)
    }
}

fn known(id: String, scope: PolicyScope, compiled: Template, revision: Revision) -> KnownTemplate {
    KnownTemplate {
        id: Arc::from(id),
        scope,
        compiled,
        revision,
    }
}

/// Whether the record says what the file says; a file that is silent about the name or the
/// description leaves them.
fn is_same(item: &TemplateItem, record: &TemplateRecord) -> bool {
    item.statement.trim() == record.statement.trim()
        && item
            .naming
            .name
            .as_ref()
            .is_none_or(|name| record.name.as_ref() == Some(name))
        && item
            .description
            .as_ref()
            .is_none_or(|description| record.description.as_ref() == Some(description))
}
