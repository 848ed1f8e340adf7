//! Hierarchies, checked before Cedar closes them transitively: it recurses along them, and its
//! time and memory grow with the square of their height.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::quota::TRANSITIVE_PARENTS;

/// Direct parents by child.
pub(crate) type Parents<K> = HashMap<K, Vec<K>>;

/// A child in `parents` with more transitive parents than the quota allows, if there is one.
/// `known` goes on where `parents` ends; its own children have been checked before.
pub(crate) fn over_quota<'a, K: Eq + Hash>(
    parents: &'a Parents<K>,
    known: &Parents<K>,
) -> Option<&'a K> {
    let is_over = |child: &K| {
        let listed = |node| parents.get(node).or_else(|| known.get(node));
        of(child, |node| listed(node).into_iter().flatten()).is_none()
    };
    parents.keys().find(|child| is_over(child))
}

/// The transitive parents of `child`, itself among them if there is a cycle; `None` if they are more
/// than the quota allows. `parents` gives a node's direct ones.
pub(crate) fn of<'a, K, I>(child: &'a K, parents: impl Fn(&'a K) -> I) -> Option<HashSet<&'a K>>
where
    K: Eq + Hash,
    I: Iterator<Item = &'a K>,
{
    let mut found: HashSet<&K> = HashSet::new();
    let mut next = vec![child];
    while let Some(node) = next.pop() {
        for parent in parents(node) {
            if found.insert(parent) {
                next.push(parent);
            }
            if found.len() > TRANSITIVE_PARENTS {
                return None;
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_quota(parents: &Parents<usize>) -> Option<&usize> {
        super::over_quota(parents, &Parents::new())
    }

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

    #[test]
    fn what_is_known_counts_and_is_not_checked_again() {
        let known = chain(TRANSITIVE_PARENTS + 1);
        let (low, high) = (
            Parents::from([(999, vec![1])]),
            Parents::from([(999, vec![0])]),
        );
        assert_eq!(super::over_quota(&low, &known), Some(&999));
        assert_eq!(super::over_quota(&high, &known), Some(&999));
        assert_eq!(
            super::over_quota(&Parents::from([(999, vec![2])]), &known),
            None
        );
        assert_eq!(super::over_quota(&Parents::new(), &known), None);
    }
}
