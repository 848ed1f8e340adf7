//! The map by itself, against one of the standard library.

use std::collections::BTreeMap;

use super::generate::Random;
use crate::cedar::slice::radix::RadixMap;

/// A few keys that have most bits in common, wherever these are.
fn key(random: &mut Random) -> u32 {
    let few = random.below(6) as u32;
    few << random.pick(&[0, 3, 4, 13, 28, 29])
}

fn check(map: &RadixMap<u32>, expected: &BTreeMap<u32, u32>) {
    let mut all = BTreeMap::new();
    map.for_each(&mut |key, value| assert_eq!(all.insert(key, *value), None));
    assert_eq!(&all, expected);
    assert_eq!(map.len(), expected.len());
}

#[test]
fn it_is_a_map_whose_copies_stay() {
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let (mut map, mut expected) = (RadixMap::default(), BTreeMap::new());
        let mut earlier = (map.clone(), expected.clone());
        for step in 0..100 {
            let key = key(random);
            assert_eq!(map.get(key), expected.get(&key));
            match random.below(4) {
                0 => {
                    map.remove(key);
                    expected.remove(&key);
                }
                1 => {
                    let (one, other) = (map.get_mut(key), expected.get_mut(&key));
                    assert_eq!(one, other);
                    one.into_iter().chain(other).for_each(|value| *value += 1);
                }
                _ => {
                    *map.entry(key, || 7) += step;
                    *expected.entry(key).or_insert(7) += step;
                }
            }
            if random.one_in(5) {
                check(&map, &expected);
                check(&earlier.0, &earlier.1);
                earlier = (map.clone(), expected.clone());
            }
        }
    }
}
