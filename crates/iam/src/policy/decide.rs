//! How the policies of a principal and of a resource combine.

use std::sync::Arc;

use super::document::{Effect, Statement};
use super::principal::Reach;
use super::{NamedDocument, PolicyType, Request, StatementRef};
use crate::PrincipalKind;

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A policy allows it, and none denies it.
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement that would have to allow it does.
    ImplicitDeny,
}

impl Outcome {
    /// The word for it in answers and in the decision log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::ExplicitDeny => "ExplicitDeny",
            Self::ImplicitDeny => "ImplicitDeny",
        }
    }
}

/// What an implicit deny lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// A statement in a policy of this kind that allows the action.
    Allow(PolicyType),
    /// The service does not let other accounts use its resources, whatever policies say.
    CrossAccount,
    /// A statement in the trust policy of the role.
    Trust,
}

/// A decision with what decided it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// The statement that denied or allowed; `None` for an implicit deny and for the root user.
    /// When the resource belongs to another account, so that two statements must allow, it is that
    /// of the resource's policy.
    pub statement: Option<StatementRef>,
    /// What an implicit deny lacks; `None` for the other outcomes.
    pub missing: Option<Missing>,
}

/// Services whose resources other accounts cannot use: Aurora DSQL documents that cross-account
/// access is not supported.
const NOT_ACROSS_ACCOUNTS: &[&str] = &["dsql"];

/// Decides a request by the principal's policies and that of the resource.
///
/// The rules are those that the IAM User Guide gives in "Policy evaluation logic":
///
/// 1. A Deny in any policy wins.
/// 2. No identity-based policy, boundary or session policy limits the root user.
/// 3. In the account of the principal, its own policies or that of the resource must allow. The
///    principal's own policies are an identity-based policy that allows, within the boundary and
///    the session policies if there are any. A resource's policy that names the user, or a
///    session itself, is enough alone; one that names the role of a session, or everyone, stands
///    in for the identity-based policy; one that names only the account leaves the decision to
///    the identity-based policies.
/// 4. In another account both must allow; there it does not matter how the principal is named.
///    For `dsql` nothing is allowed across accounts.
/// 5. A role's trust policy must allow in any case, if only by naming the account.
pub fn decide(request: &Request<'_>, resource_policy: Option<&NamedDocument>) -> Decision {
    match Found::scan(request, resource_policy) {
        Ok(found) if found.trusts(resource_policy) => found.combine(request),
        Ok(_) => lacking(Missing::Trust),
        Err(denied) => Decision {
            outcome: Outcome::ExplicitDeny,
            statement: Some(denied.reference()),
            missing: None,
        },
    }
}

/// A statement of a policy.
#[derive(Clone, Copy)]
pub(super) struct Located<'a> {
    pub(super) policy_type: PolicyType,
    pub(super) policy: &'a NamedDocument,
    pub(super) index: usize,
    pub(super) statement: &'a Statement,
}

impl<'a> Located<'a> {
    /// The statements of some policies, in order.
    pub(super) fn all(
        policy_type: PolicyType,
        policies: impl IntoIterator<Item = &'a NamedDocument>,
    ) -> impl Iterator<Item = Self> {
        policies.into_iter().flat_map(move |policy| {
            let statements = policy.document.statements.iter().enumerate();
            statements.map(move |(index, statement)| Self {
                policy_type,
                policy,
                index,
                statement,
            })
        })
    }

    pub(super) fn reference(self) -> StatementRef {
        StatementRef {
            policy_type: self.policy_type,
            policy: Arc::clone(&self.policy.name),
            index: self.index,
            sid: self.statement.sid.clone(),
        }
    }
}

/// A policy that does not give but limit.
#[derive(Clone, Copy)]
enum Limit {
    None,
    Allows,
    Lacks,
}

/// The first Allow of every kind.
struct Found<'a> {
    identity: Option<Located<'a>>,
    boundary: Limit,
    session: Limit,
    by_account: Option<Located<'a>>,
    by_principal: Option<Located<'a>>,
    by_session: Option<Located<'a>>,
}

impl<'a> Found<'a> {
    /// Walks all policies that apply. The error is the first Deny.
    fn scan(
        request: &'a Request<'a>,
        resource_policy: Option<&'a NamedDocument>,
    ) -> Result<Self, Located<'a>> {
        let mut found = Self {
            identity: None,
            boundary: Limit::None,
            session: Limit::None,
            by_account: None,
            by_principal: None,
            by_session: None,
        };
        let own = &request.principal.policies;
        if request.principal.kind != PrincipalKind::Root {
            found.identity = first_allow(request, PolicyType::Identity, &own.identity)?;
            found.boundary = limit(request, PolicyType::Boundary, own.boundary.as_deref())?;
            found.session = limit(request, PolicyType::Session, own.session.as_deref())?;
        }
        for located in Located::all(PolicyType::Resource, resource_policy) {
            let Some(reach) = located.statement.reaches(request) else {
                continue;
            };
            let place = match reach {
                Reach::Account => &mut found.by_account,
                Reach::Principal => &mut found.by_principal,
                Reach::Session => &mut found.by_session,
            };
            let needed = located.statement.effect == Effect::Deny || place.is_none();
            if needed
                && located
                    .statement
                    .failed_condition(request.context)
                    .is_none()
            {
                match located.statement.effect {
                    Effect::Deny => return Err(located),
                    Effect::Allow => *place = Some(located),
                }
            }
        }
        Ok(found)
    }

    /// Whether the trust policy lets the principal in, if the resource is a role.
    fn trusts(&self, resource_policy: Option<&NamedDocument>) -> bool {
        let is_role = resource_policy.is_some_and(|policy| policy.document.is_trust());
        !is_role
            || [self.by_session, self.by_principal, self.by_account]
                .iter()
                .any(Option::is_some)
    }

    fn combine(self, request: &Request<'_>) -> Decision {
        if request.principal.account.as_str() == request.resource_account {
            self.same_account(&request.principal.kind)
        } else {
            self.other_account(request)
        }
    }

    fn same_account(self, kind: &PrincipalKind) -> Decision {
        let (direct, stand_in) = match kind {
            PrincipalKind::Root => return allow(None),
            PrincipalKind::User { .. } => (self.by_session.or(self.by_principal), None),
            PrincipalKind::AssumedRole { .. } => (self.by_session, self.by_principal),
        };
        match self.own_side(stand_in) {
            Ok(statement) => allow(Some(statement)),
            Err(missing) => match direct {
                Some(statement) => allow(Some(statement)),
                None => lacking(Missing::Allow(missing)),
            },
        }
    }

    fn other_account(self, request: &Request<'_>) -> Decision {
        let service = request.action.split(':').next().unwrap_or_default();
        if NOT_ACROSS_ACCOUNTS
            .iter()
            .any(|name| name.eq_ignore_ascii_case(service))
        {
            return lacking(Missing::CrossAccount);
        }
        if request.principal.kind != PrincipalKind::Root
            && let Err(missing) = self.own_side(None)
        {
            return lacking(Missing::Allow(missing));
        }
        match self.by_session.or(self.by_principal).or(self.by_account) {
            Some(statement) => allow(Some(statement)),
            None => lacking(Missing::Allow(PolicyType::Resource)),
        }
    }

    /// What the principal's own policies allow. `stand_in` is a statement of the resource's policy
    /// that counts as one of an identity-based policy. The error says what is lacking.
    fn own_side(&self, stand_in: Option<Located<'a>>) -> Result<Located<'a>, PolicyType> {
        let statement = self.identity.or(stand_in).ok_or(PolicyType::Identity)?;
        match (self.boundary, self.session) {
            (Limit::Lacks, _) => Err(PolicyType::Boundary),
            (_, Limit::Lacks) => Err(PolicyType::Session),
            (Limit::None | Limit::Allows, Limit::None | Limit::Allows) => Ok(statement),
        }
    }
}

fn limit<'a>(
    request: &Request<'_>,
    policy_type: PolicyType,
    policies: Option<&'a [NamedDocument]>,
) -> Result<Limit, Located<'a>> {
    let Some(policies) = policies else {
        return Ok(Limit::None);
    };
    let allowed = first_allow(request, policy_type, policies)?;
    Ok(allowed.map_or(Limit::Lacks, |_| Limit::Allows))
}

/// The first statement that allows the request. The error is the first that denies it. Once an
/// Allow is found, only the conditions of Deny statements are evaluated.
fn first_allow<'a>(
    request: &Request<'_>,
    policy_type: PolicyType,
    policies: &'a [NamedDocument],
) -> Result<Option<Located<'a>>, Located<'a>> {
    let mut allowed = None;
    for located in Located::all(policy_type, policies) {
        let statement = located.statement;
        if statement.effect == Effect::Allow && allowed.is_some() {
            continue;
        }
        if statement.covers(request) && statement.failed_condition(request.context).is_none() {
            match statement.effect {
                Effect::Allow => allowed = Some(located),
                Effect::Deny => return Err(located),
            }
        }
    }
    Ok(allowed)
}

fn allow(statement: Option<Located<'_>>) -> Decision {
    Decision {
        outcome: Outcome::Allow,
        statement: statement.map(Located::reference),
        missing: None,
    }
}

fn lacking(missing: Missing) -> Decision {
    Decision {
        outcome: Outcome::ImplicitDeny,
        statement: None,
        missing: Some(missing),
    }
}
