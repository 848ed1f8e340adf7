//! One transaction of an import.

use std::sync::Arc;

use store::{ReadTx, WriteRecords, WriteTx};

use super::contents::SaidTwice;
use super::counts::{Event, How};
use super::import::{Failure, Session};
use super::item::{Item, Kind, Naming, What};
use crate::cedar::compiled_schema::{self, CompiledSchema};
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::policy_store::PolicyStore;
use crate::schema::{self, SchemaRecord};

impl Session {
    pub(super) fn run(&mut self, tx: &mut dyn WriteTx, items: &[Item]) -> Result<(), Failure> {
        self.store(tx)?;
        for item in items {
            let Item { at, what } = item;
            if item.turn() < self.turn {
                return Err(Failure::told(at, "is out of order"));
            }
            self.turn = item.turn();
            item.check_shape().map_err(|text| Failure::told(at, text))?;
            let put = match what {
                What::Schema(json) => self.put_schema(tx, at, json),
                What::Template(template) => self.put_template(tx, at, template),
                What::Static(policy) => self.put_static(tx, at, policy),
                What::Link(link) => self.put_link(tx, at, link),
            };
            put.map_err(|refused| refused.into_failure(at))?;
        }
        let (quotas, dry_run) = (&self.service.options.quotas, self.options.dry_run);
        self.ledger.settle(tx, quotas, &self.store_id, dry_run)?;
        self.events.push(Event::Progress(self.counts));
        Ok(())
    }

    /// What policies are validated against: `None` in mode OFF.
    pub(super) fn validator(
        &mut self,
        tx: &dyn ReadTx,
    ) -> Result<Option<Arc<CompiledSchema>>, Error> {
        if let Some(validator) = &self.validator {
            return Ok(validator.clone());
        }
        let store: PolicyStore = self.store(tx)?;
        let validator = match &self.schema {
            Some(schema) => store.record.strict.then(|| Arc::clone(schema)),
            None => self.service.schemas.for_validation(tx, &store)?,
        };
        let same = match (&validator, &self.validated_against) {
            (Some(new), Some(old)) => Arc::ptr_eq(new, old),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            self.validated.clear();
            self.validated_against.clone_from(&validator);
        }
        self.validator = Some(validator.clone());
        Ok(validator)
    }

    fn put_schema(&mut self, tx: &mut dyn WriteTx, at: &str, json: &str) -> Result<(), Refused> {
        let quotas = &self.service.options.quotas;
        let namespaces = compiled_schema::check(json, quotas, &self.store_id)?;
        let content = self.contents.prints.of(normal(json));
        let naming = Naming {
            id: Some(schema::ID.to_owned()),
            name: None,
        };
        let repeated = self.contents.is_repeated("schema", &naming, content)?;
        let existing = schema::get(tx, &self.store_id)?.filter(|record| !record.is_deleted());
        let same = existing
            .as_ref()
            .is_some_and(|record| normal(&record.json) == normal(json));
        if same || repeated {
            self.note(How::Unchanged, Kind::Schema, None, Some(at));
            return Ok(());
        }
        let compiled = self.service.schemas.compile(json.to_owned())?;
        let record = SchemaRecord {
            created: existing.as_ref().map_or(self.now, |record| record.created),
            updated: self.now,
            json: json.to_owned(),
            namespaces,
        };
        tx.put_record(&self.store_id, schema::ID, &record)
            .map_err(Error::from)?;
        self.changes
            .push(Change::PutSchema(Some(Arc::clone(&compiled))));
        self.schema = self.options.dry_run.then_some(compiled);
        self.validator = None;
        let how = if existing.is_some() {
            How::Updated
        } else {
            How::Created
        };
        self.note(how, Kind::Schema, None, Some(at));
        Ok(())
    }
}

/// The text of a schema such that equal schemas have equal texts.
fn normal(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(value.to_string())
}

/// Why one thing is refused.
pub(super) enum Refused {
    /// By a rule of the service.
    Error(Error),
    /// By a rule of imports; the text says which.
    Told(String),
}

impl Refused {
    fn into_failure(self, at: &str) -> Failure {
        match self {
            Self::Error(error) => Failure::at(at, error),
            Self::Told(text) => Failure::told(at, text),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<SaidTwice> for Refused {
    fn from(SaidTwice: SaidTwice) -> Self {
        Self::Told("the files say something else about the same id or name before".to_owned())
    }
}
