//! What is asked, ready for decisions. The questions of a batch share what they have in common.

use std::sync::Arc;

use cedar_policy_core::ast::{Context, EntityUID, EntityUIDEntry, Request};

use crate::cedar::slice::keys::{Key, RequestKeys};

/// The principal, the action or the resource of a question.
pub(crate) struct Party {
    pub(in crate::cedar) uid: Arc<EntityUID>,
    /// By what it matches.
    pub(in crate::cedar) keys: Vec<Key>,
}

impl Party {
    pub(crate) fn uid(&self) -> &EntityUID {
        &self.uid
    }
}

/// A question over a snapshot's policies. Its parties were made by that snapshot.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) principal: &'a Party,
    pub(crate) action: &'a Party,
    pub(crate) resource: &'a Party,
    pub(crate) context: &'a Context,
}

impl Asked<'_> {
    pub(in crate::cedar) fn keys(&self) -> RequestKeys<'_> {
        RequestKeys {
            principal: &self.principal.keys,
            resource: &self.resource.keys,
            action: &self.action.keys,
        }
    }

    /// As Cedar's evaluator takes it.
    pub(in crate::cedar) fn to_request(self) -> Request {
        let entry = |party: &Party| EntityUIDEntry::Known {
            euid: Arc::clone(&party.uid),
            loc: None,
        };
        let context = Some(self.context.clone());
        let (principal, action) = (entry(self.principal), entry(self.action));
        Request::new_unchecked(principal, action, entry(self.resource), context)
    }
}
