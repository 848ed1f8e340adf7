//! What a transaction is about to commit that conflicts with weak locks of others, and whether there
//! have been any since its snapshot: see [`super::keys`].

use engine::Changes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::block::Ground;
use super::keys::Place;
use super::line::Line;
use super::shadow::{QUIET, arrays};
use super::{End, own};
use crate::conflicts::Key;

const SNAPSHOT: &str = "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text";
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

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Line<'_, '_, R, W> {
    /// The rows that the block is about to commit and that conflict with weak locks; `None` if they
    /// cannot be told. Nothing has been applied.
    pub(super) async fn strong(
        &mut self,
        doubtful: &[u32],
        unidentified: Vec<Place>,
    ) -> Result<Option<Strong>, End> {
        let rows = if self.shared.state().block.is_plain() {
            self.strong_aside(doubtful, unidentified).await
        } else {
            self.strong_here(doubtful, unidentified).await?
        };
        let Some(rows) = rows else { return Ok(None) };
        let mut strong = Strong {
            rows,
            ..Strong::default()
        };
        {
            let state = self.shared.state();
            let locked = state.block.locked.iter().filter(|it| it.for_update);
            let keys = locked.filter_map(|it| Some((it.relation, it.key.clone()?)));
            strong.rows.extend(keys);
        }
        for at in 0..strong.rows.len() {
            if let Some((relation, key)) = strong.rows.get(at).cloned()
                && self.keys(relation).await.is_none_or(|keys| keys.referenced)
            {
                strong.referenced.push(key.into());
            }
        }
        if !strong.referenced.is_empty() && self.shared.state().block.snapshot.is_none() {
            let mut rows = self.call(SNAPSHOT, &[], QUIET).await?.rows.into_iter();
            let snapshot = rows.next().and_then(|row| row.into_iter().next().flatten());
            self.shared.state().block.snapshot = snapshot;
        }
        Ok(Some(strong))
    }

    /// Of a block on the tables: a session of the gateway's own sees its rows as they were before.
    async fn strong_aside(
        &mut self,
        doubtful: &[u32],
        unidentified: Vec<Place>,
    ) -> Option<Vec<Key>> {
        let mut changes = Changes::default();
        {
            let state = self.shared.state();
            let notes = &state.block.notes;
            let origins = notes.origins();
            let locked = unidentified.into_iter().filter_map(|place| {
                let (relation, place) = match origins.get(&place) {
                    Some(origin) => (place.0, origin.clone()?),
                    None => place,
                };
                // As those that are deleted, which all conflict.
                Some((relation, place, None))
            });
            let changed = notes.net().into_iter().filter_map(|change| {
                let is_doubtful = doubtful.contains(&change.relation);
                Some((change.relation, change.old?, change.image)).filter(|_| is_doubtful)
            });
            for (relation, old, image) in locked.chain(changed) {
                changes.relations.push(relation);
                changes.olds.push(old.into());
                changes.images.push(image.map(String::from));
            }
        }
        if changes.relations.is_empty() {
            return Some(Vec::new());
        }
        self.make_keys(changes.relations.iter().copied()).await;
        let found = self.party.as_ref()?.conflicts.strong_keys(&changes).await;
        let told =
            found.inspect_err(|error| tracing::warn!(%error, "changes of keys cannot be told"));
        told.ok()
    }

    /// Of a block that has met another: its own snapshot has the rows as they were.
    async fn strong_here(
        &mut self,
        doubtful: &[u32],
        unidentified: Vec<Place>,
    ) -> Result<Option<Vec<Key>>, End> {
        let mut places = unidentified;
        if !doubtful.is_empty() {
            let Some(mut changed) = self.strong_rows(doubtful).await? else {
                return Ok(None);
            };
            places.append(&mut changed);
        }
        let keys = self.row_keys(&places).await?;
        Ok(keys.map(|keys| {
            let found = places.into_iter().zip(keys);
            found
                .filter_map(|((it, _), key)| Some((it, key?)))
                .collect()
        }))
    }

    /// The places of rows of these tables that the block deletes, or of which it changes keys.
    async fn strong_rows(&mut self, doubtful: &[u32]) -> Result<Option<Vec<Place>>, End> {
        self.make_keys(doubtful.iter().copied()).await;
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
        let found = party.conflicts.references_since(&snapshot, rows);
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
}
