//! The keys of scopes and of requests: see the table in [`super`].

use std::hash::{self, BuildHasher, Hash, Hasher};

use ahash::RandomState;
use cedar_policy_core::ast::{EntityType, EntityUID};
use cedar_policy_core::entities::{Dereference, Entities};

/// The hash of a key.
pub(in crate::cedar) type Key = u32;

/// Hashes keys with a secret of its own, so that nobody can choose entities that share a hash.
#[derive(Clone)]
pub(in crate::cedar) struct Keys(RandomState);

impl Default for Keys {
    fn default() -> Self {
        // The standard library has the randomness, and the slower hash.
        let random = hash::RandomState::new();
        let [one, two, three, four] = [1, 2, 3, 4].map(|seed: u64| random.hash_one(seed));
        Self(RandomState::with_seeds(one, two, three, four))
    }
}

/// What an unconstrained scope matches by. Another key may have this hash too.
pub(in crate::cedar) const ANY: Key = 0;

#[derive(Clone, Copy, Hash)]
enum Tag {
    Is,
    Eq,
    In,
}

/// The keys by which a request's entities match; each list is sorted.
pub(in crate::cedar) struct RequestKeys<'a> {
    pub(in crate::cedar) principal: &'a [Key],
    pub(in crate::cedar) resource: &'a [Key],
    pub(in crate::cedar) action: &'a [Key],
}

impl RequestKeys<'_> {
    /// Whether a scope that names these actions matches.
    pub(in crate::cedar) fn act(&self, actions: &[Key]) -> bool {
        actions.iter().any(|key| contains(self.action, *key))
    }
}

/// Whether the sorted `keys` have `key`.
pub(super) fn contains(keys: &[Key], key: Key) -> bool {
    // Most lists are short, and then this is faster than a search.
    if keys.len() <= 8 {
        keys.contains(&key)
    } else {
        keys.binary_search(&key).is_ok()
    }
}

impl Keys {
    /// `is T`
    pub(in crate::cedar) fn is(&self, entity_type: &EntityType) -> Key {
        self.key(Tag::Is, entity_type, None)
    }

    /// `== x`
    pub(in crate::cedar) fn eq(&self, entity_type: &EntityType, id: &str) -> Key {
        self.key(Tag::Eq, entity_type, Some(id))
    }

    /// `in x`
    pub(in crate::cedar) fn within(&self, entity_type: &EntityType, id: &str) -> Key {
        self.key(Tag::In, entity_type, Some(id))
    }

    /// A policy's id.
    pub(in crate::cedar) fn id(&self, id: &str) -> Key {
        truncate(self.0.hash_one(id))
    }

    /// Where an index by the id has a policy.
    pub(in crate::cedar) fn id_path(&self, id: &str) -> [Key; 4] {
        [self.id(id), ANY, ANY, ANY]
    }

    fn key(&self, tag: Tag, entity_type: &EntityType, id: Option<&str>) -> Key {
        let mut hasher = self.0.build_hasher();
        tag.hash(&mut hasher);
        entity_type.hash(&mut hasher);
        id.hash(&mut hasher);
        truncate(hasher.finish())
    }

    /// The keys of the principal or the resource of a request, sorted.
    pub(in crate::cedar) fn of_entity(&self, uid: &EntityUID, entities: &Entities) -> Vec<Key> {
        let mut keys = vec![
            ANY,
            self.is(uid.entity_type()),
            self.eq(uid.entity_type(), uid.eid().as_ref()),
        ];
        keys.extend(self.hierarchy(uid, entities));
        sorted(keys)
    }

    /// The keys of the action of a request, sorted.
    pub(in crate::cedar) fn of_action(&self, uid: &EntityUID, entities: &Entities) -> Vec<Key> {
        let mut keys = vec![ANY];
        keys.extend(self.hierarchy(uid, entities));
        sorted(keys)
    }

    /// `in` for an entity itself and its ancestors.
    fn hierarchy<'a>(
        &self,
        uid: &'a EntityUID,
        entities: &'a Entities,
    ) -> impl Iterator<Item = Key> {
        let entity = match entities.entity(uid) {
            Dereference::Data(entity) => Some(entity),
            Dereference::NoSuchEntity | Dereference::Residual(_) => None,
        };
        let ancestors = entity.into_iter().flat_map(|entity| entity.ancestors());
        std::iter::once(uid)
            .chain(ancestors)
            .map(|uid| self.within(uid.entity_type(), uid.eid().as_ref()))
    }
}

fn sorted(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn truncate(hash: u64) -> Key {
    // The lower half of a good hash is a good hash.
    (hash & u64::from(u32::MAX)) as Key
}
