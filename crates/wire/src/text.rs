//! Values that arrive as texts: in a path, a query or a form.

use std::borrow::Cow;

use model::shape::{Kind, Shape};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The parameters of a query or form, each a name and a value that are still encoded.
pub(crate) fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

/// Decodes a label or a value of a query, where `+` is a plus sign; `None` if that is not UTF-8.
pub(crate) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(raw).decode_utf8().ok()
}

/// Decodes a name or value of a form, where `+` is a space; `None` if that is not UTF-8.
pub(crate) fn decode_form(raw: &str) -> Option<String> {
    Some(decode(&raw.replace('+', " "))?.into_owned())
}

/// `text` as the JSON value that its shape asks for. What does not read as that stays a text, which
/// the shape check then refuses.
pub(crate) fn value(shape: &Shape, text: String) -> Value {
    let value = match shape.kind {
        Kind::Integer { .. } | Kind::Long { .. } => text.parse::<i64>().ok().map(Value::from),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        Kind::Structure(_)
        | Kind::Union(_)
        | Kind::List { .. }
        | Kind::Map { .. }
        | Kind::String { .. } => None,
    };
    value.unwrap_or(Value::String(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_is_cut_into_names_and_values() {
        for (text, expected) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a", &[("a", "")]),
            ("a=", &[("a", "")]),
            ("a=b=c", &[("a", "b=c")]),
            ("=b", &[("", "b")]),
            ("a=1&b=%26&a=2", &[("a", "1"), ("b", "%26"), ("a", "2")]),
        ] {
            assert_eq!(parameters(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_are_percent_decoded_as_utf_8() {
        for (raw, in_query, in_form) in [
            ("", Some(""), Some("")),
            ("a%2Fb%2fc", Some("a/b/c"), Some("a/b/c")),
            ("%C3%A4ä", Some("ää"), Some("ää")),
            ("a+b%20c%2B", Some("a+b c+"), Some("a b c+")),
            ("100%", Some("100%"), Some("100%")),
            ("%zz%2", Some("%zz%2"), Some("%zz%2")),
            ("%2525", Some("%25"), Some("%25")),
            ("%FF", None, None),
            ("%C3", None, None),
            ("%ED%A0%80", None, None),
        ] {
            assert_eq!(decode(raw).as_deref(), in_query, "{raw:?}");
            assert_eq!(decode_form(raw).as_deref(), in_form, "{raw:?}");
        }
    }

    #[test]
    fn a_text_becomes_what_its_shape_asks_for() {
        let integer = || Kind::Integer {
            min: None,
            max: None,
        };
        let long = || Kind::Long {
            min: None,
            max: None,
        };
        let string = || Kind::String {
            min: None,
            max: None,
            pattern: None,
            values: &[],
        };
        for (kind, text, value) in [
            (integer(), "5", json!(5)),
            (integer(), "-5", json!(-5)),
            (long(), "9223372036854775807", json!(i64::MAX)),
            (integer(), "", json!("")),
            (integer(), "5.0", json!("5.0")),
            (integer(), " 5", json!(" 5")),
            (integer(), "true", json!("true")),
            (long(), "9223372036854775808", json!("9223372036854775808")),
            (Kind::Boolean, "true", json!(true)),
            (Kind::Boolean, "false", json!(false)),
            (Kind::Boolean, "True", json!("True")),
            (Kind::Boolean, "1", json!("1")),
            (string(), "5", json!("5")),
            (string(), "true", json!("true")),
        ] {
            let shape = Shape { name: "Test", kind };
            assert_eq!(super::value(&shape, text.to_owned()), value, "{text:?}");
        }
    }
}
