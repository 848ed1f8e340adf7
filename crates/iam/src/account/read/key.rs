use std::sync::Arc;

use base::Secret;

use super::{Account, AccountFileError, File, Node, Object};
use crate::{Credential, Principal, PrincipalKind};

const ACCESS_KEY: &[&str] = &[
    "AccessKeyId",
    "SecretAccessKey",
    "UserName",
    "Root",
    "Status",
];

impl File {
    /// Reads one access key; `None` when it is inactive.
    pub(super) fn key(
        &mut self,
        node: &Node<'_>,
        account: &Account,
    ) -> Result<Option<Arc<Credential>>, AccountFileError> {
        let object = node.object(ACCESS_KEY)?;
        let id_node = object.required("AccessKeyId")?;
        let id: Arc<str> = id_node.text()?.into();
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !(16..=128).contains(&id.len()) || !id.bytes().all(word) {
            return Err(id_node.error("must be 16 to 128 of the characters A-Z, a-z, 0-9 and _"));
        }
        let secret = object.required("SecretAccessKey")?.filled()?;
        let principal = owner(&object, account)?;
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
                secret: Secret::new(secret.to_owned()).into(),
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
fn owner(key: &Object<'_>, account: &Account) -> Result<Arc<Principal>, AccountFileError> {
    let is_root = key
        .optional("Root")
        .map_or(Ok(false), |node| node.boolean())?;
    match (key.optional("UserName"), is_root) {
        (Some(_), true) => Err(key.error("has both `UserName` and `Root`")),
        (None, false) => Err(key.error("needs `UserName` or `\"Root\": true`")),
        (None, true) => Ok(Arc::clone(&account.root)),
        (Some(node), false) => {
            let name = node.text()?;
            let mut users = account.users.iter();
            let user = users.find(|user| user_name(user) == Some(name));
            let unknown = || node.error(format!("no user `{name}` in UserDetailList"));
            user.map(Arc::clone).ok_or_else(unknown)
        }
    }
}

fn user_name(principal: &Principal) -> Option<&str> {
    match &principal.kind {
        PrincipalKind::User { name } => Some(name),
        PrincipalKind::Root | PrincipalKind::AssumedRole { .. } => None,
    }
}
