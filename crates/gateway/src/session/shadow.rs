//! Transactions that have lost rows to others: they go on in a slot, where they see what they would
//! see if they had the tables to themselves, and are settled at COMMIT.
//!
//! The functions of the database that this relies on are in the engine's `schema/shadow_*.sql`.

use std::collections::HashMap;
use std::sync::Arc;

use dialect::Statement;
use tokio::io::{AsyncRead, AsyncWrite};

use super::attempt::{Attempt, Ready};
use super::block::{Ground, Locked};
use super::exchange::{Exchange, Outcome, Retry, Wait, is_about_locks};
use super::failure::Failure;
use super::line::Line;
use super::notes::Change;
use super::plan::Plan;
use super::unit::{Nature, Step};
use super::{End, own};

const ENTER: &str = "SELECT pg_treeline.shadow_enter($1, $2::int, $3::oid[], $4::tid[], \
                     $5::text[], $6::int, $7::int8)";
const HYDRATE: &str = "SELECT pg_treeline.shadow_hydrate($1, $2::bool)";
const UNHYDRATE: &str = "SELECT pg_treeline.shadow_unhydrate($1, $2::int, $3::oid)";

pub(super) const TRY: &str = "SAVEPOINT pg_treeline_try";
pub(super) const RELEASE: &str = "RELEASE SAVEPOINT pg_treeline_try";
pub(super) const UNTRY: &str = "ROLLBACK TO SAVEPOINT pg_treeline_try";

/// The SQLSTATE of what a role may not do.
const DENIED: &[u8] = b"42501";

/// Nothing may be done about it, and nobody waits for what it holds.
pub(super) const QUIET: Wait = Wait::PLAIN;

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// A step was in conflict, and is done again where the conflict is none.
    pub(super) async fn lose(
        &mut self,
        outcome: &Outcome,
        step: &Step,
        nature: &Nature,
        ready: Ready,
    ) -> Result<bool, End> {
        self.has_lost();
        let well = self.in_shadow(step, nature, true, ready).await?;
        // Whoever is in the way of a lock may yet roll back. Otherwise somebody has committed a
        // change that the snapshot does not show: if the step fails again, the reason is visible.
        let locked = outcome.error.as_deref().is_some_and(is_about_locks);
        self.shared.state().block.doomed |= well && !locked;
        Ok(well)
    }

    /// Does a step of a block that has lost what it had written; `undo`: is to lose it. Whether all
    /// is well.
    pub(super) async fn in_shadow(
        &mut self,
        step: &Step,
        nature: &Nature,
        undo: bool,
        ready: Ready,
    ) -> Result<bool, End> {
        if !step.can_be_repeated(nature) {
            if undo {
                self.call(own::ROLLBACK, &[], QUIET).await?;
            }
            return self.concede(step, Failure::conflict(), ready).await;
        }
        let slot = match self.enter(undo).await? {
            Some(slot) if !nature.all().any(tells_of_slot) => slot,
            Some(_) | None => return self.concede(step, Failure::conflict(), ready).await,
        };
        let plan = match nature.statement() {
            Some(statement) if statement.refusal.is_none() => {
                let text = statement.locking.as_ref().map(|it| it.unlocked.clone());
                let text = text.unwrap_or_else(|| (*statement.sql).to_owned());
                match self.plan(text, slot).await? {
                    Some(plan) => Some(plan),
                    None if self.shared.state().block.expelled => {
                        return self.concede(step, Failure::catalog_conflict(), ready).await;
                    }
                    None => return self.concede(step, Failure::conflict(), ready).await,
                }
            }
            Some(_) | None => None,
        };
        if let Some(Plan {
            text,
            upserts: Some(_),
        }) = &plan
        {
            self.hydrate(text, nature).await?;
        }
        let outcome = self.attempt(Attempt {
            step,
            instead: plan.as_ref().map(|plan| nature.instead(&plan.text)),
            savepoint: false,
            again: undo,
            exchange: Exchange::of_client(Retry::Never, ready, false),
            wait: Wait::YIELDING,
        });
        let well = outcome.await?.error.is_none();
        if well {
            if let Some(relation) = plan.and_then(|plan| plan.upserts) {
                let key = self.key().await;
                let parameters = [
                    key.as_deref(),
                    Some(&slot.to_string()),
                    Some(&relation.to_string()),
                ];
                let _back = self.call(UNHYDRATE, &parameters, QUIET).await?;
            }
            self.remember(nature).await?;
            self.remember_deleted(nature);
        }
        Ok(well)
    }

    /// The conflict is told at the statement: it cannot be answered as if there were none.
    pub(super) async fn concede(
        &mut self,
        step: &Step,
        failure: Failure,
        ready: Ready,
    ) -> Result<bool, End> {
        {
            let mut state = self.shared.state();
            state.exchange = Some(Exchange::of_client(Retry::Never, ready, false));
            match step {
                Step::Query { .. } => state.refuse_query(failure, &mut self.output),
                Step::Messages(_) => {
                    state.refuse_step(failure, &mut self.output);
                }
            }
        }
        self.exchange(QUIET).await?;
        Ok(false)
    }

    /// The slot in which the block goes on; `None` if that is not possible. `undo`: what it has
    /// written is to be undone before.
    pub(super) async fn enter(&mut self, undo: bool) -> Result<Option<i32>, End> {
        let slot = self.enter_or_fail(undo).await?;
        if slot.is_none() {
            self.call(own::ROLLBACK, &[], QUIET).await?;
        }
        Ok(slot)
    }

    async fn enter_or_fail(&mut self, undo: bool) -> Result<Option<i32>, End> {
        let (changes, rows, bytes, settings) = {
            let state = self.shared.state();
            let block = &state.block;
            if let Ground::Shadow(lease) = &block.ground {
                return Ok(Some(lease.slot));
            }
            if block.notes.are_lost() {
                return Ok(None);
            }
            let (rows, bytes) = block.notes.work();
            (
                block.notes.net(),
                rows.to_string(),
                bytes.to_string(),
                block.settings.clone(),
            )
        };
        let Some(party) = &self.party else {
            return Ok(None);
        };
        let mut relations: Vec<u32> = changes.iter().map(|change| change.relation).collect();
        relations.sort_unstable();
        relations.dedup();
        let preferred = self.plans.slot;
        let lease = match party.conflicts.lease(&relations, preferred).await {
            Ok(lease) => lease,
            Err(error) => {
                tracing::warn!(%error, "a transaction has nowhere to go on");
                return Ok(None);
            }
        };
        lease.used_by(party.process);
        let key = self.key().await;
        let slot = lease.slot.to_string();
        let [relations, olds, images] = arrays(&changes);
        let parameters = [
            key.as_deref(),
            Some(&slot),
            Some(&relations),
            Some(&olds),
            Some(&images),
            Some(&rows),
            Some(&bytes),
        ];
        let mut calls: Vec<(&str, &[Option<&str>])> = Vec::new();
        if undo {
            calls.push((own::ROLLBACK, &[]));
        }
        calls.extend(settings.iter().map(|setting| (&**setting, &[][..])));
        calls.push((ENTER, &parameters));
        let entered = self.call_all(&calls).await?;
        if let Some(sqlstate) = &entered.error {
            let sqlstate = String::from_utf8_lossy(sqlstate);
            tracing::warn!(%sqlstate, "a transaction cannot go on in a slot");
            return Ok(None);
        }
        let slot = lease.slot;
        self.plans.slot = Some(slot);
        self.shared.state().block.ground = Ground::Shadow(lease);
        Ok(Some(slot))
    }

    pub(super) async fn key(&mut self) -> Option<Arc<str>> {
        let party = self.party.as_ref()?;
        match party.conflicts.key().await {
            Ok(key) => Some(key),
            Err(error) => {
                tracing::warn!(%error, "the key of a database is not known");
                None
            }
        }
    }

    /// Runs an `INSERT … ON CONFLICT` for the first time, which brings the rows that it meets into
    /// the slot. If it fails, it will say so to the client.
    async fn hydrate(&mut self, text: &str, nature: &Nature) -> Result<(), End> {
        let key = self.key().await;
        self.call(TRY, &[], QUIET).await?;
        let on = [key.as_deref(), Some("true")];
        let mut failed = self.call(HYDRATE, &on, QUIET).await?.error.is_some();
        if !failed {
            failed = self.call_as(text, nature).await?.error.is_some();
        }
        let end = if failed { UNTRY } else { RELEASE };
        self.call(end, &[], QUIET).await?;
        let off = [key.as_deref(), Some("false")];
        self.call(HYDRATE, &off, QUIET).await?;
        Ok(())
    }

    /// Runs a statement with the parameters of a step, which does not show.
    async fn call_as(&mut self, text: &str, nature: &Nature) -> Result<Outcome, End> {
        self.ask_as(text, nature);
        self.called(QUIET).await
    }

    fn ask_as(&mut self, text: &str, nature: &Nature) {
        let parameters = nature.bind.as_ref().and_then(own::parameters);
        match parameters {
            Some(parameters) => own::ask_as(&mut self.output, text, &nature.types, &parameters),
            None => own::ask(&mut self.output, text, &[]),
        }
    }

    /// Remembers what a step has locked and set, which counts for the rest of the block.
    pub(super) async fn remember(&mut self, nature: &Nature) -> Result<(), End> {
        let Some(statement) = nature.statement() else {
            return Ok(());
        };
        if statement.sets {
            let mut state = self.shared.state();
            if state.block.savepoint {
                state.block.settings.push(Arc::clone(&statement.sql));
            }
        }
        let Some(locking) = statement.locking.clone() else {
            return Ok(());
        };
        let Some(rows) = &locking.rows else {
            self.shared.state().block.untraceable = true;
            return Ok(());
        };
        let rows = self.on_tables(rows).await?;
        let found = self.guarded(2 * locking.pairs, |line| line.ask_as(&rows, nature));
        let found = found.await?;
        if let Some(sqlstate) = found.error {
            // Of a role that may not ask for places, PostgreSQL alone knows them.
            let mut state = self.shared.state();
            let known = *sqlstate == *DENIED && state.block.is_plain();
            if !known {
                let sqlstate = String::from_utf8_lossy(&sqlstate);
                tracing::warn!(%sqlstate, "it cannot be told which rows a transaction has locked");
            }
            state.block.untraceable = true;
            state.block.doomed |= !known;
            return Ok(());
        }
        let first = {
            let mut state = self.shared.state();
            state.block.untraceable |= found.lost;
            let first = state.block.locked.len();
            for row in &found.rows {
                for pair in row.chunks_exact(2) {
                    if let [Some(relation), Some(place)] = pair
                        && let Ok(relation) = relation.parse()
                    {
                        state.block.lock(Locked {
                            relation,
                            place: place.clone(),
                            for_update: locking.for_update,
                            key: None,
                        });
                    }
                }
            }
            first
        };
        self.identify(first).await
    }
}

/// Whether a statement would answer otherwise in a slot: it depends on where names are looked up, or
/// on what views cannot do.
fn tells_of_slot(statement: &Statement) -> bool {
    let text = statement.sql.to_ascii_lowercase();
    let telling = ["search_path", "current_schema", "overriding"];
    telling.iter().any(|word| text.contains(word))
}

/// Tables, places and images as arrays.
pub(super) fn arrays(changes: &[Change]) -> [String; 3] {
    let relations: HashMap<u32, String> = changes
        .iter()
        .map(|change| (change.relation, change.relation.to_string()))
        .collect();
    let relation = |change: &Change| relations.get(&change.relation).map(|it| &**it);
    [
        own::array(changes.iter().map(relation)),
        own::array(changes.iter().map(|change| change.old.as_deref())),
        own::array(changes.iter().map(|change| change.image.as_deref())),
    ]
}
