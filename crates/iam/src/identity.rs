use std::sync::Arc;

use base::{AccountId, Secret, Timestamp};

/// Who a request acts as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// The account the principal belongs to.
    pub account: AccountId,
    /// The ARN, for instance `arn:aws:iam::111122223333:user/alice` (`aws:PrincipalArn`).
    pub arn: String,
    /// The unique id: `AIDA…` of a user, the account id of a root user (`aws:userid`).
    pub user_id: String,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
}

/// The kinds of [`Principal`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrincipalKind {
    /// The root user of the account: no identity policy limits it.
    Root,
    /// An IAM user.
    User {
        /// The user's name without its path (`aws:username`).
        name: String,
    },
}

/// An access key with its secret. It has no `Debug`.
pub struct Credential {
    /// `AKIA…`, or `ASIA…` of a session.
    pub access_key_id: Arc<str>,
    /// What requests are signed with.
    pub secret: Secret,
    /// What a temporary credential has in addition.
    pub session: Option<Session>,
    /// Who the key acts as.
    pub principal: Arc<Principal>,
}

/// The token and the end of a temporary credential. It has no `Debug`.
pub struct Session {
    /// Must come with every request, in `X-Amz-Security-Token`.
    pub token: Secret,
    /// From this time on the credential is refused.
    pub expires: Timestamp,
}

impl Credential {
    /// Whether a request may come with this security token. A long-term key has none, and is
    /// refused by AWS when a request shows one. Takes the same time for every wrong token.
    pub(crate) fn accepts_token(&self, token: Option<&str>) -> bool {
        match (&self.session, token) {
            (None, None) => true,
            (Some(session), Some(token)) => session.token.matches(token),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Whether the credential has ended at `now`.
    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.expires <= now)
    }
}

/// Where the verifier looks up access keys.
pub trait Keys: Send + Sync {
    /// The credential of an active access key; `None` when the id is unknown or inactive.
    fn find(&self, access_key_id: &str) -> Option<Arc<Credential>>;
}

/// Who signed a request. Cloning it copies two pointers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The key that signed.
    pub access_key_id: Arc<str>,
    /// Who the key acts as.
    pub principal: Arc<Principal>,
}

impl Caller {
    /// The account of the caller.
    pub fn account(&self) -> &AccountId {
        &self.principal.account
    }
}
