//! The index by itself, against a list that is looked through.

use std::sync::Arc;

use super::generate::Random;
use crate::cedar::slice::index::{Index, Item, Path};
use crate::cedar::slice::keys::{ANY, RequestKeys};

struct Named(String);

impl Item for Named {
    fn id(&self) -> &str {
        &self.0
    }
}

type Listed = Vec<(Path, String)>;

fn check(index: &Index<Named>, listed: &Listed, random: &mut Random, seed: u64) {
    let mut keys = || {
        let mut keys: Vec<u32> = (1..9).filter(|_| random.one_in(3)).chain([ANY]).collect();
        // Long lists of keys that nothing is under are another way through the index.
        if random.one_in(4) {
            keys.extend(100..150);
        }
        keys.sort_unstable();
        keys
    };
    let (principal, resource, action) = (keys(), keys(), keys());
    let asked = RequestKeys {
        principal: &principal,
        resource: &resource,
        action: &action,
    };
    let mut found = Vec::new();
    index.collect(&asked, &mut found);
    let mut found: Vec<&str> = found.iter().map(|item| item.id()).collect();
    found.sort_unstable();
    let matches = |path: &Path| {
        asked.principal.contains(&path[0])
            && asked.resource.contains(&path[1])
            && asked.action.contains(&path[2])
    };
    let listed = listed.iter().filter(|(path, _)| matches(path));
    let mut expected: Vec<&str> = listed.map(|(_, id)| id.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(found, expected, "seed {seed}");
}

#[test]
fn it_gives_what_is_under_the_keys() {
    for seed in 0..60 {
        let random = &mut Random::new(seed);
        // Crowded at one place, at some, and nowhere.
        let spread = random.pick(&[1, 2, 4, 9]);
        let mut index = Index::default();
        let mut listed = Listed::new();
        let mut earlier = (index.clone(), listed.clone());
        for step in 0..400 {
            let removes = if step < 200 { 4 } else { 2 };
            if random.one_in(removes) && !listed.is_empty() {
                let (path, id) = listed.swap_remove(random.below(listed.len()));
                index.remove(&path, &id);
            } else {
                // A few ids share a hash.
                let path = [0, 1, 2].map(|_| random.below(spread) as u32);
                let path = [path[0], path[1], path[2], random.below(50) as u32];
                let id = format!("{seed}-{step}");
                index.insert(path, Arc::new(Named(id.clone())));
                listed.push((path, id));
            }
            if step % 20 == 0 {
                check(&index, &listed, random, seed);
                // Whoever has a copy sees no change.
                check(&earlier.0, &earlier.1, random, seed);
                earlier = (index.clone(), listed.clone());
            }
        }
        for (path, id) in listed.drain(..) {
            index.remove(&path, &id);
            index.remove(&path, "another");
        }
        check(&index, &listed, random, seed);
    }
}

#[test]
fn what_is_under_several_actions_comes_for_each() {
    let mut index = Index::default();
    let item = Arc::new(Named("a".to_owned()));
    for action in [1, 2, 3] {
        index.insert([ANY, ANY, action, 7], Arc::clone(&item));
    }
    fn keys(action: &[u32]) -> RequestKeys<'_> {
        RequestKeys {
            principal: &[ANY],
            resource: &[ANY],
            action,
        }
    }
    for (action, times) in [(vec![1], 1), (vec![1, 3], 2), (vec![4], 0)] {
        let mut found = Vec::new();
        index.collect(&keys(&action), &mut found);
        assert_eq!(found.len(), times, "{action:?}");
    }
    index.remove(&[ANY, ANY, 2, 7], "a");
    let mut found = Vec::new();
    index.collect(&keys(&[1, 2, 3]), &mut found);
    assert_eq!(found.len(), 2);
}
