//! A policy store as decisions see it: immutable, indexed, shared by readers without a lock.

use std::sync::Arc;

use cedar_policy::{Entities, Template};
use cedar_policy_core::ast::EntityUID;
use frontdoor::Scope;
use store::StoreError;

use crate::cedar::asked::{Asked, Party};
use crate::cedar::compiled_policy::{Bodies, Body, CompiledTemplate, Content, Resident};
use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::slice::index::{Index, Path};
use crate::cedar::slice::keys::Keys;
use crate::token::source::TokenSource;

pub(crate) use crate::cedar::compiled_policy::CompiledPolicy;

/// One change of a policy store, as a writer publishes it.
#[derive(Clone)]
pub(crate) enum Change {
    PutPolicy(Arc<str>, CompiledPolicy),
    DeletePolicy(Arc<str>),
    /// A new or changed template; its links follow at once.
    PutTemplate(Arc<str>, Arc<Template>),
    /// A template that has no links any more.
    DeleteTemplate(Arc<str>),
    PutSchema(Option<Arc<CompiledSchema>>),
    PutIdentitySource(Option<Arc<TokenSource>>),
}

/// The state of one policy store after some revision.
///
/// Copies share their content: a change costs the logarithm of the store.
#[derive(Clone)]
pub(crate) struct Snapshot {
    /// The world that the policy store belongs to.
    pub(crate) scope: Scope,
    pub(crate) schema: Option<Arc<CompiledSchema>>,
    pub(crate) identity_source: Option<Arc<TokenSource>>,
    keys: Keys,
    bodies: Arc<Bodies>,
    templates: imbl::HashMap<Arc<str>, Arc<CompiledTemplate>>,
    /// By the hash of the id.
    by_id: Index<Resident>,
    by_scope: Index<Resident>,
}

/// The policies that can match a request.
pub(crate) struct Slice(pub(in crate::cedar) Vec<Candidate>);

/// A policy, with its body if that is at hand.
pub(in crate::cedar) struct Candidate {
    pub(in crate::cedar) policy: Arc<Resident>,
    pub(in crate::cedar) body: Option<Arc<Body>>,
}

impl Slice {
    /// How many policies there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many bodies are not at hand.
    pub(crate) fn missing(&self) -> usize {
        let Self(candidates) = self;
        candidates.iter().filter(|one| one.body.is_none()).count()
    }
}

/// A snapshot that is being loaded. Its policies wait until all are known, and then go into the
/// indexes in the order in which these keep them: a million that come in any order would miss the
/// processor's caches at every step.
pub(crate) struct Loading {
    snapshot: Snapshot,
    by_id: Vec<(Path, Arc<Resident>)>,
    by_scope: Vec<(Path, Arc<Resident>)>,
}

impl Loading {
    /// `snapshot` has its templates, and no policies yet.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            by_id: Vec::new(),
            by_scope: Vec::new(),
        }
    }

    /// Adds a policy, whose id no other has.
    ///
    /// # Errors
    /// As [`Snapshot::apply`].
    pub(crate) fn add(&mut self, id: &str, policy: CompiledPolicy) -> Result<(), StoreError> {
        let policy = self.snapshot.settle(id, policy)?;
        for path in policy.paths() {
            self.by_scope.push((*path, Arc::clone(&policy)));
        }
        self.by_id.push((self.snapshot.keys.id_path(id), policy));
        Ok(())
    }

    pub(crate) fn finish(self) -> Snapshot {
        let mut snapshot = self.snapshot;
        snapshot.by_id.extend(self.by_id);
        snapshot.by_scope.extend(self.by_scope);
        snapshot
    }
}

impl Snapshot {
    pub(crate) fn empty(scope: Scope, bodies: Arc<Bodies>) -> Self {
        Self {
            scope,
            schema: None,
            identity_source: None,
            keys: Keys::default(),
            bodies,
            templates: imbl::HashMap::new(),
            by_id: Index::default(),
            by_scope: Index::default(),
        }
    }

    /// Applies one change in place. `self` is a copy that nobody else sees yet.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for what no writer publishes, such as a link without its template.
    pub(crate) fn apply(&mut self, change: Change) -> Result<(), StoreError> {
        match change {
            Change::PutPolicy(id, policy) => self.put_policy(&id, policy),
            Change::DeletePolicy(id) => {
                self.delete_policy(&id);
                Ok(())
            }
            Change::PutTemplate(id, template) => self.put_template(id, &template),
            Change::DeleteTemplate(id) => {
                self.templates.remove(&id);
                Ok(())
            }
            Change::PutSchema(schema) => {
                self.schema = schema;
                Ok(())
            }
            Change::PutIdentitySource(source) => {
                self.identity_source = source;
                Ok(())
            }
        }
    }

    fn settle(&self, id: &str, policy: CompiledPolicy) -> Result<Arc<Resident>, StoreError> {
        let template = |id: &str| self.templates.get_key_value(id);
        let resident = policy.settle(id, &self.keys, &self.bodies, template)?;
        Ok(Arc::new(resident))
    }

    /// Puts a policy in place of the one with its id, if there is one.
    fn put_policy(&mut self, id: &str, policy: CompiledPolicy) -> Result<(), StoreError> {
        let policy = self.settle(id, policy)?;
        self.delete_policy(id);
        for path in policy.paths() {
            self.by_scope.insert(*path, Arc::clone(&policy));
        }
        self.by_id.insert(self.keys.id_path(id), policy);
        Ok(())
    }

    fn delete_policy(&mut self, id: &str) {
        let Some(policy) = self.by_id.remove(&self.keys.id_path(id), id) else {
            return;
        };
        for path in policy.paths() {
            self.by_scope.remove(path, id);
        }
    }

    fn put_template(&mut self, id: Arc<str>, template: &Template) -> Result<(), StoreError> {
        let compiled = CompiledTemplate::new(template, &self.keys);
        let compiled = compiled.ok_or(StoreError::Corrupt {
            kind: "vp.policy_template",
            part: "scope",
        })?;
        self.templates.insert(id, Arc::new(compiled));
        Ok(())
    }

    /// The principal or the resource of a question.
    pub(crate) fn entity(&self, uid: EntityUID, entities: &Entities) -> Party {
        let keys = self.keys.of_entity(&uid, entities.as_ref());
        let uid = Arc::new(uid);
        Party { uid, keys }
    }

    /// The action of a question.
    pub(crate) fn action(&self, uid: EntityUID, entities: &Entities) -> Party {
        let keys = self.keys.of_action(&uid, entities.as_ref());
        let uid = Arc::new(uid);
        Party { uid, keys }
    }

    /// The policies whose scope can match the request: see [`crate::cedar::slice`].
    pub(crate) fn slice(&self, asked: &Asked<'_>) -> Slice {
        let asked = asked.keys();
        let mut found = Vec::new();
        self.by_scope.collect(&asked, &mut found);
        if found.len() > 1 {
            // A policy that names several actions may have come more than once.
            found.sort_unstable_by_key(|policy| Arc::as_ptr(policy));
            found.dedup_by(|one, other| Arc::ptr_eq(one, other));
        }
        let candidate = |policy: &Arc<Resident>| {
            let body = match &policy.content {
                Content::Static { number, .. } => self.bodies.get(*number),
                Content::Linked { template_id, .. } => match self.templates.get(template_id) {
                    Some(template) if !template.acts(&asked) => return None,
                    template => template.map(|template| Arc::clone(&template.body)),
                },
            };
            let policy = Arc::clone(policy);
            Some(Candidate { policy, body })
        };
        Slice(found.into_iter().filter_map(candidate).collect())
    }

    /// Compiles the body that a candidate lacks.
    pub(in crate::cedar) fn body(&self, policy: &Resident) -> Result<Arc<Body>, StoreError> {
        match &policy.content {
            Content::Static {
                statement, number, ..
            } => self.bodies.compile(*number, statement),
            // INVARIANT: a template goes after its links.
            Content::Linked { template_id, .. } => match self.templates.get(template_id) {
                Some(template) => Ok(Arc::clone(&template.body)),
                None => Err(StoreError::Corrupt {
                    kind: "vp.policy",
                    part: "template",
                }),
            },
        }
    }
}
