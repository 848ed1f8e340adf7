//! The accounts, users, roles and access keys that Treeline knows, read from the account file.
//!
//! The file has the shape of what `aws iam get-account-authorization-details` prints, plus
//! `AccountId`, `AccessKeys`, `OrganizationId` and `OrganizationPath`. It holds one such object,
//! or an array of them. Members that are not read are ignored.

mod error;
mod initial;
mod json;
mod read;
mod role;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{AccountId, Arn};

use crate::policy::NamedDocument;
use crate::{Credential, Keys, Organization, Principal, PrincipalKind, managed};

pub use error::AccountFileError;
pub use initial::initial_account_file;
pub(crate) use initial::{BASE32, random};
pub use role::Role;

/// The accounts of an account file, and their active access keys. It holds secrets and has no
/// `Debug`.
pub struct Accounts {
    accounts: Vec<Account>,
    keys: HashMap<Arc<str>, Arc<Credential>>,
    /// By ARN.
    roles: HashMap<String, Arc<Role>>,
    warnings: Vec<String>,
}

/// One account of the file.
pub struct Account {
    id: AccountId,
    organization: Option<Arc<Organization>>,
    root: Arc<Principal>,
    users: Vec<Arc<Principal>>,
    roles: Vec<Arc<Role>>,
    /// The managed policies of the file, by ARN.
    policies: HashMap<Arc<str>, NamedDocument>,
    /// The active keys, in the order of the file.
    keys: Vec<Arc<Credential>>,
}

impl Accounts {
    /// Reads and checks the text of an account file.
    ///
    /// # Errors
    ///
    /// The first fault, with its line and column when the text is no JSON, else with the path of
    /// the member in the file.
    pub fn parse(json_text: &str) -> Result<Self, AccountFileError> {
        read::accounts(json_text)
    }

    /// The accounts, in the order of the file.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// What an operator should know though it does not stop the server: AWS managed policies that
    /// are attached, but whose documents are not known. They grant nothing.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The first active access key of the file.
    pub fn first_key(&self) -> Option<&Arc<Credential>> {
        self.accounts
            .iter()
            .flat_map(|account| &account.keys)
            .next()
    }

    /// The first active access key of a user, or of the root user when `user` is `None`.
    pub fn key_of(&self, account: &AccountId, user: Option<&str>) -> Option<&Arc<Credential>> {
        let account = self.account(account.as_str())?;
        account.keys.iter().find(|key| match &key.principal.kind {
            PrincipalKind::Root => user.is_none(),
            PrincipalKind::User { name } => user == Some(name),
            PrincipalKind::AssumedRole { .. } => false,
        })
    }

    /// The role of an ARN with its path: `arn:aws:iam::111122223333:role/team/app`.
    pub fn role(&self, arn: &str) -> Option<&Arc<Role>> {
        self.roles.get(arn)
    }

    /// The managed policy of an ARN, as the principals of `account` see it: one of the account, or
    /// an AWS managed one whose document is in the file or built in.
    pub fn managed_policy(&self, account: &AccountId, arn: &str) -> Option<NamedDocument> {
        let in_file = self.account(account.as_str())?.policies.get(arn).cloned();
        in_file.or_else(|| {
            Some(NamedDocument {
                name: arn.into(),
                document: managed::document(arn)?,
            })
        })
    }

    /// The principal that an ARN names: a user, the root user, a session of a role
    /// (`arn:aws:sts::111122223333:assumed-role/app/session`) without session policies and session
    /// tags, or a role. A role alone stands for a session of it: it has the ARN of the role and an
    /// empty session name.
    pub fn principal(&self, arn: &str) -> Option<Arc<Principal>> {
        let parts = Arn::parse(arn)?;
        let account = self.account(parts.account)?;
        let known = account.users.iter().chain([&account.root]);
        if let Some(found) = known.into_iter().find(|known| known.arn == arn) {
            return Some(Arc::clone(found));
        }
        if let Some(role) = self.role(arn) {
            return Some(Arc::new(Principal {
                arn: role.arn.clone(),
                ..role.session("", &BTreeMap::new(), None)
            }));
        }
        let (role_name, session_name) = parts
            .resource
            .strip_prefix("assumed-role/")?
            .split_once('/')?;
        let role = account.roles.iter().find(|role| role.name == role_name)?;
        let session = role.session(session_name, &BTreeMap::new(), None);
        (session.arn == arn && !session_name.is_empty()).then(|| Arc::new(session))
    }

    fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.iter().find(|known| known.id.as_str() == id)
    }
}

impl Keys for Accounts {
    fn find(&self, access_key_id: &str, _: Option<&str>) -> Option<Arc<Credential>> {
        self.keys.get(access_key_id).map(Arc::clone)
    }
}

impl Account {
    /// The 12 digits.
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// The organization that the account belongs to, for instance `o-a1b2c3d4e5`.
    pub fn organization_id(&self) -> Option<&str> {
        self.organization.as_ref().map(|known| known.id.as_str())
    }

    /// Where in the organization the account stands: `o-…/r-…/ou-…/`.
    pub fn organization_path(&self) -> Option<&str> {
        self.organization.as_ref()?.path.as_deref()
    }

    /// The root user, whether it has an access key or not.
    pub fn root(&self) -> &Arc<Principal> {
        &self.root
    }

    /// The users, in the order of the file.
    pub fn users(&self) -> &[Arc<Principal>] {
        &self.users
    }

    /// The roles, in the order of the file.
    pub fn roles(&self) -> &[Arc<Role>] {
        &self.roles
    }
}
