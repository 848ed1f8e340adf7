//! Policies as snapshots keep them.
//!
//! What a million policies have in common is kept once: a link is its id and what fills its slots,
//! and is evaluated with the body of its template. A static policy is its text; its body is
//! compiled when a request needs it, and kept for as long as [`Bodies`] has room. A request that
//! needs a body which is not there waits for its compilation, some 30 µs for a small policy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cedar_policy::{Policy, Template};
use cedar_policy_core::ast::{self, Eid, EntityType, EntityUID, Expr, PolicyID};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use smol_str::SmolStr;
use store::StoreError;

use crate::cedar::scope::{Scope, Slots};
use crate::cedar::slice::index::{Item, Path};
use crate::cedar::slice::keys::{ANY, Key, Keys, RequestKeys};
use crate::cedar::{depth, entity_types};
use crate::entity::{ActionScope, EntityRef, EntityScope, PolicyScope};

/// A policy, ready for a snapshot. The text of a static one was checked when it was written.
#[derive(Clone)]
pub(crate) enum CompiledPolicy {
    /// A static policy.
    Static {
        statement: Arc<str>,
        scope: PolicyScope,
    },
    /// A link: which template, and what fills its slots.
    Linked {
        template_id: Arc<str>,
        principal: Option<SlotValue>,
        resource: Option<SlotValue>,
    },
}

/// What fills a slot.
#[derive(Clone)]
pub(crate) struct SlotValue {
    entity_type: Arc<EntityType>,
    id: SmolStr,
}

/// A policy in a snapshot.
pub(in crate::cedar) struct Resident {
    pub(in crate::cedar) id: PolicyID,
    pub(in crate::cedar) content: Content,
}

pub(in crate::cedar) enum Content {
    Static {
        statement: Arc<str>,
        /// Its number among the bodies.
        number: u64,
        paths: Box<[Path]>,
    },
    Linked {
        template_id: Arc<str>,
        principal: Option<SlotValue>,
        resource: Option<SlotValue>,
        path: Path,
    },
}

impl Item for Resident {
    fn id(&self) -> &str {
        self.id.as_ref()
    }
}

impl SlotValue {
    /// `None` when the type is no entity type name.
    fn new(entity: &EntityRef) -> Option<Self> {
        Some(Self {
            entity_type: entity_types::parse(&entity.entity_type).ok()?,
            id: SmolStr::from(entity.id.as_str()),
        })
    }

    /// Whether it is this entity.
    pub(in crate::cedar) fn is(&self, uid: &EntityUID) -> bool {
        self.id == *AsRef::<str>::as_ref(uid.eid()) && *self.entity_type == *uid.entity_type()
    }

    pub(in crate::cedar) fn to_uid(&self) -> EntityUID {
        let entity_type = EntityType::clone(&self.entity_type);
        EntityUID::from_components(entity_type, Eid::new(self.id.clone()), None)
    }
}

impl Resident {
    /// What fills the policy's slots.
    pub(in crate::cedar) fn slots(&self) -> Slots<'_> {
        match &self.content {
            Content::Static { .. } => Slots::default(),
            Content::Linked {
                principal,
                resource,
                ..
            } => Slots {
                principal: principal.as_ref(),
                resource: resource.as_ref(),
            },
        }
    }

    /// Where the index has it.
    pub(in crate::cedar) fn paths(&self) -> &[Path] {
        match &self.content {
            Content::Static { paths, .. } => paths,
            Content::Linked { path, .. } => std::slice::from_ref(path),
        }
    }
}

/// What is evaluated: of a static policy, or of all links of a template.
pub(in crate::cedar) struct Body {
    pub(in crate::cedar) scope: Scope,
    /// `true &&` the conditions, which makes what is no Boolean an error, as in
    /// [`ast::Template::condition`]; `None` without conditions. Slots stand in scopes only.
    pub(in crate::cedar) condition: Option<Expr>,
    pub(in crate::cedar) effect: ast::Effect,
    /// Bytes of memory, estimated.
    weight: u64,
}

impl Body {
    /// `text`: the bytes of the statement, which its literals and places in the text hold on to.
    fn new(template: &ast::Template, text: usize) -> Self {
        let conditions = template.non_scope_constraints();
        let nodes = conditions.map_or(0, |conditions| conditions.subexpressions().count());
        let scope = Scope::new(template);
        let nodes = nodes.saturating_add(scope.nodes()) as u64;
        Self {
            scope,
            condition: conditions.map(|all| Expr::and(Expr::val(true), all.clone())),
            effect: template.effect(),
            weight: nodes.saturating_mul(NODE_BYTES).saturating_add(text as u64),
        }
    }
}

/// A template in a snapshot.
pub(in crate::cedar) struct CompiledTemplate {
    pub(in crate::cedar) body: Arc<Body>,
    /// The actions that its scope names.
    actions: Vec<Key>,
    principal: SlotScope,
    resource: SlotScope,
}

/// How the principal or the resource of a link matches.
enum SlotScope {
    /// Without a slot.
    Fixed(Key),
    /// `== ?slot`
    Eq,
    /// `in ?slot`
    In,
}

impl CompiledTemplate {
    /// `None` when a name in its scope is no entity type name.
    pub(in crate::cedar) fn new(template: &Template, keys: &Keys) -> Option<Self> {
        let scope = PolicyScope::from(template);
        let core: &ast::Template = template.as_ref();
        Some(Self {
            body: Arc::new(Body::new(core, 0)),
            actions: action_keys(&scope.action, keys)?,
            principal: SlotScope::new(&scope.principal, keys)?,
            resource: SlotScope::new(&scope.resource, keys)?,
        })
    }

    /// Whether its scope matches the request's action.
    pub(in crate::cedar) fn acts(&self, asked: &RequestKeys<'_>) -> bool {
        asked.act(&self.actions)
    }

    /// Where the index has a link of this template. `None` when a slot is not filled.
    fn path(
        &self,
        keys: &Keys,
        id: &str,
        principal: Option<&SlotValue>,
        resource: Option<&SlotValue>,
    ) -> Option<Path> {
        let principal = self.principal.key(keys, principal)?;
        let resource = self.resource.key(keys, resource)?;
        Some([principal, resource, ANY, keys.id(id)])
    }
}

impl SlotScope {
    fn new(scope: &EntityScope, keys: &Keys) -> Option<Self> {
        Some(match scope {
            EntityScope::Eq(None) => Self::Eq,
            EntityScope::In(None) | EntityScope::IsIn(_, None) => Self::In,
            EntityScope::Any
            | EntityScope::Is(_)
            | EntityScope::Eq(Some(_))
            | EntityScope::In(Some(_))
            | EntityScope::IsIn(_, Some(_)) => Self::Fixed(entity_key(scope, keys)?),
        })
    }

    fn key(&self, keys: &Keys, value: Option<&SlotValue>) -> Option<Key> {
        match self {
            Self::Fixed(key) => Some(*key),
            Self::Eq => value.map(|value| keys.eq(&value.entity_type, &value.id)),
            Self::In => value.map(|value| keys.within(&value.entity_type, &value.id)),
        }
    }
}

/// The key of a scope without a slot.
fn entity_key(scope: &EntityScope, keys: &Keys) -> Option<Key> {
    let parsed = |name: &str| entity_types::parse(name).ok();
    Some(match scope {
        EntityScope::Any => ANY,
        EntityScope::Is(name) => keys.is(parsed(name)?.as_ref()),
        EntityScope::Eq(entity) => {
            let entity = entity.as_ref()?;
            keys.eq(parsed(&entity.entity_type)?.as_ref(), &entity.id)
        }
        EntityScope::In(entity) | EntityScope::IsIn(_, entity) => {
            let entity = entity.as_ref()?;
            keys.within(parsed(&entity.entity_type)?.as_ref(), &entity.id)
        }
    })
}

fn action_keys(scope: &ActionScope, keys: &Keys) -> Option<Vec<Key>> {
    let ActionScope::Of(actions) = scope else {
        return Some(vec![ANY]);
    };
    let key = |action: &EntityRef| {
        let entity_type = entity_types::parse(&action.entity_type).ok()?;
        Some(keys.within(&entity_type, &action.id))
    };
    let mut found: Vec<Key> = actions.iter().map(key).collect::<Option<_>>()?;
    found.sort_unstable();
    found.dedup();
    Some(found)
}

impl CompiledPolicy {
    /// A link; `None` when a type is no entity type name.
    pub(crate) fn linked(
        template_id: Arc<str>,
        (principal, resource): (Option<&EntityRef>, Option<&EntityRef>),
    ) -> Option<Self> {
        let value = |entity: Option<&EntityRef>| match entity {
            None => Some(None),
            Some(entity) => SlotValue::new(entity).map(Some),
        };
        Some(Self::Linked {
            template_id,
            principal: value(principal)?,
            resource: value(resource)?,
        })
    }

    /// The policy under its id, with where the index is to have it; `template` finds its
    /// template. Fails for what no writer leaves behind.
    pub(in crate::cedar) fn settle<'a>(
        self,
        id: &str,
        keys: &Keys,
        bodies: &Bodies,
        template: impl FnOnce(&str) -> Option<(&'a Arc<str>, &'a Arc<CompiledTemplate>)>,
    ) -> Result<Resident, StoreError> {
        let content = match self {
            Self::Static { statement, scope } => Content::Static {
                paths: static_paths(&scope, keys, id).ok_or_else(|| corrupt("scope"))?,
                number: bodies.next.fetch_add(1, Ordering::Relaxed),
                statement,
            },
            Self::Linked {
                template_id,
                principal,
                resource,
            } => {
                // All links of a template share its id.
                let (id_of_all, template) =
                    template(&template_id).ok_or_else(|| corrupt("template"))?;
                let path = template.path(keys, id, principal.as_ref(), resource.as_ref());
                Content::Linked {
                    path: path.ok_or_else(|| corrupt("slots"))?,
                    template_id: Arc::clone(id_of_all),
                    principal,
                    resource,
                }
            }
        };
        Ok(Resident {
            id: PolicyID::from_smolstr(SmolStr::from(id)),
            content,
        })
    }
}

fn static_paths(scope: &PolicyScope, keys: &Keys, id: &str) -> Option<Box<[Path]>> {
    let principal = entity_key(&scope.principal, keys)?;
    let resource = entity_key(&scope.resource, keys)?;
    let id = keys.id(id);
    let path = |action| [principal, resource, action, id];
    Some(
        action_keys(&scope.action, keys)?
            .into_iter()
            .map(path)
            .collect(),
    )
}

fn corrupt(part: &'static str) -> StoreError {
    StoreError::Corrupt {
        kind: "vp.policy",
        part,
    }
}

/// The bodies of static policies that were used lately, within a bound on their memory.
pub(crate) struct Bodies {
    cache: Cache<u64, Arc<Body>, Weight>,
    next: AtomicU64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<u64, Arc<Body>> for Weight {
    fn weight(&self, _: &u64, body: &Arc<Body>) -> u64 {
        body.weight
    }
}

/// Memory of a node of Cedar's syntax tree, with its place in the text: measured over small
/// policies.
const NODE_BYTES: u64 = 150;

impl Bodies {
    /// Room for `bytes` of compiled policies.
    pub(crate) fn new(bytes: u64) -> Self {
        // Small policies have some 20 nodes.
        let items = usize::try_from(bytes / (20 * NODE_BYTES)).unwrap_or(usize::MAX);
        Self {
            cache: Cache::with_weighter(items, bytes, Weight),
            next: AtomicU64::new(0),
        }
    }

    /// The body of the static policy with this number, if it is there.
    pub(in crate::cedar) fn get(&self, number: u64) -> Option<Arc<Body>> {
        self.cache.get(&number)
    }

    /// Compiles the body of a static policy.
    pub(in crate::cedar) fn compile(
        &self,
        number: u64,
        statement: &str,
    ) -> Result<Arc<Body>, StoreError> {
        let parsed = depth::for_statements(|| Policy::parse(None, statement).ok());
        let parsed = parsed.ok_or_else(|| corrupt("statement"))?;
        let policy: &ast::Policy = parsed.as_ref();
        let body = Arc::new(Body::new(policy.template(), statement.len()));
        self.cache.insert(number, Arc::clone(&body));
        Ok(body)
    }
}
