//! Violations as the services that do not speak of JSON pointers report them.

use crate::shape_check::Violation;

/// The most violations that a message quotes.
const MAX_QUOTED: usize = 10;

/// `violation` with its place as `name` writes it, in the path and in the message.
pub(crate) fn renamed(violation: &Violation, name: impl FnOnce(&str) -> String) -> Violation {
    let path = name(&violation.path);
    let quoted = format!("'{}'", violation.path);
    Violation {
        message: violation.message.replacen(&quoted, &format!("'{path}'"), 1),
        path,
    }
}

/// `/tags/key` -> `tags.key`, `/multiRegionProperties/clusters/0` ->
/// `multiRegionProperties.clusters.0`; the whole input is the empty text.
pub(crate) fn dotted(pointer: &str) -> String {
    keys(pointer).collect::<Vec<_>>().join(".")
}

/// `/Tags/0/Key` -> `tags.1.member.key`: as in a form, but each name begins with a small letter.
pub(crate) fn numbered(pointer: &str) -> String {
    let names = keys(pointer).map(|key| match key.parse::<usize>() {
        Ok(index) => format!("{}.member", index.saturating_add(1)),
        Err(_) => uncapitalized(&key),
    });
    names.collect::<Vec<_>>().join(".")
}

/// `2 validation errors detected: <message>; <message>`. Of many messages the first ten stand for all.
pub(crate) fn summary(violations: &[Violation]) -> String {
    let count = violations.len();
    let errors = if count == 1 { "error" } else { "errors" };
    let quoted = violations.iter().take(MAX_QUOTED);
    let quoted: Vec<&str> = quoted.map(|violation| violation.message.as_str()).collect();
    format!(
        "{count} validation {errors} detected: {}",
        quoted.join("; ")
    )
}

/// The keys of a JSON pointer.
fn keys(pointer: &str) -> impl Iterator<Item = String> {
    let keys = pointer.strip_prefix('/').unwrap_or(pointer).split('/');
    keys.map(|key| key.replace("~1", "/").replace("~0", "~"))
}

fn uncapitalized(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_each_protocol_writes_them() {
        for (pointer, in_rest, in_query) in [
            ("/", "", ""),
            ("/identifier", "identifier", "identifier"),
            ("/tags/a~1b~0c", "tags.a/b~c", "tags.a/b~c"),
            ("/tags/", "tags.", "tags."),
            (
                "/multiRegionProperties/clusters/0",
                "multiRegionProperties.clusters.0",
                "multiRegionProperties.clusters.1.member",
            ),
            ("/RoleArn", "RoleArn", "roleArn"),
            ("/Tags/9/Key", "Tags.9.Key", "tags.10.member.key"),
        ] {
            assert_eq!(dotted(pointer), in_rest);
            assert_eq!(numbered(pointer), in_query);
        }
    }

    #[test]
    fn a_renamed_violation_speaks_of_its_new_place() {
        for (message, expected) in [
            ("Value at '/a/0' is bad", "Value at 'a.0' is bad"),
            ("'/a/0' and '/a/0'", "'a.0' and '/a/0'"),
            ("A cluster has no such tag", "A cluster has no such tag"),
        ] {
            let violation = Violation {
                path: "/a/0".to_owned(),
                message: message.to_owned(),
            };
            let renamed = renamed(&violation, dotted);
            assert_eq!((&*renamed.path, &*renamed.message), ("a.0", expected));
        }
    }

    #[test]
    fn a_summary_counts_all_violations_and_quotes_the_first_ten() {
        let violations = |count: usize| -> Vec<_> {
            let violation = |n| Violation {
                path: String::new(),
                message: format!("m{n}"),
            };
            (1..=count).map(violation).collect()
        };
        assert_eq!(summary(&violations(1)), "1 validation error detected: m1");
        assert_eq!(
            summary(&violations(2)),
            "2 validation errors detected: m1; m2"
        );
        let long = summary(&violations(100));
        assert!(
            long.starts_with("100 validation errors detected: m1; m2;") && long.ends_with("; m10"),
            "{long}"
        );
    }
}
