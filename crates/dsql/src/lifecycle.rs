//! The states of clusters and streams: pure functions of a record, the time and the delays.
//!
//! ```text
//! single-Region   CREATING ─► ACTIVE ─► IDLE ─► INACTIVE        (activity: back to ACTIVE)
//! with a witness  CREATING ─► PENDING_SETUP ─ both peers name each other ─► UPDATING ─► ACTIVE
//! new KMS key     UPDATING, then as before
//! DeleteCluster   DELETING ─► gone; one of two linked peers: PENDING_DELETE until both are deleted
//! ```

use base::Timestamp;
use model::dsql::types::{ClusterStatus, EncryptionStatus, StreamStatus};

use crate::cluster::{ClusterRecord, Deletion};
use crate::state::Options;
use crate::stream::StreamRecord;

/// A point in time, and how long things take.
#[derive(Clone, Copy)]
pub(crate) struct Lifecycle<'a> {
    pub(crate) now: Timestamp,
    pub(crate) options: &'a Options,
}

impl Lifecycle<'_> {
    /// The state of a cluster; `None` when it is gone.
    pub(crate) fn status(self, record: &ClusterRecord) -> Option<ClusterStatus> {
        match record.deletion {
            Some(Deletion::Since(at)) => {
                return self.is_deleting(at).then_some(ClusterStatus::Deleting);
            }
            Some(Deletion::AwaitingPeer) => return Some(ClusterStatus::PendingDelete),
            None => {}
        }
        if self.now < record.created.plus(self.options.creation_delay) {
            return Some(ClusterStatus::Creating);
        }
        if self.is_updating(record.changed) {
            return Some(ClusterStatus::Updating);
        }
        if record.witness.is_some() && !record.linked {
            return Some(ClusterStatus::PendingSetup);
        }
        Some(self.activity(record.activity))
    }

    fn activity(self, last: Timestamp) -> ClusterStatus {
        let passed = |delay| self.now >= last.plus(delay);
        if self.options.inactive_after.is_some_and(passed) {
            ClusterStatus::Inactive
        } else if self.options.idle_after.is_some_and(passed) {
            ClusterStatus::Idle
        } else {
            ClusterStatus::Active
        }
    }

    /// The state of a cluster's encryption.
    pub(crate) fn encryption(self, record: &ClusterRecord) -> EncryptionStatus {
        if self.is_updating(record.key_changed) {
            EncryptionStatus::Updating
        } else {
            EncryptionStatus::Enabled
        }
    }

    /// The state of a stream; `None` when it is gone. It goes with its cluster.
    pub(crate) fn stream(
        self,
        record: &StreamRecord,
        cluster: &ClusterRecord,
    ) -> Option<StreamStatus> {
        let with_cluster = match cluster.deletion {
            Some(Deletion::Since(at)) => Some(at),
            Some(Deletion::AwaitingPeer) | None => None,
        };
        match [record.deleted, with_cluster].into_iter().flatten().min() {
            Some(at) => self.is_deleting(at).then_some(StreamStatus::Deleting),
            None => Some(StreamStatus::Creating),
        }
    }

    fn is_deleting(self, since: Timestamp) -> bool {
        self.now < since.plus(self.options.deletion_delay)
    }

    fn is_updating(self, since: Option<Timestamp>) -> bool {
        since.is_some_and(|at| self.now < at.plus(self.options.update_delay))
    }
}

#[cfg(test)]
mod tests;
