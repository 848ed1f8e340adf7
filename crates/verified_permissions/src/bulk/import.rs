//! An import: items in, a few thousand to a transaction, events out.
//!
//! A transaction is kept as a whole or not at all, so whatever ends an import, what is there
//! is what some number of its batches have made, and running it again goes on from there. A dry
//! run does the same, and has every transaction undone at its end.

use std::collections::HashSet;
use std::sync::Arc;

use base::{Clock, ResourceIds, Timestamp, resource_id};
use frontdoor::Scope;
use serde::{Deserialize, Serialize};
use store::{ReadTx, StoreError, WriteTx};

use super::contents::{Contents, Print};
use super::counts::{Counts, Difference, Event, How};
use super::find::NewStore;
use super::item::{Item, Kind};
use super::ledger::Ledger;
use super::templates::Templates;
use crate::cedar::compiled_schema::CompiledSchema;
use crate::cedar::depth;
use crate::cedar::snapshot::Change;
use crate::error::Error;
use crate::policy::keys;
use crate::policy_store::{self, PolicyStore, PolicyStoreRecord};
use crate::state::VerifiedPermissions;

/// How much goes into one transaction, in links: large enough that a page of an index is written
/// for several of them, small enough that other writers wait for some tenths of a second only.
const BATCH: usize = 16_384;

/// Where an import goes.
#[derive(Clone)]
pub struct Destination {
    /// The Region and the account.
    pub scope: Scope,
    /// The id of the policy store.
    pub policy_store_id: String,
    /// What to create if there is no such policy store; `None` to refuse.
    pub create: Option<NewStore>,
}

/// What an import does, and what it tells.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportOptions {
    /// Find out what would be done, and do nothing.
    pub dry_run: bool,
    /// Remove the policies and templates that the files do not have.
    pub delete: bool,
    /// How many differences to tell of.
    pub differences: usize,
}

/// Why an import ended.
#[derive(Debug)]
pub struct Failure {
    /// Where in the files the fault is; `None` if it is in none of them.
    pub at: Option<String>,
    /// What it is.
    pub message: String,
}

impl Failure {
    pub(super) fn at(at: &str, error: Error) -> Self {
        Self::told(at, error.into_text())
    }

    pub(super) fn told(at: &str, message: impl Into<String>) -> Self {
        let at = Some(at.to_owned()).filter(|at| !at.is_empty());
        let message = message.into();
        Self { at, message }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::at("", error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Error::Store(error).into()
    }
}

/// Items on their way into one transaction.
#[derive(Default)]
pub struct Batch {
    pub(super) items: Vec<Item>,
    weight: usize,
}

impl Batch {
    /// Adds an item; whether the batch is full.
    pub fn push(&mut self, item: Item) -> bool {
        self.weight += item.weight();
        self.items.push(item);
        self.weight >= BATCH
    }

    /// Whether it has no items.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether some policy has neither id nor name.
    fn has_nameless(&self) -> bool {
        let is_policy = |item: &Item| matches!(item.kind(), Kind::Policy | Kind::Link);
        self.items
            .iter()
            .any(|item| is_policy(item) && item.is_nameless())
    }
}

/// An import that is under way.
pub struct Import {
    service: Arc<VerifiedPermissions>,
    clock: Arc<dyn Clock>,
    /// `None` after a failure.
    session: Option<Box<Session>>,
    counts: Counts,
}

/// What an import knows. It travels into each transaction and back.
pub(super) struct Session {
    pub(super) service: Arc<VerifiedPermissions>,
    pub(super) scope: Scope,
    pub(super) store_id: String,
    pub(super) options: ImportOptions,
    /// The policy store that a dry run would have created.
    assumed: Option<PolicyStoreRecord>,
    /// The [`Item::turn`] of the last item.
    pub(super) turn: u8,
    pub(super) contents: Contents,
    pub(super) templates: Templates,
    pub(super) ledger: Ledger,
    /// The ids of the policies that are to stay, if others are removed.
    pub(super) kept: HashSet<Print>,
    /// The schema that a dry run would have put.
    pub(super) schema: Option<Arc<CompiledSchema>>,
    /// What the policies of this batch are validated against, once it was asked for.
    pub(super) validator: Option<Option<Arc<CompiledSchema>>>,
    /// What was validated against last.
    pub(super) validated_against: Option<Arc<CompiledSchema>>,
    /// The pairs of entity types that a template is valid with.
    pub(super) validated: HashSet<Print>,
    /// Ids for new policies.
    ids: ResourceIds,
    pub(super) counts: Counts,
    pub(super) events: Vec<Event>,
    pub(super) changes: Vec<Change>,
    pub(super) now: Timestamp,
}

/// How a transaction ends without being kept.
enum Undone {
    /// A dry run always does.
    DryRun(Box<Session>),
    Failed(Failure),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Import {
    /// Finds the policy store, or creates it.
    ///
    /// # Errors
    /// There is none.
    pub async fn begin(
        service: &Arc<VerifiedPermissions>,
        clock: Arc<dyn Clock>,
        to: Destination,
        options: ImportOptions,
    ) -> Result<Self, Failure> {
        let session = Session {
            service: Arc::clone(service),
            scope: to.scope,
            store_id: to.policy_store_id,
            options,
            assumed: None,
            turn: 0,
            contents: Contents::default(),
            templates: Templates::default(),
            ledger: Ledger::default(),
            kept: HashSet::new(),
            schema: None,
            validator: None,
            validated_against: None,
            validated: HashSet::new(),
            ids: ResourceIds::new(service.entropy.as_ref()),
            counts: Counts::default(),
            events: Vec::new(),
            changes: Vec::new(),
            now: clock.now(),
        };
        let mut import = Self {
            service: Arc::clone(service),
            clock,
            session: Some(Box::new(session)),
            counts: Counts::default(),
        };
        import
            .transact(move |tx, session| session.begin(tx, to.create))
            .await?;
        Ok(import)
    }

    /// Puts the items of a batch into the store. Over all batches they come by [`Item::turn`].
    ///
    /// # Errors
    /// The first thing that is refused: nothing of the batch is kept, and the import is over.
    pub async fn put(&mut self, batch: Batch) -> Result<Vec<Event>, Failure> {
        let session = self.session.as_ref();
        let to_load = session.is_some_and(|session| !session.contents.is_loaded());
        if to_load && batch.has_nameless() {
            self.load().await?;
        }
        self.transact(move |tx, session| session.run(tx, &batch.items))
            .await
    }

    /// Reads what the store has, for things that only their content identifies.
    async fn load(&mut self) -> Result<(), Failure> {
        let mut session = self.session.take().ok_or_else(over)?;
        let read = self.service.store.read(move |tx: &dyn ReadTx| {
            let Session {
                contents, store_id, ..
            } = session.as_mut();
            contents.load(tx, store_id)?;
            Ok::<_, Error>(session)
        });
        self.session = Some(read.await?);
        Ok(())
    }

    /// Removes what the files do not have, if that was asked for, and ends.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn finish(
        mut self,
        mut tell: impl FnMut(Vec<Event>),
    ) -> Result<Counts, (Failure, Counts)> {
        if self.options().is_some_and(|options| options.delete)
            && let Err(failure) = self.remove(&mut tell).await
        {
            return Err((failure, self.counts));
        }
        Ok(self.counts)
    }

    async fn remove(&mut self, tell: &mut impl FnMut(Vec<Event>)) -> Result<(), Failure> {
        let session = self.session.take().ok_or_else(over)?;
        // Links are found by their keys, which older releases did not write.
        if !session.options.dry_run {
            keys::complete(&self.service.store, &session.store_id).await?;
        }
        let read = self.service.store.read(move |tx: &dyn ReadTx| {
            let removals = session.removals(tx)?;
            Ok::<_, Error>((session, removals))
        });
        let (session, removals) = read.await?;
        self.session = Some(session);
        for batch in removals {
            tell(
                self.transact(move |tx, session| session.remove(tx, batch))
                    .await?,
            );
        }
        Ok(())
    }

    /// What has been done so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn options(&self) -> Option<ImportOptions> {
        self.session.as_ref().map(|session| session.options)
    }

    /// Runs one transaction; its changes are visible to decisions when this returns.
    async fn transact(
        &mut self,
        work: impl FnOnce(&mut dyn WriteTx, &mut Session) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Vec<Event>, Failure> {
        let mut session = self.session.take().ok_or_else(over)?;
        session.now = self.clock.now();
        let write = self.service.store.write(move |tx| {
            session.validator = None;
            session.templates.next_transaction();
            depth::for_statements(|| work(tx, &mut session)).map_err(Undone::Failed)?;
            let changes = std::mem::take(&mut session.changes);
            if session.options.dry_run {
                return Err(Undone::DryRun(session));
            }
            if !changes.is_empty() {
                let (service, id) = (Arc::clone(&session.service), session.store_id.clone());
                tx.after_commit(Box::new(move |at| {
                    service.snapshots.publish(&id, at, changes);
                }));
            }
            Ok(session)
        });
        let mut session = match write.await {
            Ok(session) | Err(Undone::DryRun(session)) => session,
            Err(Undone::Failed(failure)) => return Err(failure),
        };
        self.counts = session.counts;
        let events = std::mem::take(&mut session.events);
        self.session = Some(session);
        Ok(events)
    }
}

fn over() -> Failure {
    Failure::told("", "the import is over")
}

impl Session {
    fn begin(&mut self, tx: &mut dyn WriteTx, create: Option<NewStore>) -> Result<(), Failure> {
        match policy_store::by_id(tx, &self.scope, &self.store_id) {
            Err(Error::NotFound(..)) => {}
            found => return found.map(drop).map_err(Failure::from),
        }
        let Some(create) = create else {
            let text = format!("there is no policy store `{}`", self.store_id);
            return Err(Failure::told("", text));
        };
        let quotas = &self.service.options.quotas;
        let record = create.insert(tx, &self.scope, &self.store_id, quotas, self.now)?;
        self.assumed = self.options.dry_run.then_some(record);
        Ok(())
    }

    /// The policy store as it is now.
    pub(super) fn store(&self, tx: &dyn ReadTx) -> Result<PolicyStore, Error> {
        match &self.assumed {
            Some(record) => Ok(PolicyStore {
                id: self.store_id.clone(),
                record: record.clone(),
            }),
            None => policy_store::by_id(tx, &self.scope, &self.store_id),
        }
    }

    /// An id for a new policy. They ascend, so that the new policies of a transaction are
    /// neighbours in the store's indexes, which touches fewer of its pages.
    pub(super) fn new_id(&mut self) -> String {
        let id = self.ids.next();
        id.unwrap_or_else(|| resource_id(self.service.entropy.as_ref()))
    }

    /// Counts what happens to a thing, and tells of it if it is one of the first differences.
    pub(super) fn note(&mut self, how: How, kind: Kind, called: Option<&str>, at: Option<&str>) {
        self.counts.add(kind, how);
        if how == How::Unchanged || self.options.differences == 0 {
            return;
        }
        self.options.differences -= 1;
        self.events.push(Event::Difference(Difference {
            how,
            kind,
            called: called.map(str::to_owned),
            at: at.map(str::to_owned),
        }));
    }
}

#[cfg(test)]
mod tests;
