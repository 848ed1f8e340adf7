//! Patterns of ARNs: of `Resource` elements, and of the operators `ArnLike` and `ArnEquals`.

use base::Arn;

use super::pattern::{ANY_OPEN, matches};

/// Whether an encoded pattern of a `Resource` element matches `text`: an ARN, or the `*` of actions
/// without a resource, which only the pattern `*` matches.
///
/// Pattern and text are split at colons and compared segment by segment, so that wildcards do not
/// cross a colon, with the exception that AWS documents: a `*` that ends a segment may expand
/// beyond it. Such an open segment takes one segment of the text and then as many more as the rest
/// of the pattern leaves to it. As with single characters, after a mismatch only the last open
/// segment has to take one more.
pub(super) fn resource_matches(pattern: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    // What is equal up to the first wildcard or difference need not be split.
    let equal = pattern
        .iter()
        .zip(text)
        .take_while(|(wanted, byte)| wanted == byte)
        .count();
    let (Some(pattern), Some(text)) = (pattern.get(equal..), text.get(equal..)) else {
        return false;
    };
    let mut wanted = pattern.split(is_colon);
    let mut segments = text.split(is_colon);
    let mut last_open = None;
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return true,
            (Some(_), None) => return false,
            (Some(pattern), Some(segment)) if matches(pattern, segment) => {
                if pattern.last() == Some(&ANY_OPEN) {
                    if wanted.clone().next().is_none() {
                        return true;
                    }
                    last_open = Some((wanted.clone(), segments.clone()));
                }
                continue;
            }
            (_, Some(_)) => {}
        }
        let Some((after, rest)) = &mut last_open else {
            return false;
        };
        if rest.next().is_none() {
            return false;
        }
        (wanted, segments) = (after.clone(), rest.clone());
    }
}

/// Whether an encoded pattern of an `Arn…` operator matches the ARN `text`.
///
/// Each of the six components is compared by itself; the sixth may contain colons. The pattern `*`
/// matches every ARN, another one without six components none, and no pattern matches a text that
/// is no ARN.
pub(super) fn arn_like(pattern: &[u8], text: &str) -> bool {
    let Some(arn) = Arn::parse(text) else {
        return false;
    };
    if pattern == [ANY_OPEN] {
        return true;
    }
    let mut wanted = pattern.splitn(6, is_colon);
    [
        "arn",
        arn.partition,
        arn.service,
        arn.region,
        arn.account,
        arn.resource,
    ]
    .iter()
    .all(|component| {
        wanted
            .next()
            .is_some_and(|pattern| matches(pattern, component.as_bytes()))
    })
}

fn is_colon(byte: &u8) -> bool {
    *byte == b':'
}
