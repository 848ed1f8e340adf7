//! What the operations ask of IAM: actions, resource ARNs and the tags behind
//! `aws:ResourceTag/…`.
//!
//! The resource types are the policy store, whose ARN has no Region, and the policy store alias,
//! whose ARN has one. Whoever names a policy store by an alias also needs
//! `verifiedpermissions:GetPolicyStoreAlias` on the alias (Amazon Verified Permissions User Guide,
//! *Policy store aliases*).

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Arn;
use frontdoor::{Asked, Permission, ResourceTags};
use wire::error::WireError;

use crate::alias;
use crate::error::{Error, ResourceType};
use crate::policy_store;
use crate::state::VerifiedPermissions;

/// Permission for `action` on the policy store that `reference` names: an id or an alias.
pub(crate) async fn policy_store<'a>(
    state: &'a Arc<VerifiedPermissions>,
    asked: &'a Asked,
    action: &'static str,
    reference: &str,
) -> Result<Vec<Permission<'a>>, Error> {
    if !alias::is_alias(reference) {
        return Ok(vec![by_id(state, asked, action, reference)]);
    }
    let mut permissions = vec![policy_store_alias(
        asked,
        "verifiedpermissions:GetPolicyStoreAlias",
        reference,
    )];
    let (scope, now, name) = (asked.scope.clone(), asked.now, reference.to_owned());
    let read = state
        .store
        .read(move |tx| alias::policy_store_of(tx, &scope, now, &name));
    match read.await {
        Ok(id) => permissions.push(by_id(state, asked, action, &id)),
        // Whether it is missing is told by the operation, to those who may see the alias.
        Err(Error::NotFound(ResourceType::PolicyStoreAlias, _)) => {}
        Err(error) => return Err(error),
    }
    Ok(permissions)
}

/// Permission for `action` on the policy store with this id.
pub(crate) fn by_id<'a>(
    state: &'a Arc<VerifiedPermissions>,
    asked: &'a Asked,
    action: &'static str,
    id: &str,
) -> Permission<'a> {
    let mut permission = Permission::new(action, policy_store::arn(&asked.scope, id));
    permission.resource_tags = tags_of(state, asked, id.to_owned());
    permission
}

/// Permission for `action` on an alias.
pub(crate) fn policy_store_alias<'a>(
    asked: &Asked,
    action: &'static str,
    name: &str,
) -> Permission<'a> {
    Permission::new(action, alias::arn(&asked.scope, name))
}

/// Permission for a tag operation on what the client names by its ARN, which may be another
/// account's.
pub(crate) fn tagged<'a>(
    state: &'a Arc<VerifiedPermissions>,
    asked: &'a Asked,
    action: &'static str,
    arn: &str,
) -> Permission<'a> {
    let mut permission = Permission::new(action, arn);
    let Some(parsed) = Arn::parse(arn) else {
        return permission;
    };
    // What belongs to nobody is no policy store, which the operation tells.
    if parsed.account != asked.scope.account.as_str() && !parsed.account.is_empty() {
        permission.resource_account = Some(parsed.account.to_owned());
    } else if let Some(id) = parsed.resource.strip_prefix("policy-store/") {
        permission.resource_tags = tags_of(state, asked, id.to_owned());
    }
    permission
}

fn tags_of<'a>(
    state: &'a Arc<VerifiedPermissions>,
    asked: &'a Asked,
    id: String,
) -> ResourceTags<'a> {
    ResourceTags::OnDemand(Box::new(move || {
        Box::pin(async move {
            let scope = asked.scope.clone();
            let read = state
                .store
                .read(move |tx| match policy_store::by_id(tx, &scope, &id) {
                    Ok(found) => Ok(found.record.tags),
                    Err(Error::NotFound(..)) => Ok(BTreeMap::new()),
                    Err(error) => Err(error),
                });
            read.await.map_err(WireError::from)
        })
    }))
}
