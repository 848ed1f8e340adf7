use std::sync::Arc;

use super::entity::{Entity, Kind, tags};
use super::group::Groups;
use super::policy::{Managed, inline};
use super::{AccountFileError, Shared};
use crate::policy::{NamedDocument, PrincipalPolicies};
use crate::{Inheritance, Principal, PrincipalKind};

pub(super) const KIND: Kind = Kind {
    noun: "user",
    list: "UserDetailList",
    name: "UserName",
    id: "UserId",
    members: &[
        "UserName",
        "Path",
        "UserId",
        "Arn",
        "GroupList",
        "UserPolicyList",
        "AttachedManagedPolicies",
        "PermissionsBoundary",
        "Tags",
    ],
};

pub(super) fn read(
    users: &[Entity<'_>],
    groups: &Groups<'_>,
    managed: &mut Managed,
    shared: &Shared<'_>,
) -> Result<Vec<Arc<Principal>>, AccountFileError> {
    let read = |user: &Entity<'_>| {
        let owner = format!("user/{}", user.name);
        let mut identity = inline(&user.object, "UserPolicyList", &owner)?;
        identity.append(&mut managed.attached(&user.object)?);
        identity.append(&mut of_groups(user, groups)?);
        Ok(Arc::new(Principal {
            account: shared.account.clone(),
            arn: user.arn.to_owned(),
            user_id: user.id.to_owned(),
            kind: PrincipalKind::User {
                name: user.name.to_owned(),
            },
            tags: tags(&user.object)?,
            organization: shared.organization.clone(),
            inheritance: Inheritance::default(),
            policies: PrincipalPolicies {
                identity,
                boundary: managed.boundary(&user.object)?,
                session: None,
            },
        }))
    };
    users.iter().map(read).collect()
}

/// The policies that a user has by its `GroupList`.
fn of_groups(
    user: &Entity<'_>,
    groups: &Groups<'_>,
) -> Result<Vec<NamedDocument>, AccountFileError> {
    let mut policies = Vec::new();
    for node in user.object.list("GroupList")? {
        let name = node.text()?;
        let group = groups
            .get(name)
            .ok_or_else(|| node.error(format!("no group `{name}` in GroupDetailList")))?;
        policies.extend_from_slice(group);
    }
    Ok(policies)
}
