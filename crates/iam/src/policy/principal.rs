//! The elements `Principal` and `NotPrincipal`.

use base::{AccountId, Arn};

use crate::{Principal, PrincipalKind};

/// The principals that a statement of a resource's or role's policy is about.
pub(super) struct Principals {
    /// `NotPrincipal`.
    negated: bool,
    names: Box<[Name]>,
}

/// One principal as a policy names it.
pub(super) enum Name {
    /// `*`.
    Everyone,
    /// An account, by its id or the ARN of its root user.
    Account(AccountId),
    /// The ARN of a user, a role or a session.
    Arn(Box<str>),
    /// The unique id of a user or role.
    Id(Box<str>),
}

/// How directly a statement names a principal, which decides what its Allow is worth. The larger
/// is the more direct.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Reach {
    /// Only the account is named.
    Account,
    /// The user or role is named, or everyone.
    Principal,
    /// The session is named.
    Session,
}

impl Principals {
    pub(super) fn new(negated: bool, names: Vec<Name>) -> Self {
        Self {
            negated,
            names: names.into(),
        }
    }

    /// How directly the element names a principal; `None` when it does not. A `NotPrincipal` that
    /// does not exclude the principal counts as everyone.
    pub(super) fn reach(&self, principal: &Principal) -> Option<Reach> {
        let named = self
            .names
            .iter()
            .filter_map(|name| name.reach(principal))
            .max();
        match (self.negated, named) {
            (false, named) => named,
            (true, None) => Some(Reach::Principal),
            (true, Some(_)) => None,
        }
    }

    /// Whether everyone is meant, or everyone but a few.
    pub(super) fn is_wildcard(&self) -> bool {
        self.negated || self.names.iter().any(|name| matches!(name, Name::Everyone))
    }
}

impl Name {
    /// Reads a value of the kind `AWS`.
    ///
    /// # Errors
    ///
    /// The reason, when it is not one of the forms that AWS accepts.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        if text.contains(['*', '?']) {
            return Err(format!("{text:?} must not contain wildcards"));
        }
        let unique_id = |text: &str| {
            let known = text.starts_with("AIDA") || text.starts_with("AROA");
            known
                && text
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if unique_id(text) {
            return Ok(Self::Id(text.into()));
        }
        let named = Arn::parse(text).and_then(|arn| Self::of_arn(text, &arn));
        named.ok_or_else(|| {
            format!("{text:?} is no `*`, account id, unique id, or ARN of a root user, user, role or session")
        })
    }

    fn of_arn(text: &str, arn: &Arn<'_>) -> Option<Self> {
        let account: AccountId = arn.account.parse().ok()?;
        if !arn.region.is_empty() {
            return None;
        }
        if arn.service == "iam" && arn.resource == "root" {
            return Some(Self::Account(account));
        }
        let (kind, name) = arn.resource.split_once('/')?;
        let known = match (arn.service, kind) {
            ("iam", "user" | "role") | ("sts", "federated-user") => !name.is_empty(),
            ("sts", "assumed-role") => name.split_once('/').is_some(),
            _ => false,
        };
        known.then(|| Self::Arn(text.into()))
    }

    fn reach(&self, principal: &Principal) -> Option<Reach> {
        let (found, reach) = match self {
            Self::Everyone => (true, Reach::Principal),
            Self::Account(account) => (*account == principal.account, Reach::Account),
            Self::Id(id) => {
                let role_id = principal.user_id.split_once(':').map(|(role, _)| role);
                let own = role_id.unwrap_or(&principal.user_id);
                (**id == *own, Reach::Principal)
            }
            Self::Arn(arn) => match &principal.kind {
                PrincipalKind::AssumedRole { role_arn, .. } if **arn == **role_arn => {
                    (true, Reach::Principal)
                }
                PrincipalKind::AssumedRole { .. } => (**arn == *principal.arn, Reach::Session),
                PrincipalKind::Root | PrincipalKind::User { .. } => {
                    (**arn == *principal.arn, Reach::Principal)
                }
            },
        };
        found.then_some(reach)
    }
}
