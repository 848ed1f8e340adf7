//! AWS's sentences for refusals.

use std::fmt;

use super::{Decision, Missing, Outcome, PolicyType, Request};

impl Decision {
    /// AWS's sentence for a refusal: the IAM User Guide lists them in "Troubleshoot access denied
    /// error messages".
    pub fn refusal<'a>(&'a self, request: &'a Request<'a>) -> impl fmt::Display + 'a {
        Refusal {
            decision: self,
            request,
        }
    }
}

struct Refusal<'a> {
    decision: &'a Decision,
    request: &'a Request<'a>,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request {
            principal,
            action,
            resource,
            ..
        } = self.request;
        write!(f, "User: {} is not authorized to ", principal.arn)?;
        if self.decision.missing == Some(Missing::CrossAccount) {
            return f.write_str("access this resource");
        }
        write!(f, "perform: {action} on resource: {resource}")?;
        match (
            self.decision.outcome,
            self.decision.missing,
            &self.decision.statement,
        ) {
            (Outcome::ExplicitDeny, _, Some(statement)) => {
                write!(
                    f,
                    " with an explicit deny in {}",
                    phrase(statement.policy_type)
                )
            }
            (_, Some(Missing::Allow(policy_type)), _) => {
                let policy = bare_phrase(policy_type);
                write!(f, " because no {policy} allows the {action} action")
            }
            _ => Ok(()),
        }
    }
}

fn phrase(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::Identity => "an identity-based policy",
        PolicyType::Boundary => "a permissions boundary",
        PolicyType::Session => "a session policy",
        PolicyType::Resource => "a resource-based policy",
    }
}

/// The phrase without its article.
fn bare_phrase(policy_type: PolicyType) -> &'static str {
    let phrase = phrase(policy_type);
    phrase.split_once(' ').map_or(phrase, |(_, bare)| bare)
}
