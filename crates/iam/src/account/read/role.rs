use std::sync::Arc;
use std::time::Duration;

use super::entity::{Entity, Kind, tags};
use super::policy::{Managed, document, inline};
use super::{AccountFileError, Object, Shared};
use crate::account::Role;
use crate::policy::{DocumentKind, NamedDocument, PrincipalPolicies};

pub(super) const KIND: Kind = Kind {
    noun: "role",
    list: "RoleDetailList",
    name: "RoleName",
    id: "RoleId",
    members: &[
        "RoleName",
        "Path",
        "RoleId",
        "Arn",
        "AssumeRolePolicyDocument",
        "RolePolicyList",
        "AttachedManagedPolicies",
        "PermissionsBoundary",
        "Tags",
        "MaxSessionDuration",
    ],
};

/// In seconds.
const SHORTEST_MAXIMUM: u64 = 3_600;
/// In seconds.
const LONGEST_MAXIMUM: u64 = 43_200;

pub(super) fn read(
    roles: &[Entity<'_>],
    managed: &mut Managed,
    shared: &Shared<'_>,
) -> Result<Vec<Arc<Role>>, AccountFileError> {
    let read = |role: &Entity<'_>| {
        let owner = format!("role/{}", role.name);
        let trust = role.object.required("AssumeRolePolicyDocument")?;
        let trust = NamedDocument {
            name: format!("{owner}: trust policy").into(),
            document: document(DocumentKind::Trust, &trust)?,
        };
        let mut identity = inline(&role.object, "RolePolicyList", &owner)?;
        identity.append(&mut managed.attached(&role.object)?);
        Ok(Arc::new(Role {
            account: shared.account.clone(),
            arn: role.arn.to_owned(),
            name: role.name.to_owned(),
            path: role.path.to_owned(),
            id: role.id.to_owned(),
            trust,
            policies: PrincipalPolicies {
                identity,
                boundary: managed.boundary(&role.object)?,
                session: None,
            },
            tags: tags(&role.object)?,
            max_session_duration: max_session_duration(&role.object)?,
            organization: shared.organization.clone(),
        }))
    };
    roles.iter().map(read).collect()
}

/// `get-account-authorization-details` does not print it, `get-role` does.
fn max_session_duration(role: &Object<'_>) -> Result<Duration, AccountFileError> {
    let Some(node) = role.optional("MaxSessionDuration") else {
        return Ok(Duration::from_secs(SHORTEST_MAXIMUM));
    };
    let seconds = node.value().as_u64();
    seconds
        .filter(|seconds| (SHORTEST_MAXIMUM..=LONGEST_MAXIMUM).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            node.error(format!(
                "must be a number of seconds from {SHORTEST_MAXIMUM} to {LONGEST_MAXIMUM}"
            ))
        })
}
