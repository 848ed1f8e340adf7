//! The accounts, users and access keys that Treeline knows, read from the account file.
//!
//! The file has the shape of what `aws iam get-account-authorization-details` prints, plus
//! `AccountId`, `AccessKeys`, `OrganizationId` and `OrganizationPath`. It holds one such object,
//! or an array of them. Members that are not read are ignored.

mod error;
mod initial;
mod json;
mod read;

use std::collections::HashMap;
use std::sync::Arc;

use base::AccountId;

use crate::{Credential, Keys, Principal, PrincipalKind};

pub use error::AccountFileError;
pub use initial::initial_account_file;

/// The accounts of an account file, and their active access keys. It holds secrets and has no
/// `Debug`.
pub struct Accounts {
    accounts: Vec<Account>,
    keys: HashMap<Arc<str>, Arc<Credential>>,
}

/// One account of the file.
pub struct Account {
    id: AccountId,
    organization_id: Option<String>,
    organization_path: Option<String>,
    users: Vec<Arc<Principal>>,
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

    /// The first active access key of the file.
    pub fn first_key(&self) -> Option<&Arc<Credential>> {
        self.accounts
            .iter()
            .flat_map(|account| &account.keys)
            .next()
    }

    /// The first active access key of a user, or of the root user when `user` is `None`.
    pub fn key_of(&self, account: &AccountId, user: Option<&str>) -> Option<&Arc<Credential>> {
        let account = self.accounts.iter().find(|known| known.id == *account)?;
        account.keys.iter().find(|key| match &key.principal.kind {
            PrincipalKind::Root => user.is_none(),
            PrincipalKind::User { name } => user == Some(name),
        })
    }
}

impl Keys for Accounts {
    fn find(&self, access_key_id: &str) -> Option<Arc<Credential>> {
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
        self.organization_id.as_deref()
    }

    /// Where in the organization the account stands: `o-…/r-…/ou-…/`.
    pub fn organization_path(&self) -> Option<&str> {
        self.organization_path.as_deref()
    }

    /// The users, in the order of the file.
    pub fn users(&self) -> &[Arc<Principal>] {
        &self.users
    }
}
