//! Which transactions wait for others before they take their snapshots, as they would only lose to
//! them: those that were overtaken at their first statement, and those that begin like one that has
//! lost of late.

use tokio::io::{AsyncRead, AsyncWrite};

use super::line::Line;
use super::unit::{Nature, Summary};
use crate::conflicts::Lost;

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Before a block takes its snapshot: if one that began in the same way has lost to others, it
    /// lets them finish first.
    pub(super) async fn foresee(&mut self, summary: &Summary) {
        let Some(first) = summary.first else { return };
        {
            let mut state = self.shared.state();
            state.block.first = first;
            let begins = state.transaction.is_block() || summary.begins;
            if !begins || state.block.lane.is_some() {
                return;
            }
        }
        let (Some(lost), Some(party)) = (&mut self.lost, &self.party) else {
            return;
        };
        if lost.foretells(first) {
            let conflicts = &party.conflicts;
            let lane = conflicts.lanes.enter(lost.at, true, conflicts.patience);
            let lane = lane.await;
            if lane.as_ref().is_some_and(|lane| lane.waited) {
                *lost = Lost::now(first, lost.at);
            }
            self.shared.state().block.lane = lane;
        }
    }

    /// The block has lost to another.
    pub(super) fn has_lost(&mut self) {
        let state = self.shared.state();
        if let Some(at) = state.block.wrote {
            self.lost = Some(Lost::now(state.block.first, at));
        }
    }

    /// Waits for others that run the same statement as the first of their blocks.
    pub(super) async fn queue(&mut self, nature: &Nature, again: bool) {
        let (Some(party), Some(key)) = (&self.party, nature.key()) else {
            return;
        };
        if self.shared.state().block.lane.is_none() {
            let conflicts = &party.conflicts;
            let lane = conflicts.lanes.enter(key, again, conflicts.patience);
            let lane = lane.await;
            self.shared.state().block.lane = lane;
        }
    }
}
