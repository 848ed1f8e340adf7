//! A persistent trie over paths of four keys: for the index over the scopes those of principal,
//! resource and action, and the hash of the policy's id.
//!
//! Copies share their content, and a change copies a path: its cost grows with the logarithm of
//! the number of policies at most.

use std::sync::Arc;

use crate::cedar::slice::keys::{self, Key, RequestKeys};
use crate::cedar::slice::radix::RadixMap;

/// What the index holds: something with an identity.
pub(in crate::cedar) trait Item {
    fn id(&self) -> &str;
}

/// Where an item is: principal, resource, action, and the hash of its id.
pub(in crate::cedar) type Path = [Key; 4];

/// The level of the trie where only the ids differ.
const IDS: usize = 3;

/// More entries than this at one place, and they are told apart by their next key. Up to here a
/// look at each is as fast.
const FEW: usize = 16;

/// A persistent index of items.
pub(in crate::cedar) struct Index<T>(Node<T>);

struct Entry<T> {
    path: Path,
    item: Arc<T>,
}

enum Node<T> {
    Empty,
    One(Entry<T>),
    Few(Arc<Vec<Entry<T>>>),
    /// By the key of this level.
    Many(Children<T>),
}

type Children<T> = RadixMap<Node<T>>;

impl<T> Clone for Index<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            path: self.path,
            item: Arc::clone(&self.item),
        }
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::One(entry) => Self::One(entry.clone()),
            Self::Few(entries) => Self::Few(Arc::clone(entries)),
            Self::Many(children) => Self::Many(children.clone()),
        }
    }
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self(Node::Empty)
    }
}

impl<T: Item> Index<T> {
    /// Adds an item under a path that it is not under yet.
    pub(in crate::cedar) fn insert(&mut self, path: Path, item: Arc<T>) {
        self.0.insert(0, Entry { path, item });
    }

    /// Adds many items, in the order that is quickest.
    pub(in crate::cedar) fn extend(&mut self, mut items: Vec<(Path, Arc<T>)>) {
        // The tree branches by the lowest bits first.
        items.sort_unstable_by_key(|(path, _)| path.map(Key::reverse_bits));
        for (path, item) in items {
            self.insert(path, item);
        }
    }

    /// Removes the item with this id from a path, and gives it if it was there.
    pub(in crate::cedar) fn remove(&mut self, path: &Path, id: &str) -> Option<Arc<T>> {
        // What is not there copies nothing.
        let found = Arc::clone(self.0.find(0, path, id)?);
        self.0.remove(0, path, id);
        Some(found)
    }

    /// The items that a request can match. One that is under several of its actions comes
    /// several times.
    pub(in crate::cedar) fn collect<'a>(
        &'a self,
        keys: &RequestKeys<'_>,
        into: &mut Vec<&'a Arc<T>>,
    ) {
        let levels = [keys.principal, keys.resource, keys.action];
        self.0.collect(0, &levels, into);
    }
}

impl<T: Item> Node<T> {
    fn insert(&mut self, level: usize, entry: Entry<T>) {
        match self {
            Self::Empty => *self = Self::One(entry),
            Self::One(one) => {
                let entries = vec![one.clone(), entry];
                *self = Self::Few(Arc::new(entries));
            }
            Self::Few(entries) if entries.len() < FEW || level > IDS => {
                let entries = Arc::make_mut(entries);
                entries.reserve_exact(1);
                entries.push(entry);
            }
            Self::Few(entries) => {
                let mut children = Children::default();
                for entry in entries.iter().cloned().chain(std::iter::once(entry)) {
                    insert_child(&mut children, level, entry);
                }
                *self = Self::Many(children);
            }
            Self::Many(children) => insert_child(children, level, entry),
        }
    }

    fn find(&self, level: usize, path: &Path, id: &str) -> Option<&Arc<T>> {
        let entry = match self {
            Self::Empty => None,
            Self::One(entry) => Some(entry).filter(|entry| entry.is(path, id)),
            Self::Few(entries) => entries.iter().find(|entry| entry.is(path, id)),
            Self::Many(children) => {
                return children.get(key(path, level))?.find(level + 1, path, id);
            }
        };
        entry.map(|entry| &entry.item)
    }

    /// Removes what [`Node::find`] finds.
    fn remove(&mut self, level: usize, path: &Path, id: &str) {
        match self {
            Self::Empty => {}
            Self::One(_) => *self = Self::Empty,
            Self::Few(entries) => {
                let entries = Arc::make_mut(entries);
                entries.retain(|entry| !entry.is(path, id));
                if let [one] = entries.as_slice() {
                    *self = Self::One(one.clone());
                }
            }
            Self::Many(children) => {
                let key = key(path, level);
                let Some(child) = children.get_mut(key) else {
                    return;
                };
                child.remove(level + 1, path, id);
                if matches!(child, Self::Empty) {
                    children.remove(key);
                }
                if children.len() == 0 {
                    *self = Self::Empty;
                }
            }
        }
    }

    fn collect<'a>(&'a self, level: usize, asked: &[&[Key]; 3], into: &mut Vec<&'a Arc<T>>) {
        match self {
            Self::Empty => {}
            Self::One(entry) => entry.collect(level, asked, into),
            Self::Few(entries) => {
                for entry in entries.iter() {
                    entry.collect(level, asked, into);
                }
            }
            Self::Many(children) => match asked.get(level) {
                None => children.for_each(&mut |_, child: &'a Self| {
                    child.collect(level + 1, asked, into);
                }),
                Some(keys) if keys.len() <= children.len() => {
                    for child in keys.iter().filter_map(|key| children.get(*key)) {
                        child.collect(level + 1, asked, into);
                    }
                }
                Some(keys) => children.for_each(&mut |key, child: &'a Self| {
                    if keys::contains(keys, key) {
                        child.collect(level + 1, asked, into);
                    }
                }),
            },
        }
    }
}

impl<T: Item> Entry<T> {
    fn is(&self, path: &Path, id: &str) -> bool {
        self.path == *path && self.item.id() == id
    }

    fn collect<'a>(&'a self, level: usize, asked: &[&[Key]; 3], into: &mut Vec<&'a Arc<T>>) {
        let mut levels = asked.iter().zip(&self.path).skip(level);
        if levels.all(|(keys, key)| keys::contains(keys, *key)) {
            into.push(&self.item);
        }
    }
}

fn insert_child<T: Item>(children: &mut Children<T>, level: usize, entry: Entry<T>) {
    let key = key(&entry.path, level);
    children.entry(key, || Node::Empty).insert(level + 1, entry);
}

fn key(path: &Path, level: usize) -> Key {
    path.get(level).copied().unwrap_or_default()
}
