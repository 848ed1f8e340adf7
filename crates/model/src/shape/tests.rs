use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{dsql, sts, verified_permissions};

/// Every shape that the inputs are made of.
fn shapes() -> Vec<&'static Shape> {
    let mut found = BTreeMap::new();
    let mut open: Vec<&Shape> = [
        dsql::OPERATIONS,
        sts::OPERATIONS,
        verified_permissions::OPERATIONS,
    ]
    .iter()
    .flat_map(|operations| operations.iter())
    .map(|operation| operation.input)
    .collect();
    while let Some(shape) = open.pop() {
        // Services may use the same name for different shapes.
        if found.insert(std::ptr::from_ref(shape), shape).is_none() {
            match &shape.kind {
                Kind::Structure(members) | Kind::Union(members) => {
                    open.extend(members.iter().map(|member| member.shape));
                }
                Kind::List { member, .. } => open.push(member),
                Kind::Map { key, value, .. } => open.extend([*key, *value]),
                Kind::String { .. } | Kind::Integer { .. } | Kind::Long { .. } | Kind::Boolean => {}
            }
        }
    }
    found.into_values().collect()
}

/// Pattern, texts that match it, texts that do not.
const PATTERNS: &[(&str, &[&str], &[&str])] = &[
    (
        ".*",
        &["", "a", "ä😀", "\r", "a\u{2028}b"],
        &["\n", "a\nb", "a\n"],
    ),
    (
        "Action$|^.+::Action",
        &["Action", "App::Action", "A::B::Action", "::::Action"],
        &[
            "",
            "action",
            "Actions",
            "XAction",
            "::Action",
            "App::Actions",
            "Action::x",
            "Action\n",
        ],
    ),
    (
        "[a-zA-Z0-9-/_]*",
        &["", "aZ09-/_", "policy-store-alias/x"],
        &["a b", "a.b", "ä", "a\n", ","],
    ),
    ("[a-zA-Z0-9-]*", &["", "a-Z-9"], &["a_b", "a/b", "٣", "a\n"]),
    (
        "[a-zA-Z0-9:/_-]+",
        &["alias/x", "arn:aws:kms:r:1:key/a-b_c"],
        &["", "a b", "a.b"],
    ),
    (
        "https?://.*",
        &["https://", "https://a/b?c", "http://a"],
        &["ftp://a", "httpss://a", " https://a", "https://a\n"],
    ),
    (
        r"[A-Za-z0-9-_=]+.[A-Za-z0-9-_=]+.[A-Za-z0-9-_=]+",
        &["a.b.c", "aZ0-_=.b.c", "aaaaa", "a/b/c"],
        &["", "a.b", "a.b.", "a..b..c", "a.b.c d", "a.b.c\n"],
    ),
    (
        r"[A-Za-z0-9-_=+/\.]*",
        &["", "aZ0-_=+/."],
        &["a b", r"a\b", "a,b"],
    ),
    (
        r"[0-9a-fA-F\.:\/]*",
        &["", "10.0.0.1/8", "::1", "FE80::a"],
        &["g", "1.2.3.4 ", "١"],
    ),
    (
        r"-?\d{1,15}\.\d{1,4}",
        &["0.0", "-1.2345", "123456789012345.6"],
        &[
            "1",
            "1.",
            ".1",
            "1.23456",
            "1234567890123456.1",
            "+1.0",
            "١.١",
            "1.0\n",
        ],
    ),
    (
        r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{3})?(Z|[+-]\d{4}))?",
        &[
            "2024-10-15",
            "2024-10-15T11:35:00Z",
            "2024-10-15T11:35:00.000+0100",
        ],
        &[
            "2024-10",
            "2024-10-15T11:35:00",
            "2024-10-15T11:35:00.0Z",
            "2024-10-15T11:35:00+01:00",
        ],
    ),
    (
        r"-?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?",
        &["", "1d", "-1d2h3m4s5ms", "5ms"],
        &["1", "1h1d", "1.5s", "+1s", "1d "],
    ),
    (
        "([_a-zA-Z][_a-zA-Z0-9]*::)*[_a-zA-Z][_a-zA-Z0-9]*",
        &["Group", "_a1", "App::Team::Group"],
        &[
            "",
            "1a",
            "App::",
            "::Group",
            "App:Group",
            "App::1",
            "a b",
            "é",
        ],
    ),
    (
        r"arn:[a-zA-Z0-9-]+:cognito-idp:(([a-zA-Z0-9-]+:\d{12}:userpool/[\w-]+_[0-9a-zA-Z]+))",
        &["arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_1a2b3c4d5"],
        &[
            "arn:aws:cognito-idp:us-east-1:12345678901:userpool/us-east-1_1",
            "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1",
            "arn:aws:cognito-idp:us-east-1:123456789012:userpool/é_1",
            "arn:aws:iam:us-east-1:123456789012:userpool/us-east-1_1",
        ],
    ),
    (
        "arn:.+",
        &["arn:a", "arn:aws:dsql:us-east-1:123456789012:cluster/x"],
        &["", "arn:", "xarn:a", "arn:a\n"],
    ),
    ("[!-~]+", &["a", "!~"], &["", "a b", "\u{7f}", "ä"]),
    (
        "[a-z0-9]{26}",
        &["abcdefghijklmnopqrstuvwxyz", "01234567890123456789abcdef"],
        &[
            "",
            "abcdefghijklmnopqrstuvwxy",
            "abcdefghijklmnopqrstuvwxyza",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ],
    ),
    (
        "arn:aws(-[^:]+)?:dsql:[a-z0-9-]{1,20}:[0-9]{12}:cluster/[a-z0-9]{26}",
        &[
            "arn:aws:dsql:us-east-1:123456789012:cluster/abcdefghijklmnopqrstuvwxyz",
            "arn:aws-cn:dsql:r:123456789012:cluster/abcdefghijklmnopqrstuvwxyz",
        ],
        &[
            "arn:aws:dsql:us-east-1:123456789012:cluster/abc",
            "arn:awscn:dsql:r:123456789012:cluster/abcdefghijklmnopqrstuvwxyz",
        ],
    ),
    (
        r"arn:aws[a-zA-Z-]*:kinesis:[a-z0-9-]*:[0-9]{12}:stream/[a-zA-Z0-9+=,.@_/\-]+",
        &["arn:aws:kinesis:us-east-1:123456789012:stream/a-b_c.d"],
        &[
            "arn:aws:kinesis:us-east-1:123456789012:stream/",
            "arn:aws:sqs:us-east-1:123456789012:stream/a",
        ],
    ),
    (
        "arn:aws(-[^:]+)?:iam::[0-9]{12}:role(/[a-zA-Z0-9+=,.@_-]+)+",
        &[
            "arn:aws:iam::123456789012:role/a",
            "arn:aws:iam::123456789012:role/path/a",
        ],
        &[
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:user/a",
        ],
    ),
    (
        r"[a-zA-Z0-9_.:/=+\-@ ]*",
        &["", "Name", "a b_.:/=+-@"],
        &["ä", "a\tb", "a,b"],
    ),
    (
        r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
        &[
            "arn:aws:iam::123456789012:role/a",
            "\t\r\n~",
            "ä\u{fffd}",
            "😀\u{10ffff}",
        ],
        &["", "\0", "\u{7f}", "\u{ffff}"],
    ),
    (
        r"[\u0009\u000A\u000D\u0020-\u00FF]+",
        &["{}", "\t\r\n ", "ÿ"],
        &["", "\0", "Ā", "😀"],
    ),
    (
        r"[\w+=,.@:\/-]*",
        &["", "a_Z0+=,.@:/-"],
        &["a b", "ä", "a;b"],
    ),
    (r"[\w+=,.@-]*", &["", "a_Z0+=,.@-"], &["a b", "a:b", "ä"]),
    (r"[\w+=/:,.@-]*", &["", "a_Z0+=/:,.@-"], &["a b", "ä"]),
    (
        r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        &["Project", "ä ٣_.:/=+-@", "\u{2028}"],
        &["", "a\tb", "a,b", "😀"],
    ),
    (
        r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
        &["", "ä ٣_.:/=+-@"],
        &["a\tb", "a,b"],
    ),
    (r"[\d]*", &["", "012345"], &["a", "٣", "1 "]),
];

#[test]
fn every_pattern_of_the_model_matches_the_whole_text() {
    let mut seen = BTreeSet::new();
    for shape in shapes() {
        let Kind::String {
            pattern: Some(pattern),
            ..
        } = &shape.kind
        else {
            continue;
        };
        let (source, good, bad) = PATTERNS
            .iter()
            .find(|(source, ..)| *source == pattern.source())
            .unwrap_or_else(|| panic!("no samples for {:?} of {}", pattern.source(), shape.name));
        seen.insert(*source);
        assert!(pattern.compiled().is_some(), "{source} does not compile");
        for text in *good {
            assert!(pattern.matches(text), "{source} must match {text:?}");
        }
        for text in *bad {
            assert!(!pattern.matches(text), "{source} must not match {text:?}");
        }
    }
    assert_eq!(
        seen.len(),
        PATTERNS.len(),
        "samples for patterns that the model does not have"
    );
}

#[test]
fn the_short_cut_for_any_text_agrees_with_the_expression() {
    let any = Pattern::new(".*");
    for text in [
        "", "a", "ä😀", "\n", "a\nb", "a\n", "\r", "\u{85}", "\u{2028}",
    ] {
        assert_eq!(
            any.matches(text),
            any.compiled().unwrap().regex.is_match(text),
            "{text:?}"
        );
    }
}

#[test]
fn members_are_unique_and_never_required_in_a_union() {
    for shape in shapes() {
        let (members, union) = match &shape.kind {
            Kind::Structure(members) => (*members, false),
            Kind::Union(members) => (*members, true),
            Kind::List { .. }
            | Kind::Map { .. }
            | Kind::String { .. }
            | Kind::Integer { .. }
            | Kind::Long { .. }
            | Kind::Boolean => continue,
        };
        let names: BTreeSet<&str> = members.iter().map(|member| member.name).collect();
        assert_eq!(names.len(), members.len(), "{}", shape.name);
        assert!(
            !union || members.iter().all(|member| !member.required),
            "{}",
            shape.name
        );
    }
}

#[test]
fn map_keys_are_strings() {
    for shape in shapes() {
        if let Kind::Map { key, .. } = &shape.kind {
            assert!(matches!(key.kind, Kind::String { .. }), "{}", shape.name);
        }
    }
}

#[test]
fn a_repeated_class_matches_what_its_expression_matches() {
    let mut classes = BTreeSet::new();
    for shape in shapes() {
        let Kind::String {
            pattern: Some(pattern),
            ..
        } = &shape.kind
        else {
            continue;
        };
        let Compiled { regex, class } = pattern.compiled().unwrap();
        let Some(class) = class else {
            continue;
        };
        classes.insert(pattern.source);
        if class.times > 1 {
            // What is not plainly right is left to the expression.
            for text in [
                "", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "a/b/c", "a.b.é",
            ] {
                assert_eq!(class.matches(text), None, "{text}");
            }
            for text in ["a.b.c", "aZ09.-_=.x"] {
                assert_eq!(class.matches(text), Some(regex.is_match(text)), "{text}");
            }
            continue;
        }
        assert_eq!(
            class.matches(""),
            Some(regex.is_match("")),
            "{}",
            pattern.source
        );
        for code in 0..=255 {
            for text in [
                format!("{}", char::from(code)),
                format!("a{}", char::from(code)),
            ] {
                let expected = text.is_ascii().then(|| regex.is_match(&text));
                assert_eq!(
                    class.matches(&text),
                    expected,
                    "{} {text:?}",
                    pattern.source
                );
            }
        }
    }
    assert!(classes.contains("[a-zA-Z0-9-/_]*"), "{classes:?}");
    assert!(classes.contains(r"[0-9a-fA-F\.:\/]*"), "{classes:?}");
    for other in [
        ".*",
        "[a]",
        "[a]b*",
        "a[b]*",
        "[a][b]*",
        "[[:alpha:]]*",
        "(a)*",
    ] {
        assert!(Class::of(other).is_none(), "{other}");
    }
}
