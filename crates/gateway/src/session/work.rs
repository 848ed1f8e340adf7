//! What writes, locks, changes the catalog or ends what has conflicted: done one step after the
//! other, each of which is over before the next begins.

use bytes::BytesMut;
use dialect::{Effect, Statement};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Duration, Instant};

use super::attempt::{Attempt, Instead, Ready};
use super::exchange::{Exchange, Outcome, Retry, Wait, is_about_locks};
use super::failure::Failure;
use super::line::Line;
use super::settle::STUBBORN;
use super::unit::{Nature, Step, Unit, tag};
use super::{End, own};
use crate::conflicts::{Deleting, deleted_from, written_to};

/// How long is rested before something is tried again.
const PAUSE: Duration = Duration::from_millis(1);

const SHOWN_TWICE: &str = "SELECT pg_treeline.shown_twice($1::oid[], $2::tid[])";

/// The text of a statement that would pass over locked rows, or fail at once: nobody holds locks
/// that can be seen.
fn without_waiting(statement: &Statement) -> Option<String> {
    let locking = statement.locking.as_ref()?;
    let text = statement.sql.to_ascii_lowercase();
    let impatient = text.contains("nowait") || text.contains("locked");
    impatient.then(|| locking.unlocked.clone())
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Does a unit. Nothing is pending.
    pub(super) async fn work(&mut self, unit: Unit) -> Result<(), End> {
        let ends = unit.is_ended();
        let apart = {
            let state = self.shared.state();
            let begins = unit.summary(&state, self.shared.rules).begins;
            state.transaction.is_block() || begins
        };
        let mut steps = unit.steps(apart).into_iter().peekable();
        while let Some(step) = steps.next() {
            let ready = (ends && steps.peek().is_none(), ends);
            let well = self.step(&step, ready).await?;
            let mut state = self.shared.state();
            if state.copying {
                // The backend takes whatever follows for the end of the copying.
                for step in steps {
                    if let Step::Messages(messages) = step {
                        for message in &messages {
                            let rules = self.shared.rules;
                            state.client(tag(message), message, rules, &mut self.output)?;
                        }
                    }
                }
                return Ok(());
            }
            if !well {
                // Without a `Sync` the rest of what comes is skipped up to one.
                state.skipping = !ends;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Does a step. Whether all is well.
    async fn step(&mut self, step: &Step, ready: Ready) -> Result<bool, End> {
        let (nature, open, plain) = {
            let state = self.shared.state();
            let nature = state.nature(step, self.shared.rules);
            (nature, state.block.is_open(), state.block.is_plain())
        };
        let commits = nature.has(&[Effect::Commit]);
        if let Some(failure) = self.inject(&nature, open, commits).await? {
            return self.concede(step, failure, ready).await;
        }
        let writes = nature.has(&[Effect::Write]);
        if open && writes {
            let mut state = self.shared.state();
            for (text, _) in &nature.statements {
                state.block.writes(text);
            }
        }
        // What is outdated is refused when it is asked for.
        if open && !self.shared.state().is_outdated() {
            if !plain && nature.all().count() > 1 {
                // A slot is settled at COMMIT, before which nothing else may come.
                return self.concede(step, Failure::conflict(), ready).await;
            } else if commits {
                self.settle().await?;
            } else if !plain && !nature.has(&[Effect::Rollback]) {
                return self.in_shadow(step, &nature, false, ready).await;
            }
        }
        let ddl = nature.has(&[Effect::Ddl, Effect::Job]);
        if ddl {
            self.make_way().await;
        }
        let _deleting = if !open || commits {
            let deleted = self.deleted_by(&nature, commits);
            let conflicts = self.party.as_ref().map(|party| &party.conflicts);
            conflicts.map(|conflicts| Deleting::from(conflicts, deleted))
        } else {
            None
        };
        let unlocked = nature.statement().and_then(without_waiting);
        let instead = unlocked.as_deref().map(|text| nature.instead(text));
        let outcome = if open && writes {
            let outcome = self.write_first(step, &nature, instead, ready).await?;
            if outcome.kept {
                self.shared.state().block.displaced();
                return self.lose(&outcome, step, &nature, ready).await;
            }
            outcome
        } else {
            let catalog = ddl || commits && self.shared.state().transaction.ddl;
            let wait = if ddl || writes {
                Wait::displacing(ddl, !commits)
            } else if commits {
                Wait::PLAIN
            } else {
                Wait::YIELDING
            };
            self.insist(step, &nature, instead, ready, catalog, wait)
                .await?
        };
        let well = outcome.error.is_none();
        if well
            && writes
            && !open
            && let Some(party) = &self.party
        {
            party.conflicts.committed();
        }
        if open && well {
            self.remember(&nature).await?;
        }
        if open && well && !commits {
            self.remember_deleted(&nature);
        }
        Ok(well)
    }

    /// Whether the snapshot shows a key twice, since a step of a block has written one that another
    /// transaction has deleted. If not, the client gets the step's answer.
    async fn is_shown_twice(&mut self, answer: BytesMut, mark: usize) -> Result<bool, End> {
        let (relations, places) = {
            let state = self.shared.state();
            let written = state.block.notes.written(mark);
            let relations: Vec<String> = written.iter().map(|(it, _)| it.to_string()).collect();
            (
                own::array(relations.iter().map(|it| Some(&**it))),
                own::array(written.iter().map(|(_, place)| Some(*place))),
            )
        };
        let parameters = [Some(&*relations), Some(&*places)];
        own::ask(&mut self.output, SHOWN_TWICE, &parameters);
        let outcome = self.called_as(Exchange::deciding(answer), Wait::PLAIN);
        Ok(outcome.await?.deferred.is_some())
    }

    /// Where rows are deleted by a step; by a COMMIT all that its block has deleted.
    pub(super) fn deleted_by(&mut self, nature: &Nature, commits: bool) -> Vec<Option<String>> {
        if commits {
            return std::mem::take(&mut self.shared.state().block.deleted);
        }
        let writes = nature.all().filter(|it| it.effect == Effect::Write);
        writes.filter_map(|it| deleted_from(&it.sql)).collect()
    }

    /// Remembers where a step of a block has deleted rows, which others hear of at COMMIT.
    pub(super) fn remember_deleted(&mut self, nature: &Nature) {
        let mut deleted = self.deleted_by(nature, false);
        self.shared.state().block.deleted.append(&mut deleted);
    }

    /// Does a step that another transaction may be in the way of, until it is done or has waited
    /// for too long.
    async fn insist(
        &mut self,
        step: &Step,
        nature: &Nature,
        instead: Option<Instead<'_>>,
        ready: Ready,
        catalog: bool,
        wait: Wait,
    ) -> Result<Outcome, End> {
        let began = Instant::now();
        let open = self.shared.state().block.is_open();
        // What comes before a COMMIT in the same string is committed, and must not be done again.
        let whole = !nature.has(&[Effect::Begin, Effect::Commit, Effect::Rollback]);
        let undone = catalog && open && wait.displaces.is_some();
        let savepoint = undone && !self.shared.state().block.savepoint;
        let mut again = false;
        loop {
            let patient = self
                .party
                .as_ref()
                .is_some_and(|party| began.elapsed() < STUBBORN * party.conflicts.patience);
            let retry = match wait.displaces {
                Some(_) if !step.can_be_repeated(nature) => Retry::Never,
                Some(_) if patient && open => Retry::Locks,
                Some(_) if patient && whole => Retry::Anew,
                Some(_) | None => Retry::Never,
            };
            let outcome = self.attempt(Attempt {
                step,
                instead,
                savepoint: savepoint && !again,
                again,
                exchange: Exchange::of_client(retry, ready, catalog),
                wait,
            });
            let outcome = outcome.await?;
            if !outcome.kept {
                self.contending = None;
                return Ok(outcome);
            }
            again = true;
            self.contending = Some(began);
            tokio::time::sleep(PAUSE).await;
            if undone {
                let _undone = self.call(own::ROLLBACK, &[], Wait::PLAIN).await?;
                self.shared.state().transaction.ddl = false;
            }
        }
    }

    /// Does a step of a block that writes. If its snapshot is only just too old, it gets another.
    async fn write_first(
        &mut self,
        step: &Step,
        nature: &Nature,
        instead: Option<Instead<'_>>,
        ready: Ready,
    ) -> Result<Outcome, End> {
        let began = Instant::now();
        let mut again = false;
        loop {
            let begun = {
                let mut state = self.shared.state();
                state.block.wrote = nature.key();
                let first = state.block.since.is_none();
                state.block.begun.clone().filter(|_| first)
            };
            if begun.is_some() {
                self.queue(nature, again).await;
            }
            let commits = self.commits();
            let outcome = self.write(step, nature, instead, again, ready).await?;
            again = true;
            // Whoever holds a lock while nobody commits is not about to.
            let overtaken = match outcome.error.as_deref().filter(|_| outcome.kept) {
                Some(b"40001") => true,
                Some(error) if is_about_locks(error) => self.commits() != commits,
                Some(_) | None => false,
            };
            let patience = self.party.as_ref().map(|party| party.conflicts.patience);
            match begun.filter(|_| overtaken) {
                Some(begun) if patience.is_some_and(|it| began.elapsed() < it) => {
                    self.begin_anew(&begun).await?;
                }
                Some(_) | None => return Ok(outcome),
            }
        }
    }

    /// Does a step of a block that writes.
    async fn write(
        &mut self,
        step: &Step,
        nature: &Nature,
        instead: Option<Instead<'_>>,
        again: bool,
        ready: Ready,
    ) -> Result<Outcome, End> {
        let (savepoint, mark) = {
            let state = self.shared.state();
            (!state.block.savepoint, state.block.notes.count())
        };
        let retry = if step.can_be_repeated(nature) {
            Retry::Conflicts
        } else {
            Retry::Never
        };
        let written = nature.all().filter_map(|it| written_to(&it.sql)).collect();
        let outcome = self.attempt(Attempt {
            step,
            instead,
            savepoint,
            again,
            exchange: Exchange::of_client(retry, ready, false).writing(written),
            wait: Wait::YIELDING,
        });
        let mut outcome = outcome.await?;
        if let Some(answer) = outcome.deferred.take() {
            outcome.kept = self.is_shown_twice(answer, mark).await?;
            if outcome.kept {
                // In a slot the key is taken, and what follows from that is the truth.
                outcome.error = Some(b"55P03"[..].into());
            }
        }
        if outcome.kept {
            let mut state = self.shared.state();
            state.block.notes.truncate(mark);
        }
        Ok(outcome)
    }

    fn commits(&self) -> u64 {
        let conflicts = self.party.as_ref().map(|party| &party.conflicts);
        conflicts.map_or(0, |conflicts| conflicts.commits())
    }

    /// Begins the block anew, with a new snapshot: no statement of it has been answered.
    async fn begin_anew(&mut self, begun: &str) -> Result<(), End> {
        let lane = self.shared.state().block.lane.take();
        self.call_all(&[("ROLLBACK", &[]), (begun, &[])]).await?;
        let mut state = self.shared.state();
        state.block.lane = lane;
        state.block.savepoint = false;
        state.block.since = None;
        state.transaction.is_anew();
        Ok(())
    }

    /// Before the catalog changes: what slots have would be in the way.
    async fn make_way(&mut self) {
        if let Some(party) = &self.party
            && let Err(error) = party.conflicts.clear().await
        {
            tracing::warn!(%error, "slots are in the way of a change of the catalog");
        }
    }
}
