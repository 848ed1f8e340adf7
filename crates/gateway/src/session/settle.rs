//! COMMIT of a block that has lost what it had written, or has locked rows: all of it is done on the
//! tables, unless another transaction was first.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::block::{Ground, Locked};
use super::exchange::{Wait, is_about_locks};
use super::line::Line;
use super::shadow::{QUIET, arrays};
use super::{End, own};

const APPLY: &str = "SELECT pg_treeline.shadow_apply($1, $2::int, $3::oid[])";
const APPLY_NOTES: &str =
    "SELECT pg_treeline.images_apply($1, $2::oid[], $3::tid[], $4::text[], $5::int8)";
const LOCK_AGAIN: &str = "SELECT pg_treeline.lock_again($1, $2::oid[], $3::tid[], $4::bool)";
/// How many times as long as a statement of a block something waits that cannot be put off: holders
/// of locks are made to yield, and take a moment for it on a busy machine.
pub(super) const STUBBORN: u32 = 20;
const SETTLE: &str = "SAVEPOINT pg_treeline_commit";
const UNSETTLE: &str = "ROLLBACK TO SAVEPOINT pg_treeline_commit";
/// The SQLSTATE of [`APPLY_NOTES`] for tables on which changes run expressions of clients'.
const NEEDS_SLOT: &[u8] = b"TL002";
/// It must be done, whoever holds locks.
const SETTLING: Wait = Wait::displacing(false, false);

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Before COMMIT: what the block has written and locked is done on the tables. If another
    /// transaction was first, the block is doomed.
    pub(super) async fn settle(&mut self) -> Result<(), End> {
        let settings = {
            let state = self.shared.state();
            let block = &state.block;
            if block.doomed || block.expelled || !block.is_unsettled() {
                return Ok(());
            }
            match block.ground {
                Ground::Displaced => block.settings.clone(),
                Ground::Tables | Ground::Shadow(_) => Vec::new(),
            }
        };
        for setting in settings {
            self.call(&setting, &[], QUIET).await?;
        }
        let began = Instant::now();
        self.call(SETTLE, &[], QUIET).await?;
        self.contending = Some(began);
        let settled = self.settle_until(began).await;
        self.contending = None;
        settled
    }

    async fn settle_until(&mut self, began: Instant) -> Result<(), End> {
        loop {
            let Some(sqlstate) = self.apply().await? else {
                self.shared.state().block.settled = true;
                return Ok(());
            };
            self.call(UNSETTLE, &[], QUIET).await?;
            let locked = is_about_locks(&sqlstate);
            let patience = self.party.as_ref().map(|party| party.conflicts.patience);
            if !locked || patience.is_none_or(|patience| began.elapsed() > STUBBORN * patience) {
                self.shared.state().block.doomed = true;
                return Ok(());
            }
        }
    }

    /// Does what the block has written and locked on the tables; an error is its SQLSTATE.
    async fn apply(&mut self) -> Result<Option<Box<[u8]>>, End> {
        let slot = self.slot();
        let mut applied = match slot {
            Some(slot) => self.apply_slot(slot).await?,
            None => self.apply_notes().await?,
        };
        if applied.as_deref() == Some(NEEDS_SLOT) {
            self.call(UNSETTLE, &[], QUIET).await?;
            applied = match self.enter(false).await? {
                Some(slot) => self.apply_slot(slot).await?,
                None => applied,
            };
        }
        match applied {
            Some(error) => Ok(Some(error)),
            None => self.lock_again().await,
        }
    }

    fn slot(&mut self) -> Option<i32> {
        match &self.shared.state().block.ground {
            Ground::Shadow(lease) => Some(lease.slot),
            Ground::Tables | Ground::Displaced => None,
        }
    }

    async fn apply_slot(&mut self, slot: i32) -> Result<Option<Box<[u8]>>, End> {
        let party = self.party.as_ref();
        let relations = party.map(|party| party.conflicts.relations(slot));
        let relations: Vec<String> = relations.iter().flatten().map(u32::to_string).collect();
        let relations = own::array(relations.iter().map(|it| Some(&**it)));
        let (key, slot) = (self.key().await, slot.to_string());
        let parameters = [key.as_deref(), Some(&*slot), Some(&*relations)];
        Ok(self.call(APPLY, &parameters, SETTLING).await?.error)
    }

    async fn apply_notes(&mut self) -> Result<Option<Box<[u8]>>, End> {
        let (changes, bytes) = {
            let state = self.shared.state();
            if state.block.is_plain() {
                return Ok(None);
            }
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

    /// Rows that were read to be locked are locked, after whatever was done to them.
    async fn lock_again(&mut self) -> Result<Option<Box<[u8]>>, End> {
        let key = self.key().await;
        for for_update in [true, false] {
            let (relations, places) = {
                let state = self.shared.state();
                let block = &state.block;
                // What is locked by FOR KEY SHARE still is where nothing was undone.
                let of_interest = |locked: &&Locked| {
                    locked.for_update == for_update && (for_update || !block.is_plain())
                };
                let locked = || block.locked.iter().filter(of_interest);
                (
                    own::array(locked().map(|it| Some(&*it.relation))),
                    own::array(locked().map(|it| Some(&*it.place))),
                )
            };
            if relations.len() > 2 {
                let text = for_update.to_string();
                let parameters = [
                    key.as_deref(),
                    Some(&*relations),
                    Some(&*places),
                    Some(&*text),
                ];
                let error = self.call(LOCK_AGAIN, &parameters, SETTLING).await?.error;
                if error.is_some() {
                    return Ok(error);
                }
            }
        }
        Ok(None)
    }
}
