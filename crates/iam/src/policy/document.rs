//! Policy documents, compiled.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::action::Actions;
use super::condition::Condition;
use super::principal::{Principals, Reach};
use super::resource::Resources;
use super::{Context, Request, read};
use crate::unique_json;

/// What a document is attached to, which decides what its statements may and must contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentKind {
    /// To a user, group, role or session, or as a permissions boundary: no `Principal`, a
    /// `Resource` in every statement.
    Identity,
    /// To a resource: a `Principal` in every statement, `Resource` as well.
    Resource,
    /// To a role, saying who may assume it: a `Principal`, no `Resource`.
    Trust,
}

/// A policy document, compiled. Its `Debug` does not show the text.
pub struct Document {
    pub(super) kind: DocumentKind,
    pub(super) statements: Box<[Statement]>,
}

/// What is wrong with a document.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{path}{}{reason}", if path.is_empty() { "" } else { ": " })]
pub struct DocumentError {
    /// The place, for instance `Statement[1] ("AllowAdmins"): Condition.StringEqual`; empty for
    /// the document as a whole.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

/// What a statement does with the requests that it matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// One statement.
pub(super) struct Statement {
    pub(super) sid: Option<Arc<str>>,
    pub(super) effect: Effect,
    /// `None` in identity-based policies.
    pub(super) principals: Option<Principals>,
    pub(super) actions: Actions,
    /// `None` in trust policies.
    pub(super) resources: Option<Resources>,
    pub(super) conditions: Box<[Condition]>,
}

impl Document {
    /// Reads and compiles the text of a document.
    ///
    /// The grammar is that of the IAM JSON policy language: versions `2012-10-17` and `2008-10-17`
    /// (which is the default and has no policy variables), element names with regard to case,
    /// single values or lists.
    ///
    /// # Errors
    ///
    /// The first fault: no JSON, a member that occurs twice, or an element that is unknown,
    /// missing, superfluous or malformed.
    pub fn parse(kind: DocumentKind, text: &str) -> Result<Self, DocumentError> {
        let value = unique_json::parse(text)
            .map_err(|error| DocumentError::new(format!("not a JSON document: {error}")))?;
        Self::from_json(kind, &value)
    }

    /// Compiles a document that has been parsed as JSON.
    ///
    /// # Errors
    ///
    /// Those of [`Document::parse`] but for malformed JSON.
    pub fn from_json(kind: DocumentKind, document: &Value) -> Result<Self, DocumentError> {
        read::document(kind, document)
    }

    /// Whether it is the trust policy of a role.
    pub(super) fn is_trust(&self) -> bool {
        self.kind == DocumentKind::Trust
    }

    /// How many statements it has.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("statements", &self.statements.len())
            .finish_non_exhaustive()
    }
}

impl DocumentError {
    /// A fault at the place that the caller is about to name.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            reason: reason.into(),
        }
    }

    /// The same fault, seen from outside the member `name`.
    pub(super) fn within(self, name: &str, separator: &str) -> Self {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{name}{separator}{}", self.path)
        };
        Self { path, ..self }
    }
}

impl Effect {
    /// `Allow` or `Deny`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

impl Statement {
    /// Whether action and resource match; for the policies of principals.
    pub(super) fn covers(&self, request: &Request<'_>) -> bool {
        self.actions.cover(request.action) && self.covers_resource(request)
    }

    /// Whether principal, action and resource match, and how directly the principal is named; for
    /// the policies of resources.
    pub(super) fn reaches(&self, request: &Request<'_>) -> Option<Reach> {
        if !self.actions.cover(request.action) {
            return None;
        }
        let reach = self.principals.as_ref()?.reach(request.principal)?;
        self.covers_resource(request).then_some(reach)
    }

    fn covers_resource(&self, request: &Request<'_>) -> bool {
        let Some(resources) = &self.resources else {
            return true;
        };
        resources.cover(request.resource, request.context)
    }

    /// The first condition that does not hold.
    pub(super) fn failed_condition(&self, context: &dyn Context) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|condition| !condition.holds(context))
    }
}
