use std::collections::HashMap;

use super::AccountFileError;
use super::entity::{Entity, Kind};
use super::policy::{Managed, inline};
use crate::policy::NamedDocument;

pub(super) const KIND: Kind = Kind {
    noun: "group",
    list: "GroupDetailList",
    name: "GroupName",
    id: "GroupId",
    members: &[
        "GroupName",
        "Path",
        "GroupId",
        "Arn",
        "GroupPolicyList",
        "AttachedManagedPolicies",
    ],
};

/// What groups give to their members, by the name of the group.
pub(super) type Groups<'v> = HashMap<&'v str, Vec<NamedDocument>>;

pub(super) fn read<'v>(
    groups: &[Entity<'v>],
    managed: &mut Managed,
) -> Result<Groups<'v>, AccountFileError> {
    let mut policies = Groups::new();
    for group in groups {
        let owner = format!("group/{}", group.name);
        let mut own = inline(&group.object, "GroupPolicyList", &owner)?;
        own.append(&mut managed.attached(&group.object)?);
        policies.insert(group.name, own);
    }
    Ok(policies)
}
