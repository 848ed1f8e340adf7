//! IAM policies: reading documents, and deciding requests by them. Pure.
//!
//! A document is compiled once ([`Document::parse`]): patterns are split into bytes and wildcards,
//! actions and the names of condition keys are in lower case, and the numbers, dates and addresses
//! of conditions are parsed. [`decide()`] then walks the statements of all policies that apply, in
//! the order in which AWS names them in refusals. A statement is compared action first, then
//! principal, then resource; only when all three match are its conditions evaluated, which is when
//! condition keys are looked up ([`Context`]). Nothing is allocated for a statement unless a
//! pattern contains a policy variable or a condition key has several values.
//!
//! Patterns are matched without recursion, in time proportional to the product of the lengths of
//! pattern and text, whoever wrote them.
//!
//! How the policies of a principal, its boundary, its session and of the resource combine is
//! described at [`decide()`]. [`explain()`] lists the statements that mattered,
//! [`public_access`] finds the statement that opens a resource to everyone, and [`simulate`]
//! answers questions that are written as JSON.

mod action;
mod arn;
mod condition;
mod decide;
mod document;
mod explain;
mod pattern;
mod principal;
pub mod public_access;
mod read;
mod refusal;
mod resource;
pub mod simulate;
mod variable;

use std::borrow::Cow;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::Principal;

pub use action::action_matches;
pub use decide::{Decision, Missing, Outcome, decide};
pub use document::{Document, DocumentError, DocumentKind, Effect};
pub use explain::{ExplainedStatement, Explanation, FailedCondition, explain};

/// A document with the name that explanations call it by.
#[derive(Clone, Debug)]
pub struct NamedDocument {
    /// The ARN of a managed policy, or the name of an inline one with its owner.
    pub name: Arc<str>,
    /// The policy.
    pub document: Arc<Document>,
}

/// The policies that a principal brings along.
#[derive(Clone, Default, Debug)]
pub struct PrincipalPolicies {
    /// Inline and managed policies of the user and its groups, or of the role.
    pub identity: Vec<NamedDocument>,
    /// The permissions boundary; `None` when there is none.
    pub boundary: Option<Vec<NamedDocument>>,
    /// The session policies; `None` when the session was opened without any.
    pub session: Option<Vec<NamedDocument>>,
}

/// The condition keys of a request.
pub trait Context {
    /// The values of a key, given in lower case; `None` when the request does not have it.
    fn values(&self, key: &str) -> Option<Values<'_>>;
}

/// The values of a condition key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Values<'a> {
    /// One value.
    One(Cow<'a, str>),
    /// The values of a multivalued key, perhaps none.
    Many(Vec<Cow<'a, str>>),
}

/// What is asked.
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The action with its service prefix, for instance `dsql:GetCluster`.
    pub action: &'a str,
    /// The ARN of the resource, or `*` for actions without one.
    pub resource: &'a str,
    /// The account that the resource belongs to.
    pub resource_account: &'a str,
    /// The condition keys.
    pub context: &'a dyn Context,
}

/// The kinds of policies, as AWS's refusals call them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyType {
    /// `an identity-based policy`
    Identity,
    /// `a permissions boundary`
    Boundary,
    /// `a session policy`
    Session,
    /// `a resource-based policy`
    Resource,
}

impl PolicyType {
    /// The word for it in explanations and in the decision log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Boundary => "permissions-boundary",
            Self::Session => "session",
            Self::Resource => "resource",
        }
    }
}

/// A statement of a policy. As JSON it has the members `policyType`, `policy`, `index` and `sid`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementRef {
    /// What kind of policy it stands in.
    pub policy_type: PolicyType,
    /// The policy's name.
    pub policy: Arc<str>,
    /// Its place in the policy, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<Arc<str>>,
}

#[cfg(test)]
mod tests;

impl Serialize for StatementRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("StatementRef", 4)?;
        members.serialize_field("policyType", self.policy_type.as_str())?;
        members.serialize_field("policy", &*self.policy)?;
        members.serialize_field("index", &self.index)?;
        members.serialize_field("sid", &self.sid.as_deref())?;
        members.end()
    }
}
