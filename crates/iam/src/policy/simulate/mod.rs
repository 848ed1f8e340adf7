//! Decisions about requests that are written as JSON, with the policies to decide them by.
//!
//! ```json
//! {
//!   "principal": "arn:aws:iam::111122223333:user/alice",
//!   "action": "dsql:GetCluster",
//!   "resource": "arn:aws:dsql:us-east-1:111122223333:cluster/abc",
//!   "context": { "aws:PrincipalTag/team": "blue" },
//!   "identityPolicies": [{ "Version": "2012-10-17", "Statement": [] }]
//! }
//! ```
//!
//! Further members are `resourceAccount`, `permissionBoundaries`, `sessionPolicy` and
//! `resourcePolicy`. Only `principal`, `action` and `resource` are required; `null` is as good as
//! absent. A document is an object, or a string that holds one. The role of a session is taken to
//! have the path `/`. A role without a session may ask as well.
//!
//! The condition keys that follow from the principal (`aws:PrincipalArn`, `aws:PrincipalAccount`,
//! `aws:PrincipalType`, `aws:username` of a user, `aws:userid` of a root user) and from the
//! resource (`aws:ResourceAccount`) are present unless `context` overrides them, or removes them
//! with `[]` or `null`. A list of several values makes a key multivalued. Several boundaries count
//! as one policy: what any of them allows is within the boundary. `aws:userid` from the context is also the unique id that principals of
//! policies are compared with.

mod context;
mod principal;
mod read;

use serde::Serialize;

use super::{Decision, Outcome, PolicyType, Request, StatementRef, decide};
use crate::PrincipalKind;
use read::Question;

/// The answer to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Simulated {
    /// What was decided.
    pub decision: Decision,
    /// Why: a short sentence for an Allow, AWS's sentence for a refusal.
    pub reason: String,
}

/// What is wrong with a question.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{path}{}{reason}", if path.is_empty() { "" } else { ": " })]
pub struct SimulateError {
    /// The member, for instance `identityPolicies[0].Statement[1] ("X"): Action`; empty for the
    /// line as a whole.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

/// Answers one line of JSON.
///
/// # Errors
///
/// The first fault of the question, for instance a member that is unknown, missing or of the wrong
/// type, or an invalid document.
pub fn simulate(line: &str) -> Result<Simulated, SimulateError> {
    let question = Question::parse(line)?;
    let request = Request {
        principal: &question.principal,
        action: &question.action,
        resource: &question.resource,
        resource_account: question.resource_account.as_str(),
        context: &question.context,
    };
    let decision = decide(&request, question.resource_policy.as_ref());
    let reason = match decision.outcome {
        Outcome::Allow => allowed_by(&decision, &request).to_owned(),
        Outcome::ExplicitDeny | Outcome::ImplicitDeny => decision.refusal(&request).to_string(),
    };
    Ok(Simulated { decision, reason })
}

fn allowed_by(decision: &Decision, request: &Request<'_>) -> &'static str {
    let root = request.principal.kind == PrincipalKind::Root;
    let own = request.principal.account.as_str() == request.resource_account;
    match decision
        .statement
        .as_ref()
        .map(|statement| statement.policy_type)
    {
        None => "allowed to the root user of the account",
        Some(PolicyType::Resource) if own || root => "allowed by a resource-based policy",
        Some(PolicyType::Resource) => {
            "allowed by an identity-based policy and a resource-based policy"
        }
        Some(PolicyType::Identity | PolicyType::Boundary | PolicyType::Session) => {
            "allowed by an identity-based policy"
        }
    }
}

impl Simulated {
    /// `Allow`, `ExplicitDeny` or `ImplicitDeny`.
    pub fn word(&self) -> &'static str {
        self.decision.outcome.as_str()
    }

    /// The answer as one line of JSON, without its end.
    pub fn json_line(&self) -> String {
        let line = Line {
            decision: self.word(),
            reason: &self.reason,
            statement: self.decision.statement.as_ref(),
        };
        // Texts, a number and options always have a JSON form.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    decision: &'a str,
    reason: &'a str,
    statement: Option<&'a StatementRef>,
}

impl SimulateError {
    fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
        }
    }
}
