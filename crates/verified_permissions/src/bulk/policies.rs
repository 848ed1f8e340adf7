//! Policies of an import, static and template-linked.

use cedar_policy::Policy;
use std::sync::Arc;
use store::{ReadTx, WriteRecords, WriteTx};

use super::batch::Refused;
use super::contents::Print;
use super::counts::How;
use super::import::Session;
use super::item::{Kind, LinkItem, Naming, StaticItem};
use super::templates::KnownTemplate;
use crate::cedar::snapshot::Change;
use crate::cedar::statement;
use crate::entity::{EntityRef, PolicyScope};
use crate::error::Error;
use crate::name::{self, PolicyNameRecord};
use crate::policy::keys::{self, Named};
use crate::policy::{self, Definition, FoundPolicy, PolicyRecord, Summaries};
use crate::policy_template;

/// What the store has of a policy of the files.
enum Existing {
    Nothing,
    /// Just that.
    Same,
    /// A policy with the same id or name that says something else.
    Other(Box<FoundPolicy>),
}

/// A policy that is to be written.
struct New {
    definition: Definition,
    /// What the scope names.
    principal: Option<EntityRef>,
    resource: Option<EntityRef>,
}

impl Session {
    pub(super) fn put_static(
        &mut self,
        tx: &mut dyn WriteTx,
        at: &str,
        item: &StaticItem,
    ) -> Result<(), Refused> {
        let content = self.contents.prints.of_statement(&item.statement);
        let is_same = |record: &PolicyRecord| is_same_static(item, record);
        let other = match self.existing_policy(tx, &item.naming, content, &is_same)? {
            Existing::Nothing => None,
            Existing::Other(policy) => Some(policy),
            Existing::Same => {
                self.note(How::Unchanged, Kind::Policy, None, Some(at));
                return Ok(());
            }
        };
        let quotas = &self.service.options.quotas;
        policy::check_size(&item.statement, quotas, &self.store_id)?;
        let parsed: Policy = statement::parse_static(&item.statement)?;
        if let Some(schema) = self.validator(tx)? {
            statement::validate_static(&parsed, &schema)?;
        }
        let scope = PolicyScope::from(&parsed);
        let principal = scope.principal.entity(None).cloned();
        let resource = scope.resource.entity(None).cloned();
        let described = other.as_ref().and_then(|other| description(&other.record));
        let definition = Definition::Static {
            description: item.description.clone().or(described),
            statement: item.statement.clone(),
            scope,
        };
        let new = New {
            definition,
            principal,
            resource,
        };
        self.write(tx, at, (&item.naming, Kind::Policy), other, new)?;
        Ok(())
    }

    pub(super) fn put_link(
        &mut self,
        tx: &mut dyn WriteTx,
        at: &str,
        item: &LinkItem,
    ) -> Result<(), Refused> {
        let template = self.template(tx, &item.template)?;
        let (principal, resource) = (item.principal.as_ref(), item.resource.as_ref());
        let content = self
            .contents
            .prints
            .of_link(&template.id, principal, resource);
        let is_same = |record: &PolicyRecord| is_same_link(item, &template.id, record);
        let other = match self.existing_policy(tx, &item.naming, content, &is_same)? {
            Existing::Nothing => None,
            Existing::Other(policy) => Some(policy),
            Existing::Same => {
                self.note(How::Unchanged, Kind::Link, None, Some(at));
                return Ok(());
            }
        };
        policy_template::check_arguments(&template.scope, principal, resource)?;
        self.validate_link(tx, &template, item)?;
        let definition = Definition::Linked {
            template_id: template.id.to_string(),
            principal: item.principal.clone(),
            resource: item.resource.clone(),
        };
        let new = New {
            definition,
            principal: template.scope.principal.entity(principal).cloned(),
            resource: template.scope.resource.entity(resource).cloned(),
        };
        self.write(tx, at, (&item.naming, Kind::Link), other, new)?;
        Ok(())
    }

    /// Validates a link against the schema. What Cedar's validator says of one depends on its
    /// template and on the types of the entities alone, unless an entity is an action.
    fn validate_link(
        &mut self,
        tx: &dyn ReadTx,
        template: &KnownTemplate,
        item: &LinkItem,
    ) -> Result<(), Error> {
        let Some(schema) = self.validator(tx)? else {
            return Ok(());
        };
        let part = |entity: &Option<EntityRef>| {
            entity.as_ref().map(|entity| {
                let name = entity.entity_type.as_str();
                let is_action = name == "Action" || name.ends_with("::Action");
                let id = is_action.then(|| entity.id.clone());
                (name.to_owned(), id)
            })
        };
        let parts = (&template.id, part(&item.principal), part(&item.resource));
        let print = self.contents.prints.of(parts);
        if self.validated.contains(&print) {
            return Ok(());
        }
        let slots = policy::slots(item.principal.as_ref(), item.resource.as_ref());
        statement::validate_link(&template.compiled, slots.unwrap_or_default(), &schema)?;
        self.validated.insert(print);
        Ok(())
    }

    fn existing_policy(
        &mut self,
        tx: &dyn ReadTx,
        naming: &Naming,
        content: Print,
        is_same: &dyn Fn(&PolicyRecord) -> bool,
    ) -> Result<Existing, Refused> {
        if naming.is_silent() {
            return Ok(match self.contents.is_present(content) {
                true => Existing::Same,
                false => Existing::Nothing,
            });
        }
        if self.contents.is_repeated("policy", naming, content)? {
            return Ok(Existing::Same);
        }
        for reference in [&naming.id, &naming.name].into_iter().flatten() {
            match policy::resolve(tx, &self.store_id, reference) {
                Ok(found) if is_same(&found.record) => {
                    self.keep(&found.id);
                    return Ok(Existing::Same);
                }
                Ok(found) => return Ok(Existing::Other(Box::new(found))),
                Err(Error::NotFound(..)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Existing::Nothing)
    }

    /// Creates a policy, or changes the one that there is. Unlike UpdatePolicy this changes
    /// anything of it: a file says what should be, not how it comes to be.
    fn write(
        &mut self,
        tx: &mut dyn WriteTx,
        at: &str,
        (naming, kind): (&Naming, Kind),
        other: Option<Box<FoundPolicy>>,
        new: New,
    ) -> Result<(), Error> {
        let called = naming.name.as_deref().or(naming.id.as_deref());
        let named = Named {
            principal: new.principal.as_ref(),
            resource: new.resource.as_ref(),
        };
        let how = if other.is_some() {
            How::Updated
        } else {
            How::Created
        };
        let prints = &self.contents.prints;
        let content = prints.of_definition(&new.definition);
        let before = other
            .as_ref()
            .map(|other| prints.of_definition(&other.record.definition));
        let (id, record) = match other {
            None => {
                let given = naming.id.clone();
                let id = given.unwrap_or_else(|| self.new_id());
                if let Some(name) = &naming.name {
                    name::claim::<PolicyNameRecord>(tx, &self.store_id, name, &id)?;
                }
                let record = PolicyRecord {
                    created: self.now,
                    updated: self.now,
                    name: naming.name.clone(),
                    definition: new.definition,
                };
                tx.insert_keyed_record(&self.store_id, &id, &record, &keys::of(&record, named))?;
                (id, record)
            }
            Some(other) => {
                let FoundPolicy { id, mut record } = *other;
                let old = Summaries::default()
                    .of(tx, &self.store_id, &record)?
                    .resource;
                let old = old.map(EntityRef::from);
                let bytes = (record.bytes(), 0);
                self.ledger
                    .note(&self.contents.prints, old.as_ref(), bytes, at);
                let wanted = naming.name.clone();
                record.name =
                    name::change::<PolicyNameRecord>(tx, &self.store_id, &id, record.name, wanted)?;
                record.definition = new.definition;
                record.updated = self.now;
                tx.put_keyed_record(&self.store_id, &id, &record, &keys::of(&record, named))?;
                (id, record)
            }
        };
        let bytes = (0, record.bytes());
        self.ledger
            .note(&self.contents.prints, named.resource, bytes, at);
        // A dry run's own changes are not there to be read; others are read with the store.
        if self.contents.is_loaded() || self.options.dry_run {
            self.contents.replace(before, content);
        }
        let change = Change::PutPolicy(Arc::from(id.as_str()), record.compile()?);
        self.changes.push(change);
        self.keep(&id);
        self.note(how, kind, called, Some(at));
        Ok(())
    }

    /// Notes that the policy is one of the files'.
    fn keep(&mut self, id: &str) {
        if self.options.delete {
            self.kept.insert(self.contents.prints.of(id));
        }
    }
}

fn description(record: &PolicyRecord) -> Option<String> {
    match &record.definition {
        Definition::Static { description, .. } => description.clone(),
        Definition::Linked { .. } => None,
    }
}

/// Whether the record has the name that the file gives, if it gives one.
fn has_name(naming: &Naming, record: &PolicyRecord) -> bool {
    naming
        .name
        .as_ref()
        .is_none_or(|name| record.name.as_ref() == Some(name))
}

/// Whether the record says what the file says; a file that is silent about the name or the
/// description leaves them.
fn is_same_static(item: &StaticItem, record: &PolicyRecord) -> bool {
    let Definition::Static {
        description,
        statement,
        ..
    } = &record.definition
    else {
        return false;
    };
    statement.trim() == item.statement.trim()
        && has_name(&item.naming, record)
        && item
            .description
            .as_ref()
            .is_none_or(|wanted| description.as_ref() == Some(wanted))
}

fn is_same_link(item: &LinkItem, template: &str, record: &PolicyRecord) -> bool {
    let Definition::Linked {
        template_id,
        principal,
        resource,
    } = &record.definition
    else {
        return false;
    };
    template_id == template
        && *principal == item.principal
        && *resource == item.resource
        && has_name(&item.naming, record)
}
