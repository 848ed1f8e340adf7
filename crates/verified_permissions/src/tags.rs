//! Tags of policy stores, the only resources that have them.

use std::collections::BTreeMap;

use base::{Arn, Region};
use frontdoor::Scope;
use store::{ReadRecords, ReadTx, StoreError};

use crate::error::Error;
use crate::policy_store::{self, PolicyStore, PolicyStoreRecord};

/// Checks tags that are to be set: keys of the form `aws:…` are AWS's own.
pub(crate) fn check_new(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.keys().any(|key| key.starts_with("aws:")) {
        return Err(Error::field("/tags", "Tag keys cannot begin with `aws:`."));
    }
    Ok(())
}

/// The policy store with this ARN.
pub(crate) fn policy_store(
    tx: &dyn ReadTx,
    scope: &Scope,
    arn: &str,
) -> Result<PolicyStore, Error> {
    let invalid = || Error::field("/resourceArn", "The ARN is not that of a policy store.");
    let parsed = Arn::parse(arn).ok_or_else(invalid)?;
    let id = parsed
        .resource
        .strip_prefix("policy-store/")
        .ok_or_else(invalid)?;
    if parsed.service != "verifiedpermissions" || !parsed.region.is_empty() {
        return Err(invalid());
    }
    if parsed.account != scope.account.as_str() || parsed.partition != scope.region.partition() {
        return Err(Error::AccessDenied(
            "The policy store belongs to another account.".to_owned(),
        ));
    }
    policy_store::by_id(tx, scope, id)
}

/// The tags of the policy store with this ARN in a Region, which its ARN does not name; `None` when
/// there is no such policy store.
///
/// # Errors
/// The store failed.
pub fn tags_of(
    tx: &dyn ReadTx,
    region: &Region,
    arn: &str,
) -> Result<Option<BTreeMap<String, String>>, StoreError> {
    let parsed = Arn::parse(arn).filter(|arn| arn.service == "verifiedpermissions");
    let Some((account, id)) = parsed.and_then(|arn| {
        let id = arn.resource.strip_prefix("policy-store/")?;
        Some((arn.account.parse().ok()?, id))
    }) else {
        return Ok(None);
    };
    let world = policy_store::world(&Scope {
        region: region.clone(),
        account,
    });
    let found = tx.get_record::<PolicyStoreRecord>(&world, id)?;
    Ok(found.map(|found| found.record.tags))
}
