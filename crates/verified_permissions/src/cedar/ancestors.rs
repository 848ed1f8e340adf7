//! Hierarchies, checked before Cedar closes them transitively: it recurses along them, and its
//! time and memory grow with the square of their height.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::quota::TRANSITIVE_PARENTS;

/// Direct parents by child.
pub(crate) type Parents<K> = HashMap<K, Vec<K>>;

/// A child with more transitive parents than the quota allows, if there is one.
pub(crate) fn over_quota<K: Eq + Hash>(parents: &Parents<K>) -> Option<&K> {
    parents.keys().find(|child| is_over_quota(parents, child))
}

fn is_over_quota<K: Eq + Hash>(parents: &Parents<K>, child: &K) -> bool {
    let mut found: HashSet<&K> = HashSet::new();
    let mut next = vec![child];
    while let Some(node) = next.pop() {
        for parent in parents.get(node).into_iter().flatten() {
            if found.insert(parent) {
                next.push(parent);
            }
            if found.len() > TRANSITIVE_PARENTS {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 → 1 → … → `height`.
    fn chain(height: usize) -> Parents<usize> {
        (0..height).map(|child| (child, vec![child + 1])).collect()
    }

    #[test]
    fn the_quota_is_inclusive() {
        assert_eq!(over_quota(&chain(TRANSITIVE_PARENTS)), None);
        assert_eq!(over_quota(&chain(TRANSITIVE_PARENTS + 1)), Some(&0));
        let flat = |parents: usize| Parents::from([(0, (1..=parents).collect())]);
        assert_eq!(over_quota(&flat(TRANSITIVE_PARENTS)), None);
        assert_eq!(over_quota(&flat(TRANSITIVE_PARENTS + 1)), Some(&0));
    }

    #[test]
    fn a_parent_counts_once_and_cycles_end() {
        let diamond = Parents::from([(0, vec![1, 2]), (1, vec![3]), (2, vec![3])]);
        assert_eq!(over_quota(&diamond), None);
        let cycle = Parents::from([(0, vec![1]), (1, vec![0])]);
        assert_eq!(over_quota(&cycle), None);
        let repeated = Parents::from([(0, vec![1; 1000])]);
        assert_eq!(over_quota(&repeated), None);
    }
}
