//! The schema of a policy store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, StoreError};

use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::statement::DEFINITION_PATH;
use crate::error::Error;
use crate::policy_store::PolicyStore;

/// The id of a policy store's one schema.
pub(crate) const ID: &str = "schema";

/// A schema: parent = the policy store, id = [`ID`].
#[derive(Serialize, Deserialize)]
pub(crate) struct SchemaRecord {
    #[serde(with = "resources::micros")]
    pub(crate) created: Timestamp,
    #[serde(with = "resources::micros")]
    pub(crate) updated: Timestamp,
    /// The text, byte for byte as it was put.
    pub(crate) json: String,
    pub(crate) namespaces: Vec<String>,
}

impl Record for SchemaRecord {
    const KIND: &'static str = "vp.schema";
    const VERSION: u32 = 1;
}

impl SchemaRecord {
    /// Whether `{}` was put, which deletes the schema: validation goes on against an empty
    /// schema, and GetSchema finds none.
    pub(crate) fn is_deleted(&self) -> bool {
        self.namespaces.is_empty()
    }
}

/// The record, if a schema was ever put.
pub(crate) fn get(tx: &dyn ReadTx, policy_store_id: &str) -> Result<Option<SchemaRecord>, Error> {
    Ok(tx
        .get_record::<SchemaRecord>(policy_store_id, ID)?
        .map(|found| found.record))
}

/// Compiled schemas by their text, so that writing many policies compiles a schema once.
#[derive(Default)]
pub(crate) struct SchemaCache {
    compiled: Mutex<HashMap<String, Arc<CompiledSchema>>>,
}

/// Schemas that are kept; when there are more, all are dropped and come back as they are used.
const CACHED: usize = 64;

impl SchemaCache {
    /// The schema of a policy store, compiled; `None` when none was ever put.
    pub(crate) fn get(
        &self,
        tx: &dyn ReadTx,
        policy_store_id: &str,
    ) -> Result<Option<Arc<CompiledSchema>>, Error> {
        let Some(record) = get(tx, policy_store_id)? else {
            return Ok(None);
        };
        self.compile(record.json).map(Some).map_err(|_| {
            StoreError::Corrupt {
                kind: SchemaRecord::KIND,
                part: "the schema does not compile",
            }
            .into()
        })
    }

    /// What the policies of a policy store are validated against: nothing in mode OFF. In mode
    /// STRICT without a schema everything fails.
    pub(crate) fn for_validation(
        &self,
        tx: &dyn ReadTx,
        store: &PolicyStore,
    ) -> Result<Option<Arc<CompiledSchema>>, Error> {
        const NO_SCHEMA: &str = "No schema present - automatically failing all validation.";
        if !store.record.strict {
            return Ok(None);
        }
        let schema = self.get(tx, &store.id)?;
        schema
            .ok_or_else(|| Error::field(DEFINITION_PATH, NO_SCHEMA))
            .map(Some)
    }

    /// The schema with this text.
    pub(crate) fn compile(&self, json: String) -> Result<Arc<CompiledSchema>, Error> {
        let lock = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = lock().get(&json) {
            return Ok(Arc::clone(schema));
        }
        let schema = Arc::new(CompiledSchema::compile(&json)?);
        let mut compiled = lock();
        if compiled.len() >= CACHED {
            compiled.clear();
        }
        compiled.insert(json, Arc::clone(&schema));
        Ok(schema)
    }
}
