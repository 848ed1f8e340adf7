//! From a line of JSON to a question.

use std::sync::Arc;

use base::{AccountId, Arn};
use serde_json::{Map, Value};

use super::context::Keys;
use super::{SimulateError, principal};
use crate::Principal;
use crate::policy::{Document, DocumentError, DocumentKind, NamedDocument, PrincipalPolicies};
use crate::unique_json;

const MEMBERS: &[&str] = &[
    "principal",
    "action",
    "resource",
    "resourceAccount",
    "context",
    "identityPolicies",
    "permissionBoundaries",
    "sessionPolicy",
    "resourcePolicy",
];

/// A question, with the policies to decide it by.
pub(super) struct Question {
    pub(super) principal: Principal,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) resource_account: AccountId,
    pub(super) context: Keys,
    pub(super) resource_policy: Option<NamedDocument>,
}

impl Question {
    pub(super) fn parse(line: &str) -> Result<Self, SimulateError> {
        let value = unique_json::parse(line)
            .map_err(|error| SimulateError::new("", format!("not a JSON object: {error}")))?;
        let object = value
            .as_object()
            .ok_or_else(|| SimulateError::new("", "must be an object"))?;
        let unknown = |name: &&String| !MEMBERS.contains(&name.as_str());
        if let Some(name) = object.keys().find(unknown) {
            return Err(SimulateError::new(name, "unknown member"));
        }
        Self::read(&Members(object))
    }

    fn read(members: &Members<'_>) -> Result<Self, SimulateError> {
        let mut context = members.context()?;
        let mut principal = members.principal()?;
        context.complete(&mut principal);
        let action = members.action()?;
        let resource = members.required_text("resource")?;
        let arn = Arn::parse(resource);
        if resource != "*" && arn.is_none() {
            return Err(SimulateError::new("resource", "must be `*` or an ARN"));
        }
        let resource_account = match members.text("resourceAccount")? {
            Some(account) => account.parse().map_err(|_| {
                SimulateError::new("resourceAccount", "must have exactly 12 digits")
            })?,
            None => arn
                .and_then(|arn| arn.account.parse().ok())
                .unwrap_or_else(|| principal.account.clone()),
        };
        if resource != "*" {
            context.complete_resource(resource_account.as_str());
        }
        // The policy of a role is its trust policy, which has no `Resource`.
        let is_role =
            arn.is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
        let trust = is_role.then(|| members.document("resourcePolicy", DocumentKind::Trust));
        let resource_policy = match trust {
            Some(Ok(trust)) => trust,
            Some(Err(_)) | None => members.document("resourcePolicy", DocumentKind::Resource)?,
        };
        Ok(Self {
            principal,
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account,
            context,
            resource_policy,
        })
    }
}

/// The members of a question.
struct Members<'v>(&'v Map<String, Value>);

impl<'v> Members<'v> {
    fn principal(&self) -> Result<Principal, SimulateError> {
        let text = self.required_text("principal")?;
        let boundary = self.documents("permissionBoundaries")?;
        let session = self.document("sessionPolicy", DocumentKind::Identity)?;
        let policies = PrincipalPolicies {
            identity: self.documents("identityPolicies")?,
            boundary: Some(boundary).filter(|documents| !documents.is_empty()),
            session: session.map(|document| vec![document]),
        };
        principal::parse(text, policies).ok_or_else(|| {
            let reason = "must be the ARN of a root user, user, role or role session";
            SimulateError::new("principal", reason)
        })
    }

    fn action(&self) -> Result<&'v str, SimulateError> {
        let text = self.required_text("action")?;
        let word = |word: &str| !word.is_empty() && !word.contains([':', '*', '?']);
        match text.split_once(':') {
            Some((service, name)) if word(service) && word(name) => Ok(text),
            Some(_) | None => Err(SimulateError::new(
                "action",
                "must be of the form `service:action`",
            )),
        }
    }

    fn context(&self) -> Result<Keys, SimulateError> {
        match self.get("context") {
            None => Ok(Keys::default()),
            Some(Value::Object(context)) => Keys::read(context),
            Some(_) => Err(SimulateError::new("context", "must be an object")),
        }
    }

    /// A list of documents, or one.
    fn documents(&self, name: &str) -> Result<Vec<NamedDocument>, SimulateError> {
        let documents = match self.get(name) {
            None => &[],
            Some(Value::Array(list)) => list.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let named = documents.iter().enumerate();
        let named = named
            .map(|(at, value)| document(format!("{name}[{at}]"), DocumentKind::Identity, value));
        named.collect()
    }

    fn document(
        &self,
        name: &str,
        kind: DocumentKind,
    ) -> Result<Option<NamedDocument>, SimulateError> {
        let value = self.get(name);
        value
            .map(|value| document(name.to_owned(), kind, value))
            .transpose()
    }

    fn required_text(&self, name: &str) -> Result<&'v str, SimulateError> {
        let text = self.text(name)?;
        text.ok_or_else(|| SimulateError::new(name, "is missing"))
    }

    fn text(&self, name: &str) -> Result<Option<&'v str>, SimulateError> {
        let text = |value: &'v Value| {
            value
                .as_str()
                .ok_or_else(|| SimulateError::new(name, "must be a string"))
        };
        self.get(name).map(text).transpose()
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

fn document(
    name: String,
    kind: DocumentKind,
    value: &Value,
) -> Result<NamedDocument, SimulateError> {
    let document = match value {
        Value::String(text) => Document::parse(kind, text),
        Value::Object(_) => Document::from_json(kind, value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(
            DocumentError::new("must be an object, or a string that holds one"),
        ),
    };
    match document {
        Ok(document) => Ok(NamedDocument {
            name: name.into(),
            document: Arc::new(document),
        }),
        Err(error) => {
            let DocumentError { path, reason } = error.within(&name, ".");
            Err(SimulateError { path, reason })
        }
    }
}
