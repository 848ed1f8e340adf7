//! Policy documents: inline, managed, and as boundaries.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use base::{AccountId, Arn};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::entity::{check_account, check_resource, parse_arn};
use super::{AccountFileError, Node, Object};
use crate::managed;
use crate::policy::{Document, DocumentError, DocumentKind, NamedDocument};

const INLINE: &[&str] = &["PolicyName", "PolicyDocument"];
const ATTACHED: &[&str] = &["PolicyName", "PolicyArn"];
const BOUNDARY: &[&str] = &["PermissionsBoundaryType", "PermissionsBoundaryArn"];
const POLICY: &[&str] = &[
    "PolicyName",
    "Path",
    "Arn",
    "DefaultVersionId",
    "PolicyVersionList",
];
const VERSION: &[&str] = &["VersionId", "IsDefaultVersion", "Document"];

/// The document of an AWS managed policy that is not known.
const NOTHING: &str = r#"{ "Version": "2012-10-17", "Statement": [] }"#;

/// The managed policies of an account.
pub(super) struct Managed {
    account: AccountId,
    /// The policies of the file and the built-in ones that are attached, by ARN.
    pub(super) documents: HashMap<Arc<str>, NamedDocument>,
    /// AWS managed policies that are attached, but whose documents are not known.
    unknown: HashMap<Arc<str>, NamedDocument>,
    pub(super) warnings: Vec<String>,
}

impl Managed {
    /// Reads `Policies`: of every policy the default version.
    pub(super) fn read(object: &Object<'_>, account: &AccountId) -> Result<Self, AccountFileError> {
        let mut documents = HashMap::new();
        for node in object.list("Policies")? {
            let policy = node.object(POLICY)?;
            let name = policy.required("PolicyName")?.filled()?;
            let path = policy.optional_text("Path")?.unwrap_or("/");
            let arn_node = policy.required("Arn")?;
            let arn = parse_arn(&arn_node, "a managed policy")?;
            if arn.account != "aws" {
                check_account(&arn_node, &arn, account)?;
            }
            check_resource(
                &arn_node,
                &arn,
                &format!("policy{path}{name}"),
                "PolicyName",
            )?;
            let arn: Arc<str> = arn_node.text()?.into();
            let Entry::Vacant(entry) = documents.entry(Arc::clone(&arn)) else {
                return Err(arn_node.error(format!("policy `{arn}` occurs twice")));
            };
            let document = document(DocumentKind::Identity, &default_version(&policy)?)?;
            entry.insert(NamedDocument {
                name: arn,
                document,
            });
        }
        Ok(Self {
            account: account.clone(),
            documents,
            unknown: HashMap::new(),
            warnings: Vec::new(),
        })
    }

    /// The `AttachedManagedPolicies` of a user, group or role.
    pub(super) fn attached(
        &mut self,
        owner: &Object<'_>,
    ) -> Result<Vec<NamedDocument>, AccountFileError> {
        let list = owner.list("AttachedManagedPolicies")?;
        let read = |node: &Node<'_>| self.get(&node.object(ATTACHED)?.required("PolicyArn")?);
        list.iter().map(read).collect()
    }

    /// The `PermissionsBoundary` of a user or role.
    pub(super) fn boundary(
        &mut self,
        owner: &Object<'_>,
    ) -> Result<Option<Vec<NamedDocument>>, AccountFileError> {
        let Some(node) = owner.optional("PermissionsBoundary") else {
            return Ok(None);
        };
        let arn = node.object(BOUNDARY)?.required("PermissionsBoundaryArn")?;
        Ok(Some(vec![self.get(&arn)?]))
    }

    /// The policy of an ARN.
    fn get(&mut self, node: &Node<'_>) -> Result<NamedDocument, AccountFileError> {
        let arn = node.text()?;
        let known = self.documents.get(arn).or_else(|| self.unknown.get(arn));
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let name: Arc<str> = arn.into();
        let named = |document| NamedDocument {
            name: Arc::clone(&name),
            document,
        };
        if let Some(built_in) = managed::document(arn).map(named) {
            self.documents.insert(Arc::clone(&name), built_in.clone());
            return Ok(built_in);
        }
        if !is_aws_managed(arn) {
            let account = &self.account;
            return Err(node.error(format!(
                "no policy `{arn}` in the Policies of account {account}"
            )));
        }
        let nothing = Document::parse(DocumentKind::Identity, NOTHING);
        let nothing = named(compiled(node, nothing)?);
        self.unknown.insert(Arc::clone(&name), nothing.clone());
        let path = node.path();
        self.warnings.push(format!(
            "{path}: {arn} is neither in `Policies` nor built in: it grants nothing"
        ));
        Ok(nothing)
    }
}

fn is_aws_managed(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| {
        (arn.service, arn.region, arn.account) == ("iam", "", "aws")
            && arn.resource.starts_with("policy/")
    })
}

/// The document of the default version of a policy.
fn default_version<'v>(policy: &Object<'v>) -> Result<Node<'v>, AccountFileError> {
    let default_id = policy.optional_text("DefaultVersionId")?;
    let mut found = None;
    for node in policy.required("PolicyVersionList")?.items()? {
        let version = node.object(VERSION)?;
        let marked_node = version.optional("IsDefaultVersion");
        let marked = marked_node.as_ref().map(Node::boolean).transpose()?;
        let is_default = match (default_id, &marked_node) {
            (None, _) => marked == Some(true),
            (Some(id), marked_node) => {
                let is_default = version.required("VersionId")?.text()? == id;
                if let Some(node) = marked_node
                    && marked != Some(is_default)
                {
                    return Err(node.error(format!("contradicts `DefaultVersionId`, `{id}`")));
                }
                is_default
            }
        };
        if is_default && found.replace(version.required("Document")?).is_some() {
            return Err(node.error("is a second default version"));
        }
    }
    found.ok_or_else(|| policy.error("has no default version"))
}

/// The inline policies of `owner`, for instance the `UserPolicyList` of `user/alice`.
pub(super) fn inline(
    object: &Object<'_>,
    list: &str,
    owner: &str,
) -> Result<Vec<NamedDocument>, AccountFileError> {
    let mut policies: Vec<NamedDocument> = Vec::new();
    for node in object.list(list)? {
        let policy = node.object(INLINE)?;
        let name_node = policy.required("PolicyName")?;
        let policy_name = name_node.filled()?;
        let name = format!("{owner}: {policy_name}");
        if policies.iter().any(|known| *known.name == *name) {
            return Err(name_node.error(format!("policy `{policy_name}` occurs twice")));
        }
        policies.push(NamedDocument {
            name: name.into(),
            document: document(DocumentKind::Identity, &policy.required("PolicyDocument")?)?,
        });
    }
    Ok(policies)
}

/// A document as the AWS CLI prints it, an object, or as the API returns it, URL-encoded text.
pub(super) fn document(
    kind: DocumentKind,
    node: &Node<'_>,
) -> Result<Arc<Document>, AccountFileError> {
    let Value::String(text) = node.value() else {
        node.object(&[])?;
        return compiled(node, Document::from_json(kind, node.value()));
    };
    let text = if text.trim_start().starts_with('{') {
        Cow::Borrowed(text.as_str())
    } else {
        percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| node.error("must be JSON or URL-encoded JSON"))?
    };
    compiled(node, Document::parse(kind, &text))
}

/// Names the place in the file before that in the document.
fn compiled(
    node: &Node<'_>,
    document: Result<Document, DocumentError>,
) -> Result<Arc<Document>, AccountFileError> {
    document
        .map(Arc::new)
        .map_err(|error| node.error(error.to_string()))
}
