//! The matchers of patterns against definitions that try everything.

use proptest::prelude::*;

use super::arn::resource_matches;
use super::pattern::{encode, matches, matches_lower};

fn encoded(pattern: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(pattern, true, &mut bytes);
    bytes
}

/// What a pattern means: every `*` tries all lengths. In ARNs only a `*` at the end of a segment
/// takes colons.
fn tries_all(pattern: &[char], text: &[char], arn: bool) -> bool {
    let (first, rest) = match pattern {
        [] => return text.is_empty(),
        [first, rest @ ..] => (*first, rest),
    };
    let takes = |c: char| !arn || c != ':';
    match (first, text) {
        ('*', _) => {
            let open = matches!(rest, [] | [':', ..]);
            let longest = text.iter().take_while(|c| open || takes(**c)).count();
            (0..=longest).any(|length| tries_all(rest, &text[length..], arn))
        }
        ('?', [c, text @ ..]) if takes(*c) => tries_all(rest, text, arn),
        (wanted, [c, text @ ..]) if wanted == *c && wanted != '?' => tries_all(rest, text, arn),
        _ => false,
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_matches_what_it_means(pattern in "[ab*?é€]{0,8}", text in "[abé€]{0,10}") {
        let wanted = tries_all(&chars(&pattern), &chars(&text), false);
        prop_assert_eq!(matches(&encoded(&pattern), text.as_bytes()), wanted);
    }

    #[test]
    fn the_pattern_of_a_resource_matches_what_it_means(pattern in "[ab*:?€]{0,9}", text in "[ab:€]{0,12}") {
        let wanted = tries_all(&chars(&pattern), &chars(&text), true);
        prop_assert_eq!(resource_matches(&encoded(&pattern), &text), wanted);
    }

    #[test]
    fn lower_case_patterns_match_texts_of_any_case(pattern in "[ab*?]{0,6}", text in "[aAbB]{0,8}") {
        let wanted = matches(&encoded(&pattern), text.to_ascii_lowercase().as_bytes());
        prop_assert_eq!(matches_lower(&encoded(&pattern), text.as_bytes()), wanted);
    }
}

#[test]
fn hostile_patterns_take_no_exponential_time() {
    let text = "a".repeat(2_000);
    let pattern = encoded(&format!("{}b", "a*".repeat(500)));
    assert!(!matches(&pattern, text.as_bytes()));
    let text = "a:".repeat(1_000);
    let pattern = encoded(&format!("{}b", "*:a*a:".repeat(100)));
    assert!(!resource_matches(&pattern, &text));
}

#[test]
fn a_question_mark_takes_whole_characters() {
    for (pattern, text, wanted) in [
        ("?", "€", true),
        ("??", "€", false),
        ("*??b*", "€ba", false),
        ("*??b*", "€aba", true),
        ("*?é", "€é", true),
    ] {
        assert_eq!(
            matches(&encoded(pattern), text.as_bytes()),
            wanted,
            "{pattern} {text}"
        );
    }
}
