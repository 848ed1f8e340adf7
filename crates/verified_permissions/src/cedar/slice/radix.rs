//! A persistent map from hashes to values, made for many entries in little memory: a radix tree
//! whose nodes have just the slots that are used. Copies share their nodes, and a change copies
//! the nodes on its way that are shared.

use std::sync::Arc;

use crate::cedar::slice::keys::Key;

/// The bits of a key that tell the slots of a node apart.
const BITS: u32 = 4;

/// The map.
pub(in crate::cedar) struct RadixMap<V> {
    root: Arc<Node<V>>,
    len: usize,
}

/// Slots in the order of their bits; `used` says which there are.
struct Node<V> {
    used: u16,
    slots: Vec<Slot<V>>,
}

enum Slot<V> {
    Value(Key, V),
    Node(Arc<Node<V>>),
}

impl<V> Default for RadixMap<V> {
    fn default() -> Self {
        Self {
            root: Arc::default(),
            len: 0,
        }
    }
}

impl<V> Clone for RadixMap<V> {
    fn clone(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            len: self.len,
        }
    }
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self {
            used: 0,
            slots: Vec::new(),
        }
    }
}

impl<V: Clone> Clone for Node<V> {
    fn clone(&self) -> Self {
        // Whoever copies a node is about to add a slot, mostly.
        let mut slots = Vec::with_capacity(self.slots.len() + 1);
        slots.extend(self.slots.iter().cloned());
        Self {
            used: self.used,
            slots,
        }
    }
}

impl<V: Clone> Clone for Slot<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(key, value) => Self::Value(*key, value.clone()),
            Self::Node(node) => Self::Node(Arc::clone(node)),
        }
    }
}

impl<V> RadixMap<V> {
    /// How many values there are.
    pub(in crate::cedar) fn len(&self) -> usize {
        self.len
    }

    pub(in crate::cedar) fn get(&self, key: Key) -> Option<&V> {
        let mut node = &self.root;
        let mut shift = 0;
        loop {
            match node.slots.get(node.find(key, shift).ok()?)? {
                Slot::Value(found, value) => return (*found == key).then_some(value),
                Slot::Node(next) => node = next,
            }
            shift += BITS;
        }
    }

    /// Shows every entry to `visit`.
    pub(in crate::cedar) fn for_each<'a>(&'a self, visit: &mut impl FnMut(Key, &'a V)) {
        self.root.for_each(visit);
    }
}

impl<V: Clone> RadixMap<V> {
    /// The value of `key`, made if there is none.
    pub(in crate::cedar) fn entry(&mut self, key: Key, make: impl Fn() -> V) -> &mut V {
        let len = &mut self.len;
        let mut make = || {
            *len += 1;
            make()
        };
        Node::entry(&mut self.root, key, 0, &mut make)
    }

    /// The value of `key`, if there is one.
    pub(in crate::cedar) fn get_mut(&mut self, key: Key) -> Option<&mut V> {
        // What is not there copies nothing.
        self.get(key)?;
        let mut node = &mut self.root;
        let mut shift = 0;
        loop {
            let inner = Arc::make_mut(node);
            let at = inner.find(key, shift).ok()?;
            match inner.slots.get_mut(at)? {
                Slot::Value(_, value) => return Some(value),
                Slot::Node(next) => node = next,
            }
            shift += BITS;
        }
    }

    /// Removes the value of `key`.
    pub(in crate::cedar) fn remove(&mut self, key: Key) {
        if self.get(key).is_some() {
            Node::remove(&mut self.root, key, 0);
            self.len -= 1;
        }
    }
}

impl<V> Node<V> {
    /// The place of the slot for `key`, or where it would be.
    fn find(&self, key: Key, shift: u32) -> Result<usize, usize> {
        let bit = bit(key, shift);
        let at = (self.used & (bit - 1)).count_ones() as usize;
        if self.used & bit == 0 {
            Err(at)
        } else {
            Ok(at)
        }
    }

    fn for_each<'a>(&'a self, visit: &mut impl FnMut(Key, &'a V)) {
        for slot in &self.slots {
            match slot {
                Slot::Value(key, value) => visit(*key, value),
                Slot::Node(node) => node.for_each(visit),
            }
        }
    }

    /// Adds a slot for `key` at its place.
    fn add(&mut self, at: usize, key: Key, shift: u32, value: V) {
        self.used |= bit(key, shift);
        self.slots.reserve_exact(1);
        self.slots.insert(at, Slot::Value(key, value));
    }
}

impl<V: Clone> Node<V> {
    fn entry<'a>(
        node: &'a mut Arc<Self>,
        key: Key,
        shift: u32,
        make: &mut impl FnMut() -> V,
    ) -> &'a mut V {
        let node = Arc::make_mut(node);
        let at = match node.find(key, shift) {
            Ok(at) => at,
            Err(at) => {
                node.add(at, key, shift, make());
                at
            }
        };
        #[expect(
            clippy::indexing_slicing,
            reason = "`find` and `add` give the place of a slot"
        )]
        let slot = &mut node.slots[at];
        if let Slot::Value(other, _) = slot
            && *other != key
        {
            let mut both = Self::default();
            if let Slot::Value(other, value) = std::mem::replace(slot, Slot::Node(Arc::default())) {
                both.add(0, other, shift + BITS, value);
            }
            *slot = Slot::Node(Arc::new(both));
        }
        match slot {
            Slot::Value(_, value) => value,
            Slot::Node(next) => Self::entry(next, key, shift + BITS, make),
        }
    }

    /// Removes the value of `key`, which is there.
    fn remove(node: &mut Arc<Self>, key: Key, shift: u32) {
        let node = Arc::make_mut(node);
        let Ok(at) = node.find(key, shift) else {
            return;
        };
        let goes = match node.slots.get_mut(at) {
            None | Some(Slot::Value(..)) => true,
            Some(Slot::Node(next)) => {
                Self::remove(next, key, shift + BITS);
                next.slots.is_empty()
            }
        };
        if goes {
            node.used &= !bit(key, shift);
            node.slots.remove(at);
        }
    }
}

fn bit(key: Key, shift: u32) -> u16 {
    // INVARIANT: keys that are not equal part before their bits end.
    1 << (key.checked_shr(shift).unwrap_or(0) & ((1 << BITS) - 1))
}
