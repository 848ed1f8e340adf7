use std::collections::BTreeMap;
use std::sync::Arc;

use base::{AccountId, Secret, Timestamp};

use crate::policy::PrincipalPolicies;
use crate::sigv4::SecretAccessKey;

/// Who a request acts as, with all that decides what it may do.
#[derive(Debug)]
pub struct Principal {
    /// The account the principal belongs to.
    pub account: AccountId,
    /// The ARN: `arn:aws:iam::111122223333:user/alice`, or of a session
    /// `arn:aws:sts::111122223333:assumed-role/app/session`.
    pub arn: String,
    /// The unique id (`aws:userid`): `AIDA…` of a user, `AROA…:session` of a session, the account
    /// id of a root user.
    pub user_id: String,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// `aws:PrincipalTag/…`: the tags of the user or role, overridden by those of the session.
    pub tags: BTreeMap<String, String>,
    /// The organization that the account belongs to.
    pub organization: Option<Arc<Organization>>,
    /// The policies that are attached to the principal, its groups and its session.
    pub policies: PrincipalPolicies,
    /// What a session hands on; others hand nothing on.
    pub inheritance: Inheritance,
}

/// What a session hands on to the sessions that it opens itself (role chaining).
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Inheritance {
    /// The session tags whose keys were declared transitive.
    pub transitive_tags: BTreeMap<String, String>,
    /// Who began the chain (`aws:SourceIdentity`).
    pub source_identity: Option<String>,
}

/// Principals are the same when their ARNs and unique ids are, whatever policies they have at the
/// moment.
impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        (&self.arn, &self.user_id) == (&other.arn, &other.user_id)
    }
}

impl Eq for Principal {}

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
    /// A session of a role.
    AssumedRole {
        /// The ARN of the role with its path (`aws:PrincipalArn`).
        role_arn: String,
        /// The name of the session.
        session_name: String,
    },
}

/// Where an account stands in its organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organization {
    /// `o-…` (`aws:PrincipalOrgID`).
    pub id: String,
    /// `o-…/r-…/ou-…/` (`aws:PrincipalOrgPaths`), if known.
    pub path: Option<String>,
}

impl Principal {
    /// What `aws:PrincipalArn` says: the ARN, or that of the role behind a session.
    pub fn principal_arn(&self) -> &str {
        match &self.kind {
            PrincipalKind::AssumedRole { role_arn, .. } => role_arn,
            PrincipalKind::Root | PrincipalKind::User { .. } => &self.arn,
        }
    }
}

/// An access key with its secret. It has no `Debug`.
pub struct Credential {
    /// `AKIA…`, or `ASIA…` of a session.
    pub access_key_id: Arc<str>,
    /// What requests are signed with.
    pub secret: SecretAccessKey,
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
    /// `security_token` is what the request shows: temporary credentials are found by it.
    fn find(&self, access_key_id: &str, security_token: Option<&str>) -> Option<Arc<Credential>>;
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
