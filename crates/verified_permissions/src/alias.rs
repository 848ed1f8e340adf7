//! Policy store aliases: `policy-store-alias/…` names that stand for a policy store.

use std::time::Duration;

use base::{Arn, Timestamp};
use frontdoor::Scope;
use model::verified_permissions::types::{AliasState, PolicyStoreAliasItem};
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, WriteRecords, WriteTx};

use crate::error::{Error, ResourceType};
use crate::page::for_each;
use crate::policy_store::world;

const PREFIX: &str = "policy-store-alias/";
/// How long a soft-deleted alias keeps its name.
const RESERVATION: Duration = Duration::from_secs(24 * 60 * 60);

/// An alias: parent = the world, id = the alias's name with its prefix.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) policy_store_id: String,
    #[serde(with = "resources::micros")]
    pub(crate) created: Timestamp,
    /// When it was soft-deleted, in microseconds since the epoch.
    deleted: Option<i64>,
}

impl Record for AliasRecord {
    const KIND: &'static str = "vp.alias";
    const VERSION: u32 = 1;
}

/// The aliases of a policy store: parent = the policy store, id = the alias's name.
#[derive(Serialize, Deserialize)]
struct AliasOfStoreRecord {}

impl Record for AliasOfStoreRecord {
    const KIND: &'static str = "vp.alias_of_store";
    const VERSION: u32 = 1;
}

impl AliasRecord {
    pub(crate) fn new(policy_store_id: &str, now: Timestamp) -> Self {
        Self {
            policy_store_id: policy_store_id.to_owned(),
            created: now,
            deleted: None,
        }
    }

    fn state(&self) -> AliasState {
        if self.deleted.is_some() {
            AliasState::PendingDeletion
        } else {
            AliasState::Active
        }
    }

    /// Whether the alias is there: active, or still reserving its name.
    pub(crate) fn is_present(&self, now: Timestamp) -> bool {
        self.deleted
            .is_none_or(|at| now < Timestamp::from_unix_micros(at).plus(RESERVATION))
    }

    pub(crate) fn is_active(&self) -> bool {
        self.deleted.is_none()
    }

    pub(crate) fn to_item(&self, scope: &Scope, name: &str) -> PolicyStoreAliasItem {
        PolicyStoreAliasItem {
            alias_name: name.to_owned(),
            policy_store_id: self.policy_store_id.clone(),
            alias_arn: arn(scope, name),
            created_at: self.created,
            state: self.state(),
        }
    }
}

/// Whether a policy store reference is an alias.
pub(crate) fn is_alias(reference: &str) -> bool {
    reference.starts_with(PREFIX)
}

/// Checks an alias name: the prefix is mandatory and something must follow it.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    match name.strip_prefix(PREFIX) {
        Some(rest) if !rest.is_empty() => Ok(()),
        // The service reports this path without a slash.
        _ => Err(Error::field("aliasName", "Invalid format.")),
    }
}

/// The ARN of an alias; unlike a policy store's it has a Region.
pub(crate) fn arn(scope: &Scope, name: &str) -> String {
    let arn = Arn {
        partition: scope.region.partition(),
        service: "verifiedpermissions",
        region: scope.region.as_str(),
        account: scope.account.as_str(),
        resource: name,
    };
    arn.to_string()
}

/// The alias, if it is there.
pub(crate) fn find(
    tx: &dyn ReadTx,
    scope: &Scope,
    now: Timestamp,
    name: &str,
) -> Result<Option<AliasRecord>, Error> {
    let found = tx.get_record::<AliasRecord>(&world(scope), name)?;
    Ok(found
        .map(|found| found.record)
        .filter(|record| record.is_present(now)))
}

/// The policy store that an active alias stands for.
pub(crate) fn policy_store_of(
    tx: &dyn ReadTx,
    scope: &Scope,
    now: Timestamp,
    name: &str,
) -> Result<String, Error> {
    find(tx, scope, now, name)?
        .filter(AliasRecord::is_active)
        .map(|record| record.policy_store_id)
        .ok_or_else(|| Error::NotFound(ResourceType::PolicyStoreAlias, name.to_owned()))
}

/// Writes an alias, in place of an expired one.
pub(crate) fn put(
    tx: &mut dyn WriteTx,
    scope: &Scope,
    name: &str,
    record: &AliasRecord,
) -> Result<(), Error> {
    hard_delete(tx, scope, name)?;
    tx.insert_record(&world(scope), name, record)?;
    tx.insert_record(&record.policy_store_id, name, &AliasOfStoreRecord {})?;
    Ok(())
}

/// Marks an alias as deleted; its name stays reserved.
pub(crate) fn soft_delete(
    tx: &mut dyn WriteTx,
    scope: &Scope,
    now: Timestamp,
    name: &str,
) -> Result<(), Error> {
    let Some(mut record) = find(tx, scope, now, name)?.filter(AliasRecord::is_active) else {
        return Ok(());
    };
    record.deleted = Some(now.unix_micros());
    tx.put_record(&world(scope), name, &record)?;
    Ok(())
}

/// Removes an alias at once.
pub(crate) fn hard_delete(tx: &mut dyn WriteTx, scope: &Scope, name: &str) -> Result<(), Error> {
    if let Some(found) = tx.get_record::<AliasRecord>(&world(scope), name)? {
        tx.delete_record::<AliasRecord>(&world(scope), name)?;
        tx.delete_record::<AliasOfStoreRecord>(&found.record.policy_store_id, name)?;
    }
    Ok(())
}

/// The names of a policy store's aliases, deleted ones included.
pub(crate) fn names_of(tx: &dyn ReadTx, policy_store_id: &str) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for_each::<AliasOfStoreRecord>(tx, policy_store_id, |stored| {
        names.push(stored.id);
        Ok(())
    })?;
    Ok(names)
}

/// Removes the aliases of a policy store that is being deleted.
pub(crate) fn delete_all_of(
    tx: &mut dyn WriteTx,
    scope: &Scope,
    policy_store_id: &str,
) -> Result<(), Error> {
    for name in names_of(tx, policy_store_id)? {
        hard_delete(tx, scope, &name)?;
    }
    Ok(())
}
