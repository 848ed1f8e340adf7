//! Which statements mattered for a decision.

use super::decide::{Decision, Located, decide};
use super::document::Effect;
use super::{NamedDocument, PolicyType, Request, StatementRef};
use crate::PrincipalKind;

/// A decision with the statements that mattered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// What [`decide()`] says.
    pub decision: Decision,
    /// The statements whose action, resource and principal match: identity-based policies first,
    /// then the boundary, the session policies and the resource's policy.
    pub statements: Vec<ExplainedStatement>,
}

/// A statement whose action, resource and principal match a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExplainedStatement {
    /// Which one.
    pub statement: StatementRef,
    /// What it does when its conditions hold.
    pub effect: Effect,
    /// The first condition that does not hold; `None` when all do, so that the effect applies.
    pub failed_condition: Option<FailedCondition>,
}

/// A condition that does not hold. The request's values are not part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedCondition {
    /// The operator as the document writes it, for instance `StringEquals`.
    pub operator: String,
    /// The key as the document writes it, for instance `aws:PrincipalTag/team`.
    pub key: String,
}

/// Decides a request like [`decide()`], and lists the statements that mattered.
pub fn explain(request: &Request<'_>, resource_policy: Option<&NamedDocument>) -> Explanation {
    let own = &request.principal.policies;
    let mut statements = Vec::new();
    if request.principal.kind != PrincipalKind::Root {
        let identity = Located::all(PolicyType::Identity, &own.identity);
        let boundary = Located::all(PolicyType::Boundary, own.boundary.iter().flatten());
        let session = Located::all(PolicyType::Session, own.session.iter().flatten());
        let covering = identity
            .chain(boundary)
            .chain(session)
            .filter(|located| located.statement.covers(request));
        statements.extend(covering.map(|located| explained(located, request)));
    }
    let resource = Located::all(PolicyType::Resource, resource_policy);
    let reaching = resource.filter(|located| located.statement.reaches(request).is_some());
    statements.extend(reaching.map(|located| explained(located, request)));
    Explanation {
        decision: decide(request, resource_policy),
        statements,
    }
}

fn explained(located: Located<'_>, request: &Request<'_>) -> ExplainedStatement {
    let failed = located.statement.failed_condition(request.context);
    ExplainedStatement {
        statement: located.reference(),
        effect: located.statement.effect,
        failed_condition: failed.map(|condition| FailedCondition {
            operator: condition.operator_name.to_string(),
            key: condition.key_name.to_string(),
        }),
    }
}

impl ExplainedStatement {
    /// Whether the conditions hold, so that the effect applies.
    pub fn applies(&self) -> bool {
        self.failed_condition.is_none()
    }
}
