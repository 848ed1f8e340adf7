//! The policy store that an operator names, who is in no Region and no account.

use std::collections::BTreeMap;

use base::Timestamp;
use frontdoor::Scope;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, WriteTx};

use crate::alias::{self, AliasRecord};
use crate::error::{Error, ResourceType};
use crate::policy::PolicyRecord;
use crate::policy::keys;
use crate::policy_store::{self, PolicyStoreRecord, world};
use crate::policy_template::TemplateRecord;
use crate::quota::Quotas;
use crate::schema;

/// The most characters of a policy store's id.
const MAX_ID: usize = 200;

/// A policy store that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The Region and the account.
    pub scope: Scope,
    /// The id.
    pub policy_store_id: String,
}

/// The policy stores of `scopes` that `reference` names, an id or a `policy-store-alias/…`.
///
/// # Errors
/// Those of the store.
pub fn find(
    tx: &dyn ReadTx,
    scopes: &[Scope],
    reference: &str,
    now: Timestamp,
) -> Result<Vec<Found>, Error> {
    let mut all = Vec::new();
    for scope in scopes {
        let id = match alias::is_alias(reference) {
            false => Ok(reference.to_owned()),
            true => alias::policy_store_of(tx, scope, now, reference),
        };
        let found = id.and_then(|id| policy_store::by_id(tx, scope, &id));
        match found {
            Ok(store) => all.push(Found {
                scope: scope.clone(),
                policy_store_id: store.id,
            }),
            Err(Error::NotFound(..)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// A policy store to create for an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewStore {
    /// Validate policies against the schema: mode STRICT, else OFF.
    pub strict: bool,
    /// An alias for it, with its prefix `policy-store-alias/`.
    pub alias: Option<String>,
}

impl NewStore {
    pub(super) fn insert(
        &self,
        tx: &mut dyn WriteTx,
        scope: &Scope,
        id: &str,
        quotas: &Quotas,
        now: Timestamp,
    ) -> Result<PolicyStoreRecord, Error> {
        check_id(id)?;
        let limit = quotas.policy_stores;
        if tx.count_records::<PolicyStoreRecord>(&world(scope))? >= limit as u64 {
            let text = format!("An account can have at most {limit} policy stores in a Region.");
            return Err(Error::quota(text, ResourceType::PolicyStore, None));
        }
        // What is in a policy store is found by its id alone.
        let is_taken = !tx.list_records::<PolicyRecord>(id, None, 1)?.is_empty()
            || !tx.list_records::<TemplateRecord>(id, None, 1)?.is_empty()
            || schema::get(tx, id)?.is_some()
            || keys::are_complete(tx, id)?;
        if is_taken {
            let text = format!("The id `{id}` is taken in another Region or account.");
            return Err(Error::bare(text));
        }
        let record = PolicyStoreRecord {
            created: now,
            updated: now,
            strict: self.strict,
            description: None,
            deletion_protection: false,
            kms: None,
            tags: BTreeMap::new(),
        };
        policy_store::insert(tx, scope, id, &record)?;
        if let Some(alias) = &self.alias {
            alias::check(alias)?;
            if alias::find(tx, scope, now, alias)?.is_some() {
                return Err(Error::bare(format!("The alias `{alias}` is taken.")));
            }
            alias::put(tx, scope, alias, &AliasRecord::new(id, now))?;
        }
        Ok(record)
    }
}

/// Refuses an id that no policy store can have. The service's model lets `/` through, but the
/// store's own parents of records have it.
fn check_id(id: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=MAX_ID).contains(&id.len()) && id.chars().all(fits) {
        return Ok(());
    }
    let text = format!(
        "The id of a policy store has 1 to {MAX_ID} letters, digits, hyphens and underscores."
    );
    Err(Error::bare(text))
}
