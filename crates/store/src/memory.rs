//! The reference backend: immutable ordered maps, so that a snapshot is a copy of a pointer.

use std::ops::Bound;
use std::sync::{Arc, Mutex};

use imbl::{OrdMap, OrdSet};

use crate::store::lock;
use crate::tx::{Rows, check_feed};
use crate::writer::WriteSide;
use crate::{
    Change, Document, ListKey, NewDocument, Position, ReadTx, Revision, StoreError, Visit,
};

/// What is committed.
pub(crate) struct Memory(Mutex<State>);

impl Memory {
    /// A store whose change feed holds `feed_length` revisions, at least one.
    pub(crate) fn new(feed_length: i64) -> (Arc<Self>, MemoryWriter) {
        let memory = Arc::new(Self(Mutex::new(State::default())));
        let writer = MemoryWriter {
            committed: Arc::clone(&memory),
            feed_length,
            work: State::default(),
            saved: State::default(),
        };
        (memory, writer)
    }

    pub(crate) fn read<T, E>(
        &self,
        work: impl FnOnce(&dyn ReadTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let snapshot = lock(&self.0).clone();
        work(&snapshot)
    }
}

/// The write side.
pub(crate) struct MemoryWriter {
    committed: Arc<Memory>,
    feed_length: i64,
    work: State,
    saved: State,
}

impl WriteSide for MemoryWriter {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.work = lock(&self.committed.0).clone();
        Ok(())
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.saved = self.work.clone();
        Ok(())
    }

    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.work
    }

    fn release(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn undo(&mut self) -> Result<(), StoreError> {
        self.work = self.saved.clone();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let end = self.work.newest().minus(self.feed_length);
        while let Some(oldest) = self.work.oldest().filter(|oldest| *oldest <= end) {
            self.work.changes.remove(&oldest);
        }
        *lock(&self.committed.0) = self.work.clone();
        Ok(())
    }

    fn abort(&mut self) {}

    fn close(&mut self) {}
}

/// What identifies a document, in the order of SQLite's primary key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    parent: String,
    kind: String,
    id: String,
}

impl Key {
    fn new(kind: &str, parent: &str, id: &str) -> Self {
        Self {
            parent: parent.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }
}

/// A document's place in its list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    parent: String,
    kind: String,
    position: Position,
}

impl Place {
    fn new(kind: &str, parent: &str, position: Position) -> Self {
        Self {
            parent: parent.to_owned(),
            kind: kind.to_owned(),
            position,
        }
    }
}

/// A document's place among those that have a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct KeyedPlace {
    parent: String,
    key: ListKey,
    position: Position,
}

/// A document with what it is listed by.
#[derive(Clone)]
struct Entry {
    document: Document,
    keys: Arc<[ListKey]>,
}

impl Entry {
    fn places(&self, parent: &str) -> impl Iterator<Item = KeyedPlace> {
        self.keys.iter().map(move |key| KeyedPlace {
            parent: parent.to_owned(),
            key: *key,
            position: self.document.position(),
        })
    }
}

#[derive(Clone, Default)]
struct State {
    documents: OrdMap<Key, Entry>,
    order: OrdSet<Place>,
    keyed: OrdSet<KeyedPlace>,
    /// Never empty once something was written, as the feed holds at least one revision.
    changes: OrdMap<Revision, OrdSet<Key>>,
}

impl State {
    fn newest(&self) -> Revision {
        self.changes
            .get_max()
            .map_or(Revision::ZERO, |(revision, _)| *revision)
    }

    fn oldest(&self) -> Option<Revision> {
        self.changes.get_min().map(|(revision, _)| *revision)
    }

    /// The places after `after` in the list of a kind and parent.
    fn places(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&Position>,
    ) -> impl Iterator<Item = &Place> {
        let start = Position {
            created: Revision::ZERO,
            id: String::new(),
        };
        let start = Place::new(kind, parent, after.cloned().unwrap_or(start));
        let same = |place: &&Place, start: &Place| {
            place.parent == start.parent && place.kind == start.kind
        };
        self.order
            .range((Bound::Excluded(start.clone()), Bound::Unbounded))
            .take_while(move |place| same(place, &start))
    }

    fn note(&mut self, at: Revision, key: Key) {
        self.changes.entry(at).or_default().insert(key);
    }

    fn store(&mut self, at: Revision, key: Key, new: &NewDocument<'_>) {
        let old = self.documents.get(&key).cloned();
        let document = Document {
            id: new.id.to_owned(),
            created: old.as_ref().map_or(at, |old| old.document.created),
            revision: at,
            version: new.version,
            body: new.body.to_owned(),
        };
        let kept = || old.as_ref().map(|old| Arc::clone(&old.keys));
        let keys = new.keys.map(Arc::from).or_else(kept).unwrap_or_default();
        for place in old.iter().flat_map(|old| old.places(new.parent)) {
            self.keyed.remove(&place);
        }
        self.order
            .insert(Place::new(new.kind, new.parent, document.position()));
        let entry = Entry { document, keys };
        for place in entry.places(new.parent) {
            self.keyed.insert(place);
        }
        self.documents.insert(key.clone(), entry);
        self.note(at, key);
    }

    fn remove(&mut self, at: Revision, key: Key) -> bool {
        let Some(entry) = self.documents.remove(&key) else {
            return false;
        };
        let position = entry.document.position();
        self.order
            .remove(&Place::new(&key.kind, &key.parent, position));
        for place in entry.places(&key.parent) {
            self.keyed.remove(&place);
        }
        self.note(at, key);
        true
    }
}

impl ReadTx for State {
    fn get(&self, kind: &str, parent: &str, id: &str) -> Result<Option<Document>, StoreError> {
        let entry = self.documents.get(&Key::new(kind, parent, id));
        Ok(entry.map(|entry| entry.document.clone()))
    }

    fn list(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let document = |place: &Place| {
            self.documents
                .get(&Key::new(kind, parent, &place.position.id))
                .map(|entry| entry.document.clone())
        };
        Ok(self
            .places(kind, parent, after)
            .take(limit)
            .filter_map(document)
            .collect())
    }

    fn positions(
        &self,
        parent: &str,
        key: ListKey,
        from: &Position,
        limit: usize,
    ) -> Result<Vec<Position>, StoreError> {
        let from = KeyedPlace {
            parent: parent.to_owned(),
            key,
            position: from.clone(),
        };
        let places = self.keyed.range(from..);
        Ok(places
            .take_while(|place| place.parent == parent && place.key == key)
            .take(limit)
            .map(|place| place.position.clone())
            .collect())
    }

    fn scan(&self, kind: &str, parent: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        let of_kind = |key: &Key| key.parent == parent && key.kind == kind;
        for (_, entry) in self
            .documents
            .range(Key::new(kind, parent, "")..)
            .take_while(|(key, _)| of_kind(key))
        {
            if visit((&entry.document).into()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, kind: &str, parent: &str) -> Result<u64, StoreError> {
        Ok(self.places(kind, parent, None).map(|_| 1).sum())
    }

    fn changes(&self, after: Revision, limit: usize) -> Result<Vec<Change>, StoreError> {
        check_feed(after, self.oldest(), self.newest())?;
        let mut changes = Vec::new();
        for (revision, keys) in self.changes.range(after.next()..).take(limit) {
            changes.extend(keys.iter().cloned().map(|Key { parent, kind, id }| Change {
                revision: *revision,
                parent,
                kind,
                id,
            }));
        }
        Ok(changes)
    }

    fn revision(&self) -> Result<Revision, StoreError> {
        Ok(self.newest())
    }
}

impl Rows for State {
    fn insert(&mut self, at: Revision, document: &NewDocument<'_>) -> Result<bool, StoreError> {
        let key = Key::new(document.kind, document.parent, document.id);
        if self.documents.contains_key(&key) {
            return Ok(false);
        }
        self.store(at, key, document);
        Ok(true)
    }

    fn put(&mut self, at: Revision, document: &NewDocument<'_>) -> Result<(), StoreError> {
        let key = Key::new(document.kind, document.parent, document.id);
        self.store(at, key, document);
        Ok(())
    }

    fn delete(
        &mut self,
        at: Revision,
        kind: &str,
        parent: &str,
        id: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.remove(at, Key::new(kind, parent, id)))
    }

    fn delete_children(&mut self, at: Revision, parent: &str) -> Result<u64, StoreError> {
        let children = self
            .documents
            .range(Key::new("", parent, "")..)
            .map(|(key, _)| key);
        let children: Vec<Key> = children
            .take_while(|key| key.parent == parent)
            .cloned()
            .collect();
        Ok(children
            .into_iter()
            .map(|key| u64::from(self.remove(at, key)))
            .sum())
    }
}
