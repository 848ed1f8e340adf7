use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{AccountId, Arn};

use crate::policy::{NamedDocument, PrincipalPolicies};
use crate::{Inheritance, Organization, Principal, PrincipalKind};

/// A role of the account file.
#[derive(Debug)]
pub struct Role {
    /// The account it belongs to.
    pub account: AccountId,
    /// The ARN with the path: `arn:aws:iam::111122223333:role/team/app`.
    pub arn: String,
    /// The name without the path.
    pub name: String,
    /// The path, for instance `/team/`.
    pub path: String,
    /// The unique id, `AROA…`.
    pub id: String,
    /// Who may assume it.
    pub trust: NamedDocument,
    /// Its policies and its boundary. It has no session policies.
    pub policies: PrincipalPolicies,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The longest session that may be asked for, 1 to 12 hours.
    pub max_session_duration: Duration,
    /// The organization that the account belongs to.
    pub organization: Option<Arc<Organization>>,
}

impl Role {
    /// The ARN of a session of the role:
    /// `arn:aws:sts::111122223333:assumed-role/app/session`, without the role's path.
    pub fn session_arn(&self, session_name: &str) -> String {
        let partition = Arn::parse(&self.arn).map_or("aws", |arn| arn.partition);
        let (account, name) = (&self.account, &self.name);
        format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}")
    }

    /// The principal of a session. Session tags take the place of the role's tags with the same
    /// key; keys are compared without regard to upper and lower case, as IAM does.
    pub fn session(
        &self,
        session_name: &str,
        tags: &BTreeMap<String, String>,
        session_policies: Option<Vec<NamedDocument>>,
    ) -> Principal {
        let mut all = self.tags.clone();
        all.retain(|key, _| !tags.keys().any(|new| new.eq_ignore_ascii_case(key)));
        all.extend(tags.clone());
        Principal {
            account: self.account.clone(),
            arn: self.session_arn(session_name),
            user_id: format!("{}:{session_name}", self.id),
            kind: PrincipalKind::AssumedRole {
                role_arn: self.arn.clone(),
                session_name: session_name.to_owned(),
            },
            tags: all,
            organization: self.organization.clone(),
            policies: PrincipalPolicies {
                session: session_policies,
                ..self.policies.clone()
            },
            inheritance: Inheritance::default(),
        }
    }
}
