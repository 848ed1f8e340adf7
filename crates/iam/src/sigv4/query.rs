use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// What the canonical form percent-encodes: all but the unreserved characters of RFC 3986.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A query string as parameters, each name and value in canonical encoding, sorted by name and
/// then value as the canonical request wants them.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Reads the raw text after the `?`. Any text is a query: a stray `%` stands for itself, and
    /// a parameter without `=` has an empty value.
    pub(super) fn parse(raw: &'a str) -> Self {
        let mut parameters: Vec<_> = raw
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| {
                let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
                (canonical(name), canonical(value))
            })
            .collect();
        parameters.sort_unstable();
        Self(parameters)
    }

    /// The decoded value of the first parameter `name`, which has unreserved characters only.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(percent_decode(value.as_bytes()).decode_utf8_lossy())
    }

    /// The parameters in canonical order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// Decodes and encodes again, so that every spelling of the same bytes becomes the same text.
/// As in HTML forms, a plus sign stands for a space.
fn canonical(raw: &str) -> Cow<'_, str> {
    if raw
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    {
        return Cow::Borrowed(raw);
    }
    let spaced = raw.replace('+', " ");
    let bytes: Cow<'_, [u8]> = percent_decode(spaced.as_bytes()).into();
    Cow::Owned(percent_encode(&bytes, RESERVED).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_sorted_and_encoded_canonically() {
        for (raw, canonical) in [
            ("", ""),
            ("&&", ""),
            ("a", "a="),
            ("a=1=2", "a=1%3D2"),
            ("=v", "=v"),
            ("b=2&a=1&a=0", "a=0&a=1&b=2"),
            // Names are compared before values: `=` is greater than `-`.
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("Z=1&a=1&%61b=1", "Z=1&a=1&ab=1"),
            ("a=x+y&b=x%20y&c=x%2By", "a=x%20y&b=x%20y&c=x%2By"),
            ("k=%e1%88%b4&l=ሴ", "k=%E1%88%B4&l=%E1%88%B4"),
            ("a=%&b=%zz&c=%4", "a=%25&b=%25zz&c=%254"),
            ("a=%ff%00", "a=%FF%00"),
            ("a=*/~", "a=%2A%2F~"),
        ] {
            let query = Query::parse(raw);
            let pairs: Vec<_> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();
            assert_eq!(pairs.join("&"), canonical, "{raw}");
        }
    }

    #[test]
    fn values_are_given_decoded() {
        let query = Query::parse("b=x%2Fy%3D+z&a=1&bad=%ff");
        assert_eq!(query.get("b").as_deref(), Some("x/y= z"));
        assert_eq!(query.get("bad").as_deref(), Some("\u{fffd}"));
        assert_eq!(query.get("c"), None);
    }
}
