//! COMMIT of a block that has lost what it had written, or has locked rows: all of it is done on the
//! tables, unless another transaction was first.

use std::collections::HashSet;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Duration, Instant};

use super::block::Ground;
use super::exchange::{Wait, is_about_locks};
use super::keys::Place;
use super::line::Line;
use super::shadow::{QUIET, arrays};
use super::strong::Verdict;
use super::{End, own};

const APPLY: &str = "SELECT pg_treeline.shadow_apply($1, $2::int, $3::oid[])";
const APPLY_NOTES: &str =
    "SELECT pg_treeline.images_apply($1, $2::oid[], $3::tid[], $4::text[], $5::int8)";
const LOCK_AGAIN: &str = "SELECT pg_treeline.lock_again($1, $2::oid[], $3::tid[], $4::bool, \
                          $5::bool)";
/// How many times as long as a statement of a block something waits that cannot be put off: holders
/// of locks are made to yield, and take a moment for it on a busy machine.
pub(super) const STUBBORN: u32 = 20;
const SETTLE: &str = "SAVEPOINT pg_treeline_commit";
const UNSETTLE: &str = "ROLLBACK TO SAVEPOINT pg_treeline_commit";
/// The SQLSTATE of [`APPLY_NOTES`] for tables on which changes run expressions of clients'.
const NEEDS_SLOT: &[u8] = b"TL002";
/// The SQLSTATE of a conflict that no lock is the reason of.
const CATALOG_CHANGED: &[u8] = b"40001";
/// It must be done, whoever holds locks.
const SETTLING: Wait = Wait::displacing(false, false);

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Before COMMIT: what the block has written and locked is done on the tables. If another
    /// transaction was first, the block is doomed.
    pub(super) async fn settle(&mut self) -> Result<(), End> {
        {
            let block = &self.shared.state().block;
            if block.doomed || block.expelled {
                return Ok(());
            }
        }
        let doubtful = self.doubtful().await;
        let unidentified = self.unidentified().await;
        if !self.shared.state().block.is_unsettled() && doubtful.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        self.prepare_to_settle().await?;
        self.contending = Some(began);
        let settled = self.settle_until(began, doubtful, unidentified).await?;
        self.contending = None;
        if settled {
            self.shared.state().block.settled = true;
            self.share();
        } else {
            self.shared.state().block.doomed = true;
            self.has_lost();
        }
        Ok(())
    }

    /// Undoes what COMMIT has done so far.
    pub(super) async fn unsettle(&mut self) -> Result<(), End> {
        if self.shared.state().block.is_plain() {
            self.displace().await?;
            return self.prepare_to_settle().await;
        }
        self.call(UNSETTLE, &[], QUIET).await?;
        Ok(())
    }

    /// Sets what the block has set, and the savepoint to which a COMMIT that fails goes back. What
    /// has met nobody goes back to the other one: a row that is locked and changed by different
    /// subtransactions is one that somebody has locked and somebody has changed, which is less to
    /// PostgreSQL than a row that somebody had to himself.
    async fn prepare_to_settle(&mut self) -> Result<(), End> {
        let settings = {
            let block = &self.shared.state().block;
            match block.ground {
                Ground::Tables => return Ok(()),
                Ground::Displaced => block.settings.clone(),
                Ground::Shadow(_) => Vec::new(),
            }
        };
        for setting in settings {
            self.call(&setting, &[], QUIET).await?;
        }
        self.call(SETTLE, &[], QUIET).await?;
        Ok(())
    }

    /// Whether nobody was first; if not, nothing is done.
    async fn settle_until(
        &mut self,
        began: Instant,
        mut doubtful: Vec<u32>,
        mut unidentified: Vec<Place>,
    ) -> Result<bool, End> {
        let patience = self.party.as_ref().map(|party| party.conflicts.patience);
        let limit = patience.map_or(Duration::ZERO, |patience| STUBBORN * patience);
        let mut known = None;
        while began.elapsed() <= limit {
            let mut strong = match known.take() {
                Some(strong) => strong,
                None => match self.strong(&doubtful, unidentified.clone()).await? {
                    Some(strong) => strong,
                    None => {
                        self.unsettle().await?;
                        return Ok(false);
                    }
                },
            };
            if let Some(sqlstate) = self.apply().await? {
                self.unsettle().await?;
                let mut state = self.shared.state();
                if !is_about_locks(&sqlstate) {
                    return Ok(false);
                }
                if state.block.unwanted {
                    // A change of the catalog waits for it, and it for that.
                    state.block.expelled = true;
                    return Ok(false);
                }
                known = Some(strong);
                continue;
            }
            // While it waited for locks, somebody may have committed what makes more of it doubtful.
            let now = (self.doubtful().await, self.unidentified().await);
            if now != (doubtful.clone(), unidentified.clone()) {
                (doubtful, unidentified) = now;
                self.unsettle().await?;
                continue;
            }
            match self.verdict(&mut strong).await? {
                Verdict::Free => return Ok(true),
                Verdict::Taken => {
                    self.unsettle().await?;
                    return Ok(false);
                }
                Verdict::Again => known = Some(strong),
            }
        }
        Ok(false)
    }

    /// Does what the block has written and locked on the tables; an error is its SQLSTATE.
    async fn apply(&mut self) -> Result<Option<Box<[u8]>>, End> {
        let mut applied = self.apply_changes().await?;
        if applied.as_deref() == Some(NEEDS_SLOT) {
            self.unsettle().await?;
            if self.enter(false).await?.is_some() {
                applied = self.apply_changes().await?;
            }
        }
        match applied {
            Some(error) => Ok(Some(error)),
            None => self.lock_again(true, true).await,
        }
    }

    async fn apply_changes(&mut self) -> Result<Option<Box<[u8]>>, End> {
        if self.shared.state().block.is_plain() {
            return Ok(None);
        }
        // First, since a row that is changed is another.
        for for_update in [true, false] {
            let error = self.lock_again(for_update, false).await?;
            if error.is_some() {
                return Ok(error);
            }
        }
        match self.slot() {
            Some(slot) => self.apply_slot(slot).await,
            None => self.apply_notes().await,
        }
    }

    /// The slot that the block is in, and the tables there.
    fn slot(&mut self) -> Option<(i32, Option<Vec<u32>>)> {
        match &self.shared.state().block.ground {
            Ground::Shadow(lease) => Some((lease.slot, lease.relations())),
            Ground::Tables | Ground::Displaced => None,
        }
    }

    async fn apply_slot(
        &mut self,
        (slot, relations): (i32, Option<Vec<u32>>),
    ) -> Result<Option<Box<[u8]>>, End> {
        let Some(relations) = relations else {
            return Ok(Some(CATALOG_CHANGED.into()));
        };
        let relations: Vec<String> = relations.iter().map(u32::to_string).collect();
        let relations = own::array(relations.iter().map(|it| Some(&**it)));
        let (key, slot) = (self.key().await, slot.to_string());
        let parameters = [key.as_deref(), Some(&*slot), Some(&*relations)];
        Ok(self.call(APPLY, &parameters, SETTLING).await?.error)
    }

    async fn apply_notes(&mut self) -> Result<Option<Box<[u8]>>, End> {
        let (changes, bytes) = {
            let state = self.shared.state();
            (state.block.notes.net(), state.block.notes.work().1)
        };
        if changes.is_empty() {
            return Ok(None);
        }
        let [relations, olds, images] = arrays(&changes);
        let (key, bytes) = (self.key().await, bytes.to_string());
        let parameters = [
            key.as_deref(),
            Some(&*relations),
            Some(&*olds),
            Some(&*images),
            Some(&*bytes),
        ];
        Ok(self.call(APPLY_NOTES, &parameters, SETTLING).await?.error)
    }

    /// Rows that were read to be locked are locked, and `changed` if they still are what they were.
    async fn lock_again(
        &mut self,
        for_update: bool,
        changed: bool,
    ) -> Result<Option<Box<[u8]>>, End> {
        let (relations, places) = {
            let state = self.shared.state();
            let block = &state.block;
            // On the tables, what has been changed since it was locked is both already.
            let gone = if changed && block.is_plain() {
                block.notes.replaced()
            } else {
                HashSet::new()
            };
            let locked = block.locked.iter();
            let locked = locked.filter(|it| it.for_update == for_update);
            let locked = locked.filter(|it| !gone.contains(&(it.relation, &*it.place)));
            let relations: Vec<String> = locked.clone().map(|it| it.relation.to_string()).collect();
            (
                own::array(relations.iter().map(|it| Some(&**it))),
                own::array(locked.map(|it| Some(&*it.place))),
            )
        };
        if relations.len() <= 2 {
            return Ok(None);
        }
        let key = self.key().await;
        let [for_update, changed] = [for_update, changed].map(|it| it.to_string());
        let parameters = [
            key.as_deref(),
            Some(&*relations),
            Some(&*places),
            Some(&*for_update),
            Some(&*changed),
        ];
        Ok(self.call(LOCK_AGAIN, &parameters, SETTLING).await?.error)
    }
}
