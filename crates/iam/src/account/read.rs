//! From the text of the file to [`Accounts`].

use std::collections::HashMap;
use std::sync::Arc;

use base::{AccountId, Arn, Secret};
use serde_json::Value;

use super::json::{Node, Object};
use super::{Account, AccountFileError, Accounts};
use crate::{Credential, Principal, PrincipalKind};

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
const ACCESS_KEY: &[&str] = &[
    "AccessKeyId",
    "SecretAccessKey",
    "UserName",
    "Root",
    "Status",
];
const USER: &[&str] = &[
    "UserName",
    "Path",
    "UserId",
    "Arn",
    "GroupList",
    "UserPolicyList",
    "AttachedManagedPolicies",
    "PermissionsBoundary",
    "Tags",
];

pub(super) fn accounts(json_text: &str) -> Result<Accounts, AccountFileError> {
    // Windows editors put a byte order mark in front.
    let value: Value = serde_json::from_str(json_text.trim_start_matches('\u{feff}'))?;
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
    Ok(Accounts {
        accounts: file.accounts,
        keys: file.keys.into_iter().filter_map(active).collect(),
    })
}

fn active((id, key): (Arc<str>, Option<Arc<Credential>>)) -> Option<(Arc<str>, Arc<Credential>)> {
    Some((id, key?))
}

/// What is read so far.
#[derive(Default)]
struct File {
    accounts: Vec<Account>,
    /// All key ids of the file; an inactive key has no credential.
    keys: HashMap<Arc<str>, Option<Arc<Credential>>>,
}

impl File {
    fn account(&mut self, node: &Node<'_>) -> Result<(), AccountFileError> {
        let object = node.object(ACCOUNT)?;
        let id_node = object.required("AccountId")?;
        let id: AccountId = id_node
            .text()?
            .parse()
            .map_err(|_| id_node.error("must have exactly 12 digits"))?;
        if self.accounts.iter().any(|account| account.id == id) {
            return Err(id_node.error(format!("account {id} occurs twice")));
        }
        let users = users(&object, &id)?;
        let mut account = Account {
            organization_id: object.optional_text("OrganizationId")?.map(str::to_owned),
            organization_path: object.optional_text("OrganizationPath")?.map(str::to_owned),
            users,
            keys: Vec::new(),
            id,
        };
        if let Some(list) = object.optional("AccessKeys") {
            let root = Arc::new(root(&account));
            for node in list.items()? {
                account.keys.extend(self.key(&node, &account, &root)?);
            }
        }
        self.accounts.push(account);
        Ok(())
    }

    /// Reads one access key; `None` when it is inactive.
    fn key(
        &mut self,
        node: &Node<'_>,
        account: &Account,
        root: &Arc<Principal>,
    ) -> Result<Option<Arc<Credential>>, AccountFileError> {
        let object = node.object(ACCESS_KEY)?;
        let id_node = object.required("AccessKeyId")?;
        let id: Arc<str> = id_node.text()?.into();
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !(16..=128).contains(&id.len()) || !id.bytes().all(word) {
            return Err(id_node.error("must be 16 to 128 of the characters A-Z, a-z, 0-9 and _"));
        }
        let secret_node = object.required("SecretAccessKey")?;
        let secret = secret_node.text()?;
        if secret.is_empty() {
            return Err(secret_node.error("must not be empty"));
        }
        let principal = owner(&object, account, root)?;
        let active = match object.optional("Status") {
            None => true,
            Some(status) => match status.text()? {
                "Active" => true,
                "Inactive" => false,
                _ => return Err(status.error("must be `Active` or `Inactive`")),
            },
        };
        let credential = active.then(|| {
            Arc::new(Credential {
                access_key_id: Arc::clone(&id),
                secret: Secret::new(secret.to_owned()),
                session: None,
                principal,
            })
        });
        if self
            .keys
            .insert(Arc::clone(&id), credential.clone())
            .is_some()
        {
            return Err(id_node.error(format!("access key `{id}` occurs twice")));
        }
        Ok(credential)
    }
}

/// Who an access key acts as.
fn owner(
    key: &Object<'_>,
    account: &Account,
    root: &Arc<Principal>,
) -> Result<Arc<Principal>, AccountFileError> {
    let is_root = key
        .optional("Root")
        .map_or(Ok(false), |node| node.boolean())?;
    match (key.optional("UserName"), is_root) {
        (Some(_), true) => Err(key.error("has both `UserName` and `Root`")),
        (None, false) => Err(key.error("needs `UserName` or `\"Root\": true`")),
        (None, true) => Ok(Arc::clone(root)),
        (Some(node), false) => {
            let name = node.text()?;
            let user = account
                .users
                .iter()
                .find(|user| user_name(user) == Some(name));
            let unknown = || node.error(format!("no user `{name}` in UserDetailList"));
            user.map(Arc::clone).ok_or_else(unknown)
        }
    }
}

fn users(account: &Object<'_>, id: &AccountId) -> Result<Vec<Arc<Principal>>, AccountFileError> {
    let mut users: Vec<Arc<Principal>> = Vec::new();
    let Some(list) = account.optional("UserDetailList") else {
        return Ok(users);
    };
    for node in list.items()? {
        let object = node.object(USER)?;
        let name_node = object.required("UserName")?;
        let name = name_node.text()?;
        if name.is_empty() {
            return Err(name_node.error("must not be empty"));
        }
        // IAM tells user names apart without regard to upper and lower case.
        let same_name = |user: &Arc<Principal>| {
            user_name(user).is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        if users.iter().any(same_name) {
            return Err(name_node.error(format!("user `{name}` occurs twice")));
        }
        let user_id_node = object.required("UserId")?;
        let user_id = user_id_node.text()?;
        if user_id.is_empty() {
            return Err(user_id_node.error("must not be empty"));
        }
        if users.iter().any(|user| user.user_id == user_id) {
            return Err(user_id_node.error(format!("user id `{user_id}` occurs twice")));
        }
        users.push(Arc::new(Principal {
            account: id.clone(),
            arn: user_arn(&object, id, name)?.to_owned(),
            user_id: user_id.to_owned(),
            kind: PrincipalKind::User {
                name: name.to_owned(),
            },
        }));
    }
    Ok(users)
}

/// The `Arn` of a user, which must fit the account, the path and the name.
fn user_arn<'v>(
    user: &Object<'v>,
    account: &AccountId,
    name: &str,
) -> Result<&'v str, AccountFileError> {
    let path = user.optional_text("Path")?.unwrap_or("/");
    let node = user.required("Arn")?;
    let text = node.text()?;
    let arn = Arn::parse(text).filter(|arn| arn.service == "iam" && arn.region.is_empty());
    let arn = arn.ok_or_else(|| node.error("must be the ARN of an IAM user"))?;
    if arn.account != account.as_str() {
        return Err(node.error(format!(
            "belongs to account {}, not to {account}",
            arn.account
        )));
    }
    let resource = format!("user{path}{name}");
    if arn.resource != resource {
        let wanted = Arn {
            resource: &resource,
            ..arn
        };
        return Err(node.error(format!("must be `{wanted}`, after `Path` and `UserName`")));
    }
    Ok(text)
}

/// The root user of an account, in the partition of its users.
fn root(account: &Account) -> Principal {
    let partition = account.users.first().and_then(|user| Arn::parse(&user.arn));
    let partition = partition.map_or("aws", |arn| arn.partition);
    let id = &account.id;
    Principal {
        account: id.clone(),
        arn: format!("arn:{partition}:iam::{id}:root"),
        user_id: id.to_string(),
        kind: PrincipalKind::Root,
    }
}

fn user_name(principal: &Principal) -> Option<&str> {
    match &principal.kind {
        PrincipalKind::User { name } => Some(name),
        PrincipalKind::Root => None,
    }
}

#[cfg(test)]
mod tests;
