//! A policy store as decisions see it: immutable, compiled, shared by readers without a lock.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use cedar_policy::{EntityUid, Policy, PolicyId, PolicySet, SlotId, Template};
use frontdoor::Scope;

use crate::cedar::compiled_schema::CompiledSchema;

/// A policy in compiled form.
#[derive(Clone)]
pub(crate) enum CompiledPolicy {
    /// A static policy under its own id.
    Static(Arc<Policy>),
    /// A link: which template, and what fills its slots.
    Linked {
        template_id: Arc<str>,
        slots: HashMap<SlotId, EntityUid>,
    },
}

/// One change of a policy store, as a writer publishes it.
#[derive(Clone)]
pub(crate) enum Change {
    PutPolicy(Arc<str>, CompiledPolicy),
    DeletePolicy(Arc<str>),
    /// A new or changed template; its links follow at once.
    PutTemplate(Arc<str>, Arc<Template>),
    /// A template goes together with its links.
    DeleteTemplate(Arc<str>),
    PutSchema(Option<Arc<CompiledSchema>>),
}

/// The compiled state of one policy store after some revision.
///
/// Copies share their content: a change costs the logarithm of the store. What Cedar's authorizer
/// walks is assembled on the first question after a change.
#[derive(Clone)]
pub(crate) struct Snapshot {
    /// The world that the policy store belongs to.
    pub(crate) scope: Scope,
    pub(crate) schema: Option<Arc<CompiledSchema>>,
    policies: imbl::HashMap<Arc<str>, CompiledPolicy>,
    templates: imbl::HashMap<Arc<str>, Arc<Template>>,
    assembled: Arc<OnceLock<PolicySet>>,
}

/// Above this many policies, assembling them would hold an async worker for milliseconds.
const QUICK_TO_ASSEMBLE: usize = 200;

impl Snapshot {
    pub(crate) fn empty(scope: Scope) -> Self {
        Self {
            scope,
            schema: None,
            policies: imbl::HashMap::new(),
            templates: imbl::HashMap::new(),
            assembled: Arc::default(),
        }
    }

    /// Applies one change in place. `self` is a copy that nobody else sees yet.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::PutPolicy(id, policy) => {
                self.policies.insert(id, policy);
            }
            Change::DeletePolicy(id) => {
                self.policies.remove(&id);
            }
            Change::PutTemplate(id, template) => {
                self.templates.insert(id, template);
            }
            Change::DeleteTemplate(id) => {
                self.templates.remove(&id);
                let is_link = |policy: &CompiledPolicy| matches!(policy, CompiledPolicy::Linked { template_id, .. } if *template_id == id);
                self.policies.retain(|_, policy| !is_link(policy));
            }
            Change::PutSchema(schema) => self.schema = schema,
        }
        self.assembled = Arc::default();
    }

    /// Whether [`Snapshot::policies`] answers at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.assembled.get().is_some() || self.policies.len() <= QUICK_TO_ASSEMBLE
    }

    /// The policies that can decide a request.
    ///
    /// Today these are all of the store's. An index over the scopes will take the request and
    /// hand out the few that can match; callers only ever ask for "the policies for this
    /// question".
    pub(crate) fn policies(&self) -> &PolicySet {
        self.assembled.get_or_init(|| self.assemble())
    }

    fn assemble(&self) -> PolicySet {
        let mut set = PolicySet::new();
        let mut refused = 0;
        for (id, template) in &self.templates {
            refused += usize::from(
                set.add_template(template.new_id(PolicyId::new(id)))
                    .is_err(),
            );
        }
        for (id, policy) in &self.policies {
            let id = PolicyId::new(id);
            let added = match policy {
                CompiledPolicy::Static(policy) => set.add(policy.new_id(id)),
                CompiledPolicy::Linked { template_id, slots } => {
                    set.link(PolicyId::new(template_id), id, slots.clone())
                }
            };
            refused += usize::from(added.is_err());
        }
        if refused > 0 {
            // INVARIANT: ids are unique and links name templates that are there, so Cedar
            // refuses nothing; were it to happen, it must be seen.
            tracing::error!(refused, "policies are missing from a snapshot");
        }
        set
    }
}
