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
use super::shadow::{QUIET, arrays};
use super::{End, State, own};
use crate::conflicts::{Key, Sharing};

const ROW_KEYS: &str = "SELECT tl_k, pg_catalog.pg_current_snapshot()::pg_catalog.text \
                        FROM pg_treeline.row_keys($1, $2::oid[], $3::tid[]) tl_k";
const STRONG_NOTES: &str = "SELECT * FROM pg_treeline.strong_rows($1, $2::oid[], $3::tid[], \
                            $4::text[])";
const STRONG_SLOT: &str = "SELECT * FROM pg_treeline.strong_rows($1, $2::int, $3::oid[])";
const UNSEEN: &str = "SELECT pg_treeline.references_unseen($1, $2)";

/// Rows with which a weak lock conflicts.
#[derive(Debug, Default)]
pub(super) struct Strong {
    rows: Vec<Key>,
    /// Those that other rows may refer to.
    referenced: Vec<String>,
    /// Whether no index finds what refers to them.
    slow: bool,
    /// The references to them that are known to be in the snapshot.
    seen: Option<String>,
}

/// What becomes of a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Free,
    /// Another transaction was first.
    Taken,
    /// What was done was undone to find out, and is to be done again.
    Again,
}

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
            conflicts.shares.since(since, relation) || changed.updated && conflicts.doubts(relation)
        })
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// Identifies rows that were locked, from the `first` on: once they have been changed, that is
    /// not possible. Whether all went well.
    pub(super) async fn identify(&mut self, first: usize) -> Result<bool, End> {
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
            if !for_update || keys.is_some_and(|keys| keys.referenced) {
                wanted.push((at, place));
            }
        }
        let places: Vec<Place> = wanted.iter().map(|(_, place)| place.clone()).collect();
        let Some(keys) = self.row_keys(&places).await? else {
            return Ok(false);
        };
        let mut state = self.shared.state();
        for ((at, _), key) in wanted.into_iter().zip(keys) {
            if let Some(locked) = state.block.locked.get_mut(at) {
                locked.key = key;
            }
        }
        Ok(true)
    }

    /// The keys of a table, if they can be had.
    async fn keys(&mut self, relation: u32) -> Option<Keys> {
        let conflicts = &self.party.as_ref()?.conflicts;
        let keys = conflicts.keys(relation).await;
        let told = keys.inspect_err(
            |error| tracing::warn!(%error, relation, "the keys of a table are not known"),
        );
        told.ok()
    }

    /// What identifies rows; `None` for those that the snapshot does not show. `None` altogether if
    /// the transaction has failed.
    async fn row_keys(&mut self, rows: &[Place]) -> Result<Option<Vec<Option<Box<str>>>>, End> {
        if rows.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut last = None;
        for (relation, _) in rows {
            if last.replace(*relation) != Some(*relation)
                && let Some(party) = &self.party
                && let Err(error) = party.conflicts.make_keys(*relation).await
            {
                tracing::warn!(%error, relation, "rows of a table cannot be identified");
            }
        }
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
            let unnoticed = |keys: Keys| {
                let again = changed.deleted && !plain;
                keys.referenced && (changed.updated && keys.several || again)
            };
            if conflicts.shares.since(since, relation)
                || self.keys(relation).await.is_some_and(unnoticed)
            {
                doubtful.push(relation);
            }
        }
        doubtful
    }

    /// Whether rows are locked `FOR UPDATE` that have to be identified before COMMIT.
    pub(super) fn unidentified(&mut self) -> Vec<Place> {
        let state = self.shared.state();
        let (Some(party), Some(since)) = (&self.party, state.block.since) else {
            return Vec::new();
        };
        let locked = state.block.locked.iter();
        let locked = locked.filter(|it| it.for_update && it.key.is_none());
        let places = locked.map(|it| (it.relation, it.place.clone()));
        places
            .filter(|(relation, _)| party.conflicts.shares.since(since, *relation))
            .collect()
    }

    /// The rows that the block is about to commit and that conflict with weak locks; `None` if the
    /// transaction has failed. Nothing has been applied.
    pub(super) async fn strong(
        &mut self,
        doubtful: &[u32],
        unidentified: Vec<Place>,
    ) -> Result<Option<Strong>, End> {
        let mut strong = Strong::default();
        let mut places = unidentified;
        if !doubtful.is_empty() {
            let Some(mut changed) = self.strong_rows(doubtful).await? else {
                return Ok(None);
            };
            places.append(&mut changed);
        }
        let Some(keys) = self.row_keys(&places).await? else {
            return Ok(None);
        };
        let found = places.into_iter().zip(keys);
        strong.rows = found
            .filter_map(|((relation, _), key)| Some((relation, key?)))
            .collect();
        {
            let state = self.shared.state();
            let locked = state.block.locked.iter().filter(|it| it.for_update);
            let keys = locked.filter_map(|it| Some((it.relation, it.key.clone()?)));
            strong.rows.extend(keys);
        }
        for at in 0..strong.rows.len() {
            if let Some((relation, key)) = strong.rows.get(at).cloned()
                && let Some(keys) = self.keys(relation).await.filter(|keys| keys.referenced)
            {
                strong.slow |= !keys.indexed;
                strong.referenced.push(key.into());
            }
        }
        Ok(Some(strong))
    }

    /// The places of rows of these tables that the block deletes, or of which it changes keys.
    async fn strong_rows(&mut self, doubtful: &[u32]) -> Result<Option<Vec<Place>>, End> {
        for relation in doubtful {
            if let Some(party) = &self.party
                && let Err(error) = party.conflicts.make_keys(*relation).await
            {
                tracing::warn!(%error, relation, "changes of keys cannot be told");
            }
        }
        let (slot, changes) = {
            let state = self.shared.state();
            match &state.block.ground {
                Ground::Shadow(lease) => (Some(lease.slot.to_string()), Vec::new()),
                Ground::Tables | Ground::Displaced => (None, state.block.notes.net()),
            }
        };
        let key = self.key().await;
        let found = if let Some(slot) = slot {
            let relations: Vec<String> = doubtful.iter().map(u32::to_string).collect();
            let relations = own::array(relations.iter().map(|it| Some(&**it)));
            let parameters = [key.as_deref(), Some(&*slot), Some(&*relations)];
            self.call(STRONG_SLOT, &parameters, QUIET).await?
        } else {
            let of_interest = changes.into_iter();
            let of_interest = of_interest.filter(|change| doubtful.contains(&change.relation));
            let [relations, olds, images] = arrays(&of_interest.collect::<Vec<_>>());
            let parameters = [
                key.as_deref(),
                Some(&*relations),
                Some(&*olds),
                Some(&*images),
            ];
            self.call(STRONG_NOTES, &parameters, QUIET).await?
        };
        if found.error.is_some() || found.lost {
            return Ok(None);
        }
        let place = |row: Vec<Option<Box<str>>>| {
            let mut values = row.into_iter().flatten();
            Some((values.next()?.parse().ok()?, values.next()?))
        };
        Ok(Some(found.rows.into_iter().filter_map(place).collect()))
    }

    /// Whether a weak lock stands against a COMMIT. All that it is to do has been done, so that there
    /// are no new ones.
    pub(super) async fn verdict(&mut self, strong: &mut Strong) -> Result<Verdict, End> {
        let (since, snapshot) = {
            let state = self.shared.state();
            let block = &state.block;
            (block.since.unwrap_or_default(), block.snapshot.clone())
        };
        let Some(party) = &self.party else {
            return Ok(Verdict::Free);
        };
        if party.conflicts.shares.include(since, &strong.rows) {
            return Ok(Verdict::Taken);
        }
        let Some(snapshot) = snapshot.filter(|_| !strong.referenced.is_empty()) else {
            return Ok(Verdict::Free);
        };
        let rows = &strong.referenced;
        let found = party
            .conflicts
            .references_since(&snapshot, rows, !strong.slow);
        let found = match found.await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "who refers to rows is not known");
                return Ok(Verdict::Taken);
            }
        };
        let Some(found) = found.filter(|found| strong.seen.as_ref() != Some(found)) else {
            return Ok(Verdict::Free);
        };
        self.unsettle().await?;
        let key = self.key().await;
        let parameters = [key.as_deref(), Some(&*found)];
        let unseen = self.call(UNSEEN, &parameters, QUIET).await?.rows;
        let first = unseen.first().and_then(|row| row.first()?.as_deref());
        if first != Some("f") {
            return Ok(Verdict::Taken);
        }
        strong.seen = Some(found);
        Ok(Verdict::Again)
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
