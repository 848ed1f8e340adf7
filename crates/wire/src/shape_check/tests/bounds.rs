//! Lengths and ranges at their boundaries.

use super::*;

/// The constraints that a value of `kind` violates.
fn constraints(kind: Kind, value: Value) -> Vec<String> {
    let shape = Shape { name: "Test", kind };
    violations(&shape, value)
        .into_iter()
        .map(|(_, constraint)| constraint)
        .collect()
}

static TEXT: Shape = Shape {
    name: "Text",
    kind: text(None, None),
};

const fn text(min: Option<usize>, max: Option<usize>) -> Kind {
    Kind::String {
        min,
        max,
        pattern: None,
        values: &[],
    }
}

#[test]
fn lengths_are_inclusive() {
    let two_to_three = "Member must have length between 2 and 3, inclusive";
    let least = "Member must have length greater than or equal to 2";
    let most = "Member must have length less than or equal to 3";
    type Make = fn(Option<usize>, Option<usize>) -> Kind;
    type Example = fn(usize) -> Value;
    let makes: [(Make, Example); 3] = [
        (text, |n| json!("x".repeat(n))),
        (
            |min, max| Kind::List {
                member: &TEXT,
                min,
                max,
            },
            |n| json!(vec!["x"; n]),
        ),
        (
            |min, max| Kind::Map {
                key: &TEXT,
                value: &TEXT,
                min,
                max,
            },
            |n| (0..n).map(|i| (i.to_string(), json!("x"))).collect(),
        ),
    ];
    for (make, value) in makes {
        for (min, max, length, violated) in [
            (Some(2), Some(3), 1, Some(two_to_three)),
            (Some(2), Some(3), 2, None),
            (Some(2), Some(3), 3, None),
            (Some(2), Some(3), 4, Some(two_to_three)),
            (Some(2), None, 1, Some(least)),
            (Some(2), None, 2, None),
            (None, Some(3), 3, None),
            (None, Some(3), 4, Some(most)),
            (None, None, 0, None),
        ] {
            assert_eq!(
                constraints(make(min, max), value(length)),
                Vec::from_iter(violated)
            );
        }
    }
}

#[test]
fn a_texts_length_counts_unicode_scalar_values() {
    for (value, ok) in [
        ("äöü", true),
        ("😀😀😀", true),
        ("e\u{301}ab", false),
        ("😀😀😀😀", false),
    ] {
        assert_eq!(
            constraints(text(None, Some(3)), json!(value)).is_empty(),
            ok,
            "{value}"
        );
    }
}

#[test]
fn ranges_are_inclusive() {
    let between = "Member must be between 1 and 50, inclusive";
    let least = "Member must be greater than or equal to 1";
    let most = "Member must be less than or equal to 50";
    for make in [
        |min, max| Kind::Integer { min, max },
        |min, max| Kind::Long { min, max },
    ] {
        for (min, max, number, violated) in [
            (Some(1), Some(50), 0, Some(between)),
            (Some(1), Some(50), 1, None),
            (Some(1), Some(50), 50, None),
            (Some(1), Some(50), 51, Some(between)),
            (Some(1), None, 0, Some(least)),
            (Some(1), None, i64::from(i32::MAX), None),
            (None, Some(50), 51, Some(most)),
            (None, None, i64::from(i32::MIN), None),
        ] {
            assert_eq!(
                constraints(make(min, max), json!(number)),
                Vec::from_iter(violated)
            );
        }
    }
}
