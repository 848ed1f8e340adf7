//! From the text of the file to [`Accounts`].

mod entity;
mod group;
mod key;
mod policy;
mod role;
mod user;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{AccountId, Arn};

use super::json::{Node, Object};
use super::{Account, AccountFileError, Accounts};
use crate::policy::PrincipalPolicies;
use crate::unique_json;
use crate::{Credential, Inheritance, Organization, Principal, PrincipalKind};
use policy::Managed;

const ACCOUNT: &[&str] = &[
    "AccountId",
    "OrganizationId",
    "OrganizationPath",
    "AccessKeys",
    "UserDetailList",
    "GroupDetailList",
    "RoleDetailList",
    "Policies",
];

pub(super) fn accounts(json_text: &str) -> Result<Accounts, AccountFileError> {
    let value = unique_json::parse(json_text)?;
    let root = Node::root(&value);
    let mut file = File::default();
    if root.is_array() {
        for node in root.items()? {
            file.account(&node)?;
        }
    } else {
        file.account(&root)?;
    }
    if file.accounts.is_empty() {
        return Err(root.error("holds no account"));
    }
    let active = |(id, key): (_, Option<_>)| Some((id, key?));
    let roles = file.accounts.iter().flat_map(|account| &account.roles);
    Ok(Accounts {
        roles: roles
            .map(|role| (role.arn.clone(), Arc::clone(role)))
            .collect(),
        keys: file.keys.into_iter().filter_map(active).collect(),
        accounts: file.accounts,
        warnings: file.warnings,
    })
}

/// What is read so far.
#[derive(Default)]
struct File {
    accounts: Vec<Account>,
    /// All key ids of the file; an inactive key has no credential.
    keys: HashMap<Arc<str>, Option<Arc<Credential>>>,
    warnings: Vec<String>,
}

/// What all principals of an account share.
struct Shared<'a> {
    account: &'a AccountId,
    organization: Option<Arc<Organization>>,
}

impl File {
    fn account(&mut self, node: &Node<'_>) -> Result<(), AccountFileError> {
        let object = node.object(ACCOUNT)?;
        let id = self.account_id(&object)?;
        let shared = Shared {
            account: &id,
            organization: organization(&object)?,
        };
        let users = entity::list(&object, &user::KIND, &id)?;
        let groups = entity::list(&object, &group::KIND, &id)?;
        let roles = entity::list(&object, &role::KIND, &id)?;
        let mut policies = Managed::read(&object, &id)?;

        let groups = group::read(&groups, &mut policies)?;
        let users = user::read(&users, &groups, &mut policies, &shared)?;
        let roles = role::read(&roles, &mut policies, &shared)?;
        let arns = users.iter().map(|user| &user.arn);
        let first_arn = arns.chain(roles.iter().map(|role| &role.arn)).next();
        let root = Arc::new(root(&shared, first_arn.map(String::as_str)));
        let mut account = Account {
            organization: shared.organization.clone(),
            root,
            users,
            roles,
            policies: policies.documents,
            keys: Vec::new(),
            id,
        };
        for node in object.list("AccessKeys")? {
            account.keys.extend(self.key(&node, &account)?);
        }
        // `aws iam … --max-items` or a page of the API: what is missing cannot be told.
        if object
            .optional("IsTruncated")
            .is_some_and(|node| node.boolean().unwrap_or(false))
        {
            let text = format!(
                "the export of account {} is truncated: IsTruncated is true",
                account.id
            );
            self.warnings.push(text);
        }
        self.accounts.push(account);
        self.warnings.append(&mut policies.warnings);
        Ok(())
    }

    /// `AccountId`, or where an export was left as it is, the account of its first ARN. All others
    /// must fit it.
    fn account_id(&self, account: &Object<'_>) -> Result<AccountId, AccountFileError> {
        let Some(node) = account.optional("AccountId") else {
            let id = id_of_arns(account)?.ok_or_else(|| account.error("needs `AccountId`"))?;
            return self.new_account(account.error(format!("account {id} occurs twice")), id);
        };
        let id: AccountId = node
            .text()?
            .parse()
            .map_err(|_| node.error("must have exactly 12 digits"))?;
        self.new_account(node.error(format!("account {id} occurs twice")), id)
    }

    fn new_account(
        &self,
        twice: AccountFileError,
        id: AccountId,
    ) -> Result<AccountId, AccountFileError> {
        if self.accounts.iter().any(|account| account.id == id) {
            return Err(twice);
        }
        Ok(id)
    }
}

/// The account of the first user, role or group that has an ARN.
fn id_of_arns(account: &Object<'_>) -> Result<Option<AccountId>, AccountFileError> {
    for list in ["UserDetailList", "RoleDetailList", "GroupDetailList"] {
        for node in account.list(list)? {
            let arn = node.object(&[])?.optional_text("Arn")?;
            let id = arn
                .and_then(Arn::parse)
                .and_then(|arn| arn.account.parse().ok());
            if id.is_some() {
                return Ok(id);
            }
        }
    }
    Ok(None)
}

fn organization(account: &Object<'_>) -> Result<Option<Arc<Organization>>, AccountFileError> {
    let id = account.optional("OrganizationId");
    let id = id.map(|node| node.filled()).transpose()?;
    let path = account.optional("OrganizationPath");
    let path = match (id, path) {
        (None, None) => return Ok(None),
        (None, Some(node)) => return Err(node.error("needs `OrganizationId`")),
        (Some(_), None) => None,
        (Some(id), Some(node)) => {
            let path = node.text()?;
            // Policies compare with patterns like `o-a1b2c3d4e5/r-ab12/*`.
            if !path.starts_with(&format!("{id}/")) || !path.ends_with('/') {
                return Err(node.error(format!("must start with `{id}/` and end with `/`")));
            }
            Some(path.to_owned())
        }
    };
    Ok(id.map(|id| {
        Arc::new(Organization {
            id: id.to_owned(),
            path,
        })
    }))
}

/// The root user of an account, in the partition of its users and roles.
fn root(shared: &Shared<'_>, arn: Option<&str>) -> Principal {
    let partition = arn.and_then(Arn::parse).map_or("aws", |arn| arn.partition);
    let id = shared.account;
    Principal {
        account: id.clone(),
        arn: format!("arn:{partition}:iam::{id}:root"),
        user_id: id.to_string(),
        kind: PrincipalKind::Root,
        tags: BTreeMap::new(),
        organization: shared.organization.clone(),
        inheritance: Inheritance::default(),
        policies: PrincipalPolicies::default(),
    }
}

#[cfg(test)]
mod tests;
