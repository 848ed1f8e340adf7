//! Locks that PostgreSQL forgets at COMMIT, and that still count for older snapshots (spec E.2): who
//! deletes a row, changes its keys or reads it `FOR UPDATE` conflicts with transactions that have
//! been committed since and had locked it `FOR KEY SHARE`, or have written rows that refer to it.
//!
//! The functions of the database that this relies on are in the engine's `schema/keys*.sql`.

use std::sync::Arc;

use engine::Keys;
use tokio::io::{AsyncRead, AsyncWrite};

use super::block::Ground;
use super::exchange::Wait;
use super::line::Line;
use super::notes::Changed;
use super::{End, State, own};
use crate::conflicts::{Key, Sharing};

const ROW_KEYS: &str = "SELECT tl_k, pg_catalog.pg_current_snapshot()::pg_catalog.text \
                        FROM pg_treeline.row_keys($1, $2::oid[], $3::tid[]) tl_k";

/// A row by table and place.
pub(super) type Place = (u32, Box<str>);

impl State {
    /// Whether COMMIT of a block that has met nobody has to look at weak locks of others.
    pub(super) fn is_doubtful(&self) -> bool {
        let (Some(conflicts), Some(since)) = (&self.conflicts, self.block.since) else {
            return false;
        };
        let mut changed = self.block.notes.changed().iter();
        changed.any(|changed| {
            let relation = changed.relation;
            let may_change = || {
                let keys = conflicts.known_keys(relation);
                keys.is_none_or(|keys| self.block.may_change(&keys))
            };
            conflicts.shares.since(since, relation) || changed.updated && may_change()
        })
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Identifies rows that were locked, from the `first` on: once they have been changed, that is
    /// not possible.
    pub(super) async fn identify(&mut self, first: usize) -> Result<(), End> {
        let locked: Vec<(usize, bool, Place)> = {
            let state = self.shared.state();
            let locked = state.block.locked.iter().enumerate().skip(first);
            locked
                .map(|(at, it)| (at, it.for_update, (it.relation, it.place.clone())))
                .collect()
        };
        let mut wanted = Vec::new();
        for (at, for_update, place) in locked {
            // Of the others it is asked later, if ever.
            let keys = self.keys(place.0).await;
            if !for_update || keys.is_none_or(|keys| keys.referenced) {
                wanted.push((at, place));
            }
        }
        let places: Vec<Place> = wanted.iter().map(|(_, place)| place.clone()).collect();
        let Some(keys) = self.row_keys(&places).await? else {
            return Ok(());
        };
        let mut state = self.shared.state();
        for ((at, _), key) in wanted.into_iter().zip(keys) {
            if let Some(locked) = state.block.locked.get_mut(at) {
                locked.key = key;
            }
        }
        Ok(())
    }

    /// The keys of a table, if they can be had.
    pub(super) async fn keys(&mut self, relation: u32) -> Option<Arc<Keys>> {
        let conflicts = &self.party.as_ref()?.conflicts;
        let keys = conflicts.keys(relation).await;
        let told = keys.inspect_err(
            |error| tracing::warn!(%error, relation, "the keys of a table are not known"),
        );
        told.ok()
    }

    /// What identifies rows; `None` for those that the snapshot does not show. `None` altogether if
    /// the transaction has failed.
    pub(super) async fn row_keys(
        &mut self,
        rows: &[Place],
    ) -> Result<Option<Vec<Option<Box<str>>>>, End> {
        if rows.is_empty() {
            return Ok(Some(Vec::new()));
        }
        self.make_keys(rows.iter().map(|(relation, _)| *relation))
            .await;
        let key = self.key().await;
        let relations: Vec<String> = rows.iter().map(|(it, _)| it.to_string()).collect();
        let relations = own::array(relations.iter().map(|it| Some(&**it)));
        let places = own::array(rows.iter().map(|(_, place)| Some(&**place)));
        let parameters = [key.as_deref(), Some(&*relations), Some(&*places)];
        let ask = |line: &mut Self| own::ask(&mut line.output, ROW_KEYS, &parameters);
        let found = self.guarded(usize::MAX, ask).await?;
        if found.error.is_some() || found.rows.len() != rows.len() {
            return Ok(None);
        }
        let mut state = self.shared.state();
        let keys = found.rows.into_iter().map(|row| {
            let mut values = row.into_iter();
            let key = values.next().flatten();
            state.block.snapshot = values.next().flatten();
            key
        });
        Ok(Some(keys.collect()))
    }

    /// Has the database make what it takes to look at rows of these tables.
    pub(super) async fn make_keys(&mut self, relations: impl Iterator<Item = u32>) {
        let mut last = None;
        for relation in relations {
            if last.replace(relation) != Some(relation)
                && let Some(party) = &self.party
                && let Err(error) = party.conflicts.make_keys(relation).await
            {
                tracing::warn!(%error, relation, "rows of a table cannot be identified");
            }
        }
    }

    /// The tables of which changed rows have to be looked at before COMMIT.
    pub(super) async fn doubtful(&mut self) -> Vec<u32> {
        let (changed, since, plain) = {
            let state = self.shared.state();
            let block = &state.block;
            let changed = match &block.ground {
                Ground::Shadow(lease) => {
                    let relations = lease.relations().into_iter().flatten();
                    // It is not known what was done there.
                    let changed = relations.map(|relation| Changed {
                        relation,
                        updated: true,
                        deleted: true,
                    });
                    changed.collect()
                }
                Ground::Tables | Ground::Displaced => block.notes.changed().to_vec(),
            };
            (changed, block.since.unwrap_or_default(), block.is_plain())
        };
        let mut doubtful = Vec::new();
        let Some(conflicts) = self
            .party
            .as_ref()
            .map(|party| Arc::clone(&party.conflicts))
        else {
            return doubtful;
        };
        for changed in changed {
            let relation = changed.relation;
            // A row that is deleted and inserted again is updated at COMMIT, unless it was done on the
            // table: nothing that refers to it is in the way.
            let again = changed.deleted && !plain;
            let keys = self.keys(relation).await;
            let unnoticed = keys.is_none_or(|keys| {
                let state = self.shared.state();
                let updated = changed.updated && state.block.may_change(&keys);
                updated || again && keys.referenced
            });
            if unnoticed || conflicts.shares.since(since, relation) {
                doubtful.push(relation);
            }
        }
        doubtful
    }

    /// The rows that are locked `FOR UPDATE` and have to be identified before COMMIT.
    pub(super) async fn unidentified(&mut self) -> Vec<Place> {
        let (mut rows, since) = {
            let state = self.shared.state();
            let locked = state.block.locked.iter();
            let locked = locked.filter(|it| it.for_update && it.key.is_none());
            let rows: Vec<Place> = locked.map(|it| (it.relation, it.place.clone())).collect();
            (rows, state.block.since.unwrap_or_default())
        };
        let mut relations: Vec<u32> = rows.iter().map(|(relation, _)| *relation).collect();
        relations.dedup();
        for relation in relations {
            let shares = self.party.as_ref().map(|party| &party.conflicts.shares);
            let wanted = shares.is_some_and(|shares| shares.since(since, relation))
                || self.keys(relation).await.is_none_or(|keys| keys.referenced);
            if !wanted {
                rows.retain(|row| row.0 != relation);
            }
        }
        rows
    }

    /// Undoes what the block has written, which it keeps in mind.
    pub(super) async fn displace(&mut self) -> Result<(), End> {
        self.call(own::ROLLBACK, &[], Wait::PLAIN).await?;
        self.shared.state().block.displaced();
        Ok(())
    }

    /// From here on the rows that the block has locked `FOR KEY SHARE` count for others, for whom
    /// PostgreSQL forgets them.
    pub(super) fn share(&mut self) {
        let Some(party) = &self.party else { return };
        let mut state = self.shared.state();
        let locked = state.block.locked.iter().filter(|it| !it.for_update);
        let rows = locked.filter_map(|it| Some((it.relation, it.key.clone()?)));
        let rows: Vec<Key> = rows.collect();
        if !rows.is_empty() {
            state.block.sharing = Some(Sharing::of(&party.conflicts, &rows));
        }
    }
}
