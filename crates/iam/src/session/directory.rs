use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base::Secret;

use super::{OpenedSession, SessionKey, open};
use crate::account::{Accounts, Role};
use crate::policy::{Document, DocumentKind, NamedDocument};
use crate::{Credential, Keys, Session};

/// How many sessions are kept ready.
const MOST_SESSIONS: usize = 1_024;

/// All access keys: those of the account file, and the temporary ones of its roles.
///
/// A directory belongs to one reading of the file. When the file has changed, a new directory
/// takes its place, so that sessions act with their role's new policies at once.
pub struct Directory {
    accounts: Accounts,
    key: Arc<SessionKey>,
    /// Sessions whose tokens have been opened, by access key id.
    sessions: RwLock<HashMap<Arc<str>, Arc<Credential>>>,
}

impl Directory {
    /// The keys of `accounts`, and the sessions whose tokens `key` has sealed.
    pub fn new(accounts: Accounts, key: Arc<SessionKey>) -> Self {
        Self {
            accounts,
            key,
            sessions: RwLock::default(),
        }
    }

    /// The accounts of the file.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// What tokens are sealed with.
    pub fn session_key(&self) -> &SessionKey {
        &self.key
    }

    fn session(&self, access_key_id: &str, token: &str) -> Option<Arc<Credential>> {
        let sessions = self.sessions.read();
        let known = sessions
            .unwrap_or_else(PoisonError::into_inner)
            .get(access_key_id)
            .map(Arc::clone);
        if let Some(known) = known.filter(|known| known.accepts_token(Some(token))) {
            return Some(known);
        }
        let credential = Arc::new(self.credential(access_key_id, token)?);
        let sessions = self.sessions.write();
        let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST_SESSIONS {
            sessions.clear();
        }
        sessions.insert(
            Arc::clone(&credential.access_key_id),
            Arc::clone(&credential),
        );
        Some(credential)
    }

    fn credential(&self, access_key_id: &str, token: &str) -> Option<Credential> {
        let opened = open(&self.key, access_key_id, token)?;
        let role = self.accounts.role(&opened.role_arn);
        let role = role.filter(|role| role.id == opened.role_id)?;
        let policies = self.session_policies(role, &opened)?;
        let policies = (!policies.is_empty()).then_some(policies);
        let mut principal = role.session(&opened.session_name, &opened.tags, policies);
        principal.inheritance = opened.inheritance();
        Some(Credential {
            access_key_id: access_key_id.into(),
            secret: opened.secret_access_key.into(),
            session: Some(Session {
                token: Secret::new(token.to_owned()),
                expires: opened.expires,
            }),
            principal: Arc::new(principal),
        })
    }

    /// The session policies; `None` when one of them is no longer to be had.
    fn session_policies(&self, role: &Role, session: &OpenedSession) -> Option<Vec<NamedDocument>> {
        let mut policies = Vec::new();
        if let Some(text) = &session.policy {
            let document = Document::parse(DocumentKind::Identity, text).ok()?;
            policies.push(NamedDocument {
                name: format!("session/{}: inline", session.session_name).into(),
                document: Arc::new(document),
            });
        }
        for arn in &session.policy_arns {
            policies.push(self.accounts.managed_policy(&role.account, arn)?);
        }
        Some(policies)
    }
}

impl Keys for Directory {
    fn find(&self, access_key_id: &str, security_token: Option<&str>) -> Option<Arc<Credential>> {
        let known = self.accounts.find(access_key_id, security_token);
        known.or_else(|| self.session(access_key_id, security_token?))
    }
}
