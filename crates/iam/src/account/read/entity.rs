//! What users, groups and roles have in common: name, path, unique id, ARN and tags.

use std::collections::BTreeMap;

use base::{AccountId, Arn};

use super::{AccountFileError, Node, Object};

const TAG: &[&str] = &["Key", "Value"];

/// The members of one kind of entity.
pub(super) struct Kind {
    /// As in ARNs and in errors: `user`.
    pub(super) noun: &'static str,
    /// `UserDetailList`
    pub(super) list: &'static str,
    /// `UserName`
    pub(super) name: &'static str,
    /// `UserId`
    pub(super) id: &'static str,
    /// All members that are read.
    pub(super) members: &'static [&'static str],
}

/// A user, group or role whose name, id and ARN are checked.
pub(super) struct Entity<'v> {
    pub(super) name: &'v str,
    pub(super) path: &'v str,
    pub(super) id: &'v str,
    pub(super) arn: &'v str,
    pub(super) object: Object<'v>,
}

/// The entities of a kind in an account.
pub(super) fn list<'v>(
    account: &Object<'v>,
    kind: &Kind,
    account_id: &AccountId,
) -> Result<Vec<Entity<'v>>, AccountFileError> {
    let noun = kind.noun;
    let mut entities: Vec<Entity<'v>> = Vec::new();
    for node in account.list(kind.list)? {
        let object = node.object(kind.members)?;
        let name_node = object.required(kind.name)?;
        let name = name_node.filled()?;
        // IAM tells names apart without regard to upper and lower case.
        if entities.iter().any(|e| e.name.eq_ignore_ascii_case(name)) {
            return Err(name_node.error(format!("{noun} `{name}` occurs twice")));
        }
        let id_node = object.required(kind.id)?;
        let id = id_node.filled()?;
        if entities.iter().any(|entity| entity.id == id) {
            return Err(id_node.error(format!("{noun} id `{id}` occurs twice")));
        }
        let path = object.optional_text("Path")?.unwrap_or("/");
        let arn_node = object.required("Arn")?;
        let arn = parse_arn(&arn_node, &format!("an IAM {noun}"))?;
        check_account(&arn_node, &arn, account_id)?;
        check_resource(&arn_node, &arn, &format!("{noun}{path}{name}"), kind.name)?;
        let arn = arn_node.text()?;
        entities.push(Entity {
            name,
            path,
            id,
            arn,
            object,
        });
    }
    Ok(entities)
}

/// The ARN of IAM that a text must be.
pub(super) fn parse_arn<'v>(node: &Node<'v>, what: &str) -> Result<Arn<'v>, AccountFileError> {
    Arn::parse(node.text()?)
        .filter(|arn| arn.service == "iam" && arn.region.is_empty())
        .ok_or_else(|| node.error(format!("must be the ARN of {what}")))
}

pub(super) fn check_account(
    node: &Node<'_>,
    arn: &Arn<'_>,
    account: &AccountId,
) -> Result<(), AccountFileError> {
    if arn.account == account.as_str() {
        return Ok(());
    }
    let found = arn.account;
    Err(node.error(format!("belongs to account {found}, not to {account}")))
}

/// `name_member` is where the name comes from.
pub(super) fn check_resource(
    node: &Node<'_>,
    arn: &Arn<'_>,
    resource: &str,
    name_member: &str,
) -> Result<(), AccountFileError> {
    if arn.resource == resource {
        return Ok(());
    }
    let wanted = Arn { resource, ..*arn };
    Err(node.error(format!(
        "must be `{wanted}`, after `Path` and `{name_member}`"
    )))
}

/// The `Tags` of a user or a role.
pub(super) fn tags(owner: &Object<'_>) -> Result<BTreeMap<String, String>, AccountFileError> {
    let mut tags = BTreeMap::new();
    for node in owner.list("Tags")? {
        let object = node.object(TAG)?;
        let key_node = object.required("Key")?;
        let key = key_node.filled()?;
        // IAM tells tag keys apart without regard to upper and lower case.
        if tags
            .keys()
            .any(|known: &String| known.eq_ignore_ascii_case(key))
        {
            return Err(key_node.error(format!("tag `{key}` occurs twice")));
        }
        let value = object.required("Value")?.text()?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}
