//! Authorization requests: what IsAuthorized and its batch have in common.

use std::sync::Arc;

use cedar_policy::Entities;
use cedar_policy_core::ast::Context;
use frontdoor::RequestContext;
use model::verified_permissions::types::{
    ActionIdentifier, ContextDefinition, EntitiesDefinition, EntityIdentifier,
};
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor::MultiThread;
use tokio::task::block_in_place;

use crate::alias;
use crate::cedar::asked::{Asked, Party};
use crate::cedar::decide::{Decided, decide};
use crate::cedar::snapshot::Snapshot;
use crate::cedar::translate;
use crate::error::Error;
use crate::policy_store;
use crate::quota::BATCH_REQUESTS;
use crate::state::VerifiedPermissions;
use crate::token::{TokenPrincipal, Tokens};

/// One question: may this principal do this to this resource?
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) principal: Option<&'a EntityIdentifier>,
    pub(crate) action: Option<&'a ActionIdentifier>,
    pub(crate) resource: Option<&'a EntityIdentifier>,
    pub(crate) context: Option<&'a ContextDefinition>,
}

/// What the parts of the last question became: those of a batch repeat most of them.
#[derive(Default)]
struct Last<'a> {
    principal: Memo<Part<'a, EntityIdentifier>, Party>,
    action: Memo<Part<'a, ActionIdentifier>, Party>,
    resource: Memo<Part<'a, EntityIdentifier>, Party>,
    /// With the action, which says what `context.token` is.
    context: Memo<(Part<'a, ContextDefinition>, Part<'a, ActionIdentifier>), Context>,
}

/// A part of a question. Equal ones are often the same.
struct Part<'a, T>(Option<&'a T>);

impl<T> Clone for Part<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Part<'_, T> {}

impl<T: PartialEq> PartialEq for Part<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(one), Some(other)) => std::ptr::eq(one, other) || one == other,
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

/// The last key and what was made of it.
struct Memo<K, V>(Option<(K, V)>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq, V> Memo<K, V> {
    fn get(&mut self, key: K, make: impl FnOnce() -> Result<V, Error>) -> Result<&V, Error> {
        let entry = match self.0.take() {
            Some(last) if last.0 == key => last,
            Some(_) | None => (key, make()?),
        };
        let (_, made) = self.0.insert(entry);
        Ok(made)
    }
}

/// With more policies than this to evaluate, or bodies to compile, a decision would keep an async
/// worker from other requests for too long.
const QUICK_TO_EVALUATE: usize = 500;
const QUICK_TO_COMPILE: usize = 8;

/// A snapshot and the entities that the questions of one call share.
pub(crate) struct Session<'a> {
    snapshot: Arc<Snapshot>,
    entities: Entities,
    token: Option<Arc<TokenPrincipal>>,
    last: Last<'a>,
}

/// Refuses a batch of more requests than there may be.
pub(crate) fn check_batch<T>(requests: &[T]) -> Result<(), Error> {
    if requests.len() <= BATCH_REQUESTS {
        return Ok(());
    }
    let text = format!("A batch can have at most {BATCH_REQUESTS} requests.");
    Err(Error::field("/requests", text))
}

impl<'a> Session<'a> {
    /// Takes the policy store's current snapshot and builds the entities.
    pub(crate) async fn open(
        state: &Arc<VerifiedPermissions>,
        context: &RequestContext,
        reference: &str,
        entities: Option<&EntitiesDefinition>,
    ) -> Result<Self, Error> {
        let snapshot = snapshot_of(state, context, reference).await?;
        let entities = translate::entities(entities, snapshot.schema.as_deref())?;
        Ok(Self {
            snapshot,
            entities,
            token: None,
            last: Last::default(),
        })
    }

    /// As [`Session::open`], for the principal of `tokens`, which may be in so many groups.
    pub(crate) async fn open_with_token(
        state: &Arc<VerifiedPermissions>,
        context: &RequestContext,
        reference: &str,
        (tokens, most_groups): (Tokens<'_>, usize),
        entities: Option<&EntitiesDefinition>,
    ) -> Result<Self, Error> {
        let snapshot = snapshot_of(state, context, reference).await?;
        let token = TokenPrincipal::of(state, &snapshot, reference, tokens, context.now).await?;
        if token.groups() > most_groups {
            let text = format!("The principal is in more than {most_groups} groups.");
            return Err(Error::bare(text));
        }
        let schema = snapshot.schema.as_deref();
        let entities = translate::entities_with_token(entities, schema, &token)?;
        Ok(Self {
            snapshot,
            entities,
            token: Some(token),
            last: Last::default(),
        })
    }

    /// The principal of the tokens.
    pub(crate) fn principal(&self) -> Option<EntityIdentifier> {
        self.token.as_ref().map(|token| token.identifier.clone())
    }

    /// Decides one question; `path` leads to it in the request.
    pub(crate) fn decide(
        &mut self,
        question: Question<'a>,
        path: &dyn Fn() -> String,
    ) -> Result<Decided, Error> {
        let at = |member: &'static str| move || format!("{}/{member}", path());
        let (snapshot, entities) = (&*self.snapshot, &self.entities);
        let entity = |member, given| {
            let uid = translate::entity(given, &at(member))?;
            Ok(snapshot.entity(uid, entities))
        };
        let Question {
            principal,
            action,
            resource,
            context,
        } = question;
        let (last, token) = (&mut self.last, self.token.as_deref());
        let principal = last
            .principal
            .get(Part(principal), || entity("principal", principal))?;
        let acting = last.action.get(Part(action), || {
            let uid = translate::action(action, &at("action"))?;
            Ok(snapshot.action(uid, entities))
        })?;
        let resource = last
            .resource
            .get(Part(resource), || entity("resource", resource))?;
        let typed_by = action.filter(|_| token.is_some());
        let context = last.context.get((Part(context), Part(typed_by)), || {
            let Some(token) = token else {
                return translate::context(context, &at("context"));
            };
            let claims = token.context_token(acting.uid())?;
            translate::context_with_token(context, claims, &at("context"))
        })?;
        let asked = Asked {
            principal,
            action: acting,
            resource,
            context,
        };
        let slice = snapshot.slice(&asked);
        let decide = || decide(snapshot, &slice, &asked, entities);
        let takes_long = slice.len() > QUICK_TO_EVALUATE || slice.missing() > QUICK_TO_COMPILE;
        // Other kinds of runtime have no other worker that could go on.
        let decided = if takes_long && Handle::current().runtime_flavor() == MultiThread {
            block_in_place(decide)
        } else {
            decide()
        };
        Ok(decided?)
    }
}

/// The policy store's current snapshot.
async fn snapshot_of(
    state: &Arc<VerifiedPermissions>,
    context: &RequestContext,
    reference: &str,
) -> Result<Arc<Snapshot>, Error> {
    if !alias::is_alias(reference) {
        return state.snapshots.get(&context.scope, reference).await;
    }
    let (scope, now, name) = (context.scope.clone(), context.now, reference.to_owned());
    let read = state
        .store
        .read(move |tx| alias::policy_store_of(tx, &scope, now, &name));
    let id = read.await?;
    policy_store::check_decided(context, reference, &id)?;
    state.snapshots.get(&context.scope, &id).await
}
