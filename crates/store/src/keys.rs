//! Keys by which documents are listed, and lists of the documents that have some of them.
//!
//! The positions of a key's documents are in the order of every list. So the documents that have
//! several keys are found by walking the keys' positions side by side, where whoever is behind
//! leaps to the one that is ahead: the rarest key sets the number of steps.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::{Document, Position, ReadTx, Revision, StoreError};

/// What a document can be listed by: 64 bits that stand for some texts. Different texts may have
/// the same key, so a reader looks at the document again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ListKey(i64);

impl ListKey {
    /// The key of some texts in this order; the first is the documents' kind, as keys of all kinds
    /// are kept together. It never changes: FNV-1a over the texts, each followed by a byte that no
    /// text contains.
    pub fn of(texts: &[&str]) -> Self {
        let bytes = texts.iter().flat_map(|text| text.bytes().chain([0xff]));
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash.cast_signed())
    }

    pub(crate) const fn get(self) -> i64 {
        self.0
    }
}

/// A document's keys in one text: 16 hexadecimal digits each, in order and without repetition.
pub(crate) fn to_text(keys: &[ListKey]) -> String {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys.iter().fold(String::new(), |mut text, key| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:016x}", key.0);
        text
    })
}

/// The keys that [`to_text`] wrote.
pub(crate) fn from_text(text: &str) -> impl Iterator<Item = ListKey> {
    let keys = text.as_bytes().chunks(16);
    keys.filter_map(|key| {
        let key = u64::from_str_radix(std::str::from_utf8(key).ok()?, 16).ok()?;
        Some(ListKey(key.cast_signed()))
    })
}

/// The documents that have, of each group, at least one key: as [`ReadTx::list`] otherwise.
pub(crate) fn list<T: ReadTx + ?Sized>(
    tx: &T,
    kind: &str,
    parent: &str,
    groups: &[Vec<ListKey>],
    after: Option<&Position>,
    limit: usize,
) -> Result<Vec<Document>, StoreError> {
    if groups.is_empty() {
        return tx.list(kind, parent, after, limit);
    }
    let mut groups: Vec<Group> = groups.iter().map(|keys| Group::new(keys)).collect();
    // Revisions start at 1, so nothing comes before this.
    let start = Position {
        created: Revision::ZERO,
        id: String::new(),
    };
    let mut from = From::After(after.cloned().unwrap_or(start));
    let mut documents = Vec::new();
    while documents.len() < limit
        && let Some(position) = next(tx, parent, &mut groups, from)?
    {
        // A key of another kind with the same bits may have led here.
        let document = tx.get(kind, parent, &position.id)?;
        documents.extend(document.filter(|document| document.created == position.created));
        from = From::After(position);
    }
    Ok(documents)
}

/// Where a search begins.
#[derive(Clone)]
enum From {
    At(Position),
    After(Position),
}

impl From {
    fn position(&self) -> &Position {
        match self {
            Self::At(position) | Self::After(position) => position,
        }
    }

    fn admits(&self, position: &Position) -> bool {
        match self {
            Self::At(from) => position >= from,
            Self::After(from) => position > from,
        }
    }
}

/// The first position that all groups have.
fn next<T: ReadTx + ?Sized>(
    tx: &T,
    parent: &str,
    groups: &mut [Group],
    mut from: From,
) -> Result<Option<Position>, StoreError> {
    loop {
        let mut agreed = matches!(from, From::At(_));
        for group in &mut *groups {
            let Some(position) = group.first(tx, parent, &from)? else {
                return Ok(None);
            };
            if position != *from.position() {
                agreed = false;
                from = From::At(position);
            }
        }
        if agreed {
            return Ok(Some(from.position().clone()));
        }
    }
}

/// Keys of which one is enough.
struct Group(Vec<Cursor>);

impl Group {
    fn new(keys: &[ListKey]) -> Self {
        Self(keys.iter().copied().map(Cursor::new).collect())
    }

    fn first<T: ReadTx + ?Sized>(
        &mut self,
        tx: &T,
        parent: &str,
        from: &From,
    ) -> Result<Option<Position>, StoreError> {
        let mut first: Option<&Position> = None;
        for cursor in &mut self.0 {
            if let Some(position) = cursor.first(tx, parent, from)? {
                first = Some(first.map_or(position, |first| first.min(position)));
            }
        }
        Ok(first.cloned())
    }
}

/// Positions that are read at once: few at first and after a leap, more when they come into use.
const AHEAD: (usize, usize) = (4, 256);

/// The positions of one key, read ahead.
struct Cursor {
    key: ListKey,
    ahead: VecDeque<Position>,
    /// Nothing comes after what is in `ahead`.
    ended: bool,
    size: usize,
    used: usize,
}

impl Cursor {
    fn new(key: ListKey) -> Self {
        Self {
            key,
            ahead: VecDeque::new(),
            ended: false,
            size: AHEAD.0,
            used: 0,
        }
    }

    /// The first position that `from` admits. It never goes back.
    fn first<T: ReadTx + ?Sized>(
        &mut self,
        tx: &T,
        parent: &str,
        from: &From,
    ) -> Result<Option<&Position>, StoreError> {
        loop {
            while self.ahead.front().is_some_and(|at| !from.admits(at)) {
                self.ahead.pop_front();
            }
            if !self.ahead.is_empty() || self.ended {
                self.used += 1;
                return Ok(self.ahead.front());
            }
            self.size = if self.used * 2 >= self.size {
                (self.size * 2).min(AHEAD.1)
            } else {
                AHEAD.0
            };
            self.used = 0;
            let positions = tx.positions(parent, self.key, from.position(), self.size)?;
            self.ended = positions.len() < self.size;
            self.ahead = positions.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_change_and_tell_where_a_text_ends() {
        assert_eq!(
            ListKey::of(&[]).get(),
            0xcbf2_9ce4_8422_2325_u64.cast_signed()
        );
        assert_eq!(ListKey::of(&["k", "a"]).get(), 3887576063076829807);
        for (one, other) in [
            (&["ab", "c"][..], &["a", "bc"][..]),
            (&["a"], &["a", ""]),
            (&["a", "b"], &["b", "a"]),
        ] {
            assert_ne!(ListKey::of(one), ListKey::of(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn keys_survive_their_text_form_in_order() {
        let keys = [i64::MAX, -1, 0, i64::MIN, -1, 1].map(ListKey);
        let text = to_text(&keys);
        assert_eq!(text.len(), 5 * 16);
        let read: Vec<_> = from_text(&text).map(ListKey::get).collect();
        assert_eq!(read, [i64::MIN, -1, 0, 1, i64::MAX]);
        assert_eq!((to_text(&[]), from_text("").count()), (String::new(), 0));
    }
}
