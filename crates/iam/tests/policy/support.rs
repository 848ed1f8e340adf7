//! Principals, policies and contexts for tests of the API.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use iam::policy::{
    Context, Document, DocumentKind, NamedDocument, PrincipalPolicies, Request, Values,
};
use iam::{Inheritance, Principal, PrincipalKind};
use serde_json::Value;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const CLUSTER: &str = "arn:aws:dsql:us-east-1:111122223333:cluster/abc";

pub(crate) fn named(name: &str, kind: DocumentKind, document: &Value) -> NamedDocument {
    NamedDocument {
        name: name.into(),
        document: Arc::new(Document::from_json(kind, document).unwrap()),
    }
}

/// The user `alice` with one identity-based policy, `inline`.
pub(crate) fn alice(policy: &Value) -> Principal {
    Principal {
        account: ACCOUNT.parse().unwrap(),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/alice"),
        user_id: "AIDAEXAMPLEALICE00001".to_owned(),
        kind: PrincipalKind::User {
            name: "alice".to_owned(),
        },
        tags: BTreeMap::new(),
        organization: None,
        inheritance: Inheritance::default(),
        policies: PrincipalPolicies {
            identity: vec![named("inline", DocumentKind::Identity, policy)],
            ..PrincipalPolicies::default()
        },
    }
}

/// `alice` asks for [`CLUSTER`].
pub(crate) fn get_cluster<'a>(principal: &'a Principal, context: &'a dyn Context) -> Request<'a> {
    Request {
        principal,
        action: "dsql:GetCluster",
        resource: CLUSTER,
        resource_account: ACCOUNT,
        context,
    }
}

/// A context that remembers which keys were looked up.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) keys: BTreeMap<&'static str, &'static str>,
    pub(crate) asked: RefCell<Vec<String>>,
}

impl Context for Watched {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        self.asked.borrow_mut().push(key.to_owned());
        let value = self.keys.get(key)?;
        Some(Values::One(Cow::Borrowed(value)))
    }
}
