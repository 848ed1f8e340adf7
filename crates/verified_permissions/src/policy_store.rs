//! Policy stores: their record, and finding the one that a request names.

use std::collections::BTreeMap;

use base::{Arn, Timestamp};
use frontdoor::{RequestContext, Scope};
use model::verified_permissions::types::KmsEncryptionState;
use serde::{Deserialize, Serialize};
use store::{ReadRecords, ReadTx, Record, WriteRecords, WriteTx};

use crate::alias;
use crate::error::{Error, ResourceType};
use crate::policy;

/// A policy store: parent = the world (Region and account), id = the policy store's id.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PolicyStoreRecord {
    #[serde(with = "resources::micros")]
    pub(crate) created: Timestamp,
    #[serde(with = "resources::micros")]
    pub(crate) updated: Timestamp,
    /// Mode STRICT, else OFF.
    pub(crate) strict: bool,
    pub(crate) description: Option<String>,
    pub(crate) deletion_protection: bool,
    pub(crate) kms: Option<KmsRecord>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// The customer's key that a policy store was created with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KmsRecord {
    pub(crate) key_arn: String,
    pub(crate) encryption_context: BTreeMap<String, String>,
}

impl KmsRecord {
    /// The key that the service adds to every encryption context.
    pub(crate) const STORE_ARN_KEY: &str = "aws:verifiedpermissions:policy-store-arn";

    /// The state that GetPolicyStore reports for the policy store with this ARN.
    pub(crate) fn into_state(self, arn: &str) -> KmsEncryptionState {
        let mut encryption_context = self.encryption_context;
        encryption_context.insert(Self::STORE_ARN_KEY.to_owned(), arn.to_owned());
        KmsEncryptionState {
            key: self.key_arn,
            encryption_context,
        }
    }
}

impl Record for PolicyStoreRecord {
    const KIND: &'static str = "vp.policy_store";
    const VERSION: u32 = 1;
}

/// A policy store that a request names, found.
pub(crate) struct PolicyStore {
    pub(crate) id: String,
    pub(crate) record: PolicyStoreRecord,
}

/// The parent of everything that an account has in a Region.
pub(crate) fn world(scope: &Scope) -> String {
    format!("{}/{}", scope.region, scope.account)
}

/// The ARN of a policy store; it has no Region.
pub(crate) fn arn(scope: &Scope, id: &str) -> String {
    let arn = Arn {
        partition: scope.region.partition(),
        service: "verifiedpermissions",
        region: "",
        account: scope.account.as_str(),
        resource: &format!("policy-store/{id}"),
    };
    arn.to_string()
}

/// The policy store with this id, in the caller's world.
pub(crate) fn by_id(tx: &dyn ReadTx, scope: &Scope, id: &str) -> Result<PolicyStore, Error> {
    match tx.get_record::<PolicyStoreRecord>(&world(scope), id)? {
        Some(found) => Ok(PolicyStore {
            id: id.to_owned(),
            record: found.record,
        }),
        None => Err(Error::NotFound(ResourceType::PolicyStore, id.to_owned())),
    }
}

/// The policy store that `reference` names: an id, or `policy-store-alias/…`.
pub(crate) fn resolve(
    tx: &dyn ReadTx,
    context: &RequestContext,
    reference: &str,
) -> Result<PolicyStore, Error> {
    let scope = &context.scope;
    if !alias::is_alias(reference) {
        return by_id(tx, scope, reference);
    }
    let id = alias::policy_store_of(tx, scope, context.now, reference)?;
    check_decided(context, reference, &id)?;
    by_id(tx, scope, &id)
}

/// Refuses an alias that was moved to another policy store since the caller's permission was
/// decided.
pub(crate) fn check_decided(
    context: &RequestContext,
    alias: &str,
    policy_store_id: &str,
) -> Result<(), Error> {
    if context
        .authorized
        .covers(&arn(&context.scope, policy_store_id))
    {
        Ok(())
    } else {
        Err(Error::NotFound(
            ResourceType::PolicyStoreAlias,
            alias.to_owned(),
        ))
    }
}

/// Writes a new policy store.
pub(crate) fn insert(
    tx: &mut dyn WriteTx,
    scope: &Scope,
    id: &str,
    record: &PolicyStoreRecord,
) -> Result<(), Error> {
    tx.insert_record(&world(scope), id, record)?;
    policy::keys::set_complete(tx, id)
}

/// Removes a policy store and all that is in it.
pub(crate) fn delete(tx: &mut dyn WriteTx, scope: &Scope, id: &str) -> Result<(), Error> {
    alias::delete_all_of(tx, scope, id)?;
    tx.delete_children(id)?;
    tx.delete_record::<PolicyStoreRecord>(&world(scope), id)?;
    Ok(())
}
