//! Patterns with `*` and `?`, as bytes.
//!
//! A pattern is the UTF-8 of its text in which each wildcard is one byte that UTF-8 never uses. So
//! a `*` that is meant literally (`${*}`, or one that a variable brought in) stays the ordinary
//! character, substitution is concatenation, and a pattern without wildcards equals the text that
//! it matches.

/// `*`.
pub(super) const ANY: u8 = 0xFF;
/// `*` as the last character of a colon-delimited segment; differs from [`ANY`] in ARNs only.
pub(super) const ANY_OPEN: u8 = 0xFE;
/// `?`: exactly one character.
pub(super) const ONE: u8 = 0xFD;

/// Appends the text of a pattern, encoded. `at_end` says whether the pattern ends with this text.
pub(super) fn encode(text: &str, at_end: bool, pattern: &mut Vec<u8>) {
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let mut ends_segment = || bytes.peek().map_or(at_end, |next| *next == b':');
        pattern.push(match byte {
            b'*' if ends_segment() => ANY_OPEN,
            b'*' => ANY,
            b'?' => ONE,
            _ => byte,
        });
    }
}

/// Whether an encoded byte is a wildcard.
pub(super) fn is_wildcard(byte: u8) -> bool {
    byte >= ONE
}

fn is_any(byte: u8) -> bool {
    byte >= ANY_OPEN
}

/// Whether the pattern matches the whole of `text`; wildcards match every character.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    glob(pattern, text, |byte| byte)
}

/// [`matches()`] with the text taken in lower case (ASCII); the pattern must be in lower case.
pub(super) fn matches_lower(pattern: &[u8], text: &[u8]) -> bool {
    glob(pattern, text, |byte| byte.to_ascii_lowercase())
}

/// After a mismatch only the last `*` can help: it takes one more character, and the rest is tried
/// again from there. What earlier ones took need not be reconsidered, since the last one can take
/// whatever they could leave to it.
fn glob(pattern: &[u8], text: &[u8], fold: impl Fn(u8) -> u8) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_any = None;
    loop {
        match (pattern.get(p).copied(), text.get(t).copied()) {
            (None, None) => return true,
            (Some(wanted), _) if is_any(wanted) => {
                p += 1;
                if p == pattern.len() {
                    return true;
                }
                last_any = Some((p, t));
                continue;
            }
            (Some(_), None) => return false,
            (Some(ONE), Some(byte)) => {
                (p, t) = (p + 1, t + char_len(byte));
                continue;
            }
            (Some(wanted), Some(byte)) if wanted == fold(byte) => {
                (p, t) = (p + 1, t + 1);
                continue;
            }
            (_, Some(_)) => {}
        }
        let Some((after, taken)) = &mut last_any else {
            return false;
        };
        *taken += text.get(*taken).map_or(1, |byte| char_len(*byte));
        (p, t) = (*after, *taken);
    }
}

/// The length of the UTF-8 character that starts with `byte`.
fn char_len(byte: u8) -> usize {
    match byte {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
        0x00..=0xBF => 1,
    }
}
