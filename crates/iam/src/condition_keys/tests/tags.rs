use super::super::Facts;
use super::{NOW, alice, map, network, shown};
use crate::policy::Context;

#[test]
fn tags_are_found_without_regard_to_case() {
    let (alice, network) = (alice(), network("192.0.2.1"));
    let tags = map(&[
        ("CostCenter", "7"),
        ("aws:x/y", "z"),
        ("Größe", "l"),
        // None hides the other.
        ("TEAM", "blue"),
        ("team", "red"),
    ]);
    let facts = Facts {
        request_tags: Some(&tags),
        resource_tags: Some(&tags),
        ..Facts::new(&alice, &network, NOW)
    };
    for (key, value) in [
        ("aws:requesttag/costcenter", "7"),
        ("aws:resourcetag/costcenter", "7"),
        ("aws:resourcetag/aws:x/y", "z"),
        ("aws:resourcetag/größe", "l"),
        ("aws:resourcetag/team", "[blue,red]"),
        ("aws:resourcetag/cost", "-"),
        ("aws:resourcetag/", "-"),
        ("aws:resourcetag", "-"),
        ("aws:principaltag/costcenter", "-"),
        ("aws:principaltag/team/sub", "x"),
        ("aws:sometag/costcenter", "-"),
    ] {
        assert_eq!(shown(&facts, key), value, "{key}");
    }
}

#[test]
fn tag_keys_are_those_that_are_set_or_removed() {
    let (alice, network) = (alice(), network("192.0.2.1"));
    let (none, set) = (map(&[]), map(&[("a", "1"), ("b", "2")]));
    let (no_keys, removed) = ([], ["c".to_owned()]);
    for (request_tags, tag_keys, expected) in [
        (None, None, "-"),
        (Some(&none), Some(&no_keys[..]), "-"),
        (Some(&set), None, "[a,b]"),
        (None, Some(&removed[..]), "[c]"),
    ] {
        let facts = Facts {
            request_tags,
            tag_keys,
            ..Facts::new(&alice, &network, NOW)
        };
        assert_eq!(shown(&facts, "aws:tagkeys"), expected);
    }
}

#[test]
fn whether_the_tags_of_the_resource_matter_is_known_afterwards() {
    let (alice, network) = (alice(), network("192.0.2.1"));
    for (key, asked) in [
        ("aws:resourcetag/owner", true),
        ("aws:resourcetag/", true),
        ("aws:requesttag/owner", false),
        ("aws:principaltag/owner", false),
        ("aws:resourceaccount", false),
    ] {
        let facts = Facts::new(&alice, &network, NOW);
        assert!(!facts.asked_for_resource_tags());
        assert_eq!(facts.values(key), None, "{key}");
        assert_eq!(facts.asked_for_resource_tags(), asked, "{key}");
    }
}
