//! Authorization requests: what IsAuthorized and its batch have in common.

use std::sync::Arc;

use cedar_policy::{Entities, Request};
use frontdoor::RequestContext;
use model::verified_permissions::types::{
    ActionIdentifier, ContextDefinition, EntitiesDefinition, EntityIdentifier,
};
use store::StoreError;

use crate::alias;
use crate::cedar::decide::{Decided, decide};
use crate::cedar::snapshot::Snapshot;
use crate::cedar::translate;
use crate::error::Error;
use crate::policy_store;
use crate::state::VerifiedPermissions;

/// One question: may this principal do this to this resource?
pub(crate) struct Question {
    pub(crate) principal: Option<EntityIdentifier>,
    pub(crate) action: Option<ActionIdentifier>,
    pub(crate) resource: Option<EntityIdentifier>,
    pub(crate) context: Option<ContextDefinition>,
}

/// With more bodies than this to compile, a decision would hold an async worker for too long.
const QUICK_TO_COMPILE: usize = 8;

/// A snapshot and the entities that the questions of one call share.
pub(crate) struct Session {
    snapshot: Arc<Snapshot>,
    entities: Entities,
}

impl Session {
    /// Takes the policy store's current snapshot and builds the entities.
    pub(crate) async fn open(
        state: &Arc<VerifiedPermissions>,
        context: &RequestContext,
        reference: &str,
        entities: Option<EntitiesDefinition>,
    ) -> Result<Self, Error> {
        let snapshot = if alias::is_alias(reference) {
            let (scope, now, name) = (context.scope.clone(), context.now, reference.to_owned());
            let read = state
                .store
                .read(move |tx| alias::policy_store_of(tx, &scope, now, &name));
            let id = read.await?;
            policy_store::check_decided(context, reference, &id)?;
            state.snapshots.get(&context.scope, &id).await?
        } else {
            state.snapshots.get(&context.scope, reference).await?
        };
        let entities = translate::entities(entities, snapshot.schema.as_deref())?;
        Ok(Self { snapshot, entities })
    }

    /// Decides one question; `path` leads to it in the request.
    pub(crate) async fn decide(
        &self,
        question: Question,
        path: &(dyn Fn() -> String + Sync),
    ) -> Result<Decided, Error> {
        let at = |member: &'static str| move || format!("{}/{member}", path());
        let request = Request::new(
            translate::entity(question.principal.as_ref(), &at("principal"))?,
            translate::action(question.action.as_ref(), &at("action"))?,
            translate::entity(question.resource.as_ref(), &at("resource"))?,
            translate::context(question.context, &at("context"))?,
            None,
        )
        .map_err(|error| Error::field(path(), error.to_string()))?;
        let mut slice = self.snapshot.slice(&request, &self.entities);
        if slice.missing() > QUICK_TO_COMPILE {
            let snapshot = Arc::clone(&self.snapshot);
            let compile = move || snapshot.complete(slice);
            let compiled = tokio::task::spawn_blocking(compile).await;
            slice = compiled.map_err(|_| StoreError::Panicked)??;
        }
        Ok(decide(&self.snapshot, &slice, &request, &self.entities)?)
    }
}
