//! The XML of the answers.

use http::StatusCode;
use serde_json::Value;

/// A text that is built up element by element.
struct Xml(String);

/// `<GetCallerIdentityResponse>` around `<GetCallerIdentityResult>` around the members of `output`.
pub(super) fn success(
    request_id: &str,
    operation: &str,
    namespace: &str,
    output: &Value,
) -> String {
    let mut xml = Xml(String::new());
    xml.root(&format!("{operation}Response"), namespace, |xml| {
        xml.value(&format!("{operation}Result"), output);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    xml.0
}

/// `<ErrorResponse>`. A client error is the sender's fault, any other the receiver's.
pub(super) fn failure(
    request_id: &str,
    namespace: &str,
    code: &str,
    status: StatusCode,
    message: &str,
) -> String {
    let fault = if status.is_client_error() {
        "Sender"
    } else {
        "Receiver"
    };
    let mut xml = Xml(String::new());
    xml.root("ErrorResponse", namespace, |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", fault);
            xml.text("Code", code);
            xml.text("Message", message);
        });
        xml.text("RequestId", request_id);
    });
    xml.0
}

impl Xml {
    fn root(&mut self, name: &str, namespace: &str, content: impl FnOnce(&mut Self)) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push_str(" xmlns=\"");
        self.escaped(namespace);
        self.0.push_str("\">");
        content(self);
        self.end(name);
    }

    fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
        content(self);
        self.end(name);
    }

    fn end(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.escaped(text));
    }

    /// A JSON value as an element; null is none. The keys of objects are the names of a model's
    /// members, so they need no escaping. The output of an operation is not deep.
    fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(value) => self.text(name, &value.to_string()),
            Value::Number(value) => self.text(name, &value.to_string()),
            Value::String(value) => self.text(name, value),
            Value::Array(items) => self.element(name, |xml| {
                items.iter().for_each(|item| xml.value("member", item));
            }),
            Value::Object(members) => self.element(name, |xml| {
                members
                    .iter()
                    .for_each(|(name, value)| xml.value(name, value));
            }),
        }
    }

    /// Text, such that a parser reads the same: it would make a newline of a carriage return. What
    /// XML 1.0 has no way to write becomes U+FFFD.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&apos;"),
                '\r' => self.0.push_str("&#13;"),
                '\0'..='\u{8}'
                | '\u{b}'
                | '\u{c}'
                | '\u{e}'..='\u{1f}'
                | '\u{fffe}'
                | '\u{ffff}' => {
                    self.0.push('\u{fffd}');
                }
                c => self.0.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut xml = Xml(String::new());
        xml.escaped(text);
        xml.0
    }

    #[test]
    fn text_is_escaped() {
        for (text, expected) in [
            ("", ""),
            ("ä 😀\t\n~\u{7f}\u{85}", "ä 😀\t\n~\u{7f}\u{85}"),
            (
                "<a b=\"c\">&amp;'",
                "&lt;a b=&quot;c&quot;&gt;&amp;amp;&apos;",
            ),
            ("]]>", "]]&gt;"),
            ("a\r\n", "a&#13;\n"),
            (
                "\0\u{8}\u{b}\u{c}\u{e}\u{1f}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            (
                "\u{fffd}\u{fffe}\u{ffff}\u{10ffff}",
                "\u{fffd}\u{fffd}\u{fffd}\u{10ffff}",
            ),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }

    #[test]
    fn values_become_elements() {
        for (value, expected) in [
            (json!(null), ""),
            (json!(true), "<R>true</R>"),
            (json!(-7), "<R>-7</R>"),
            (json!("<"), "<R>&lt;</R>"),
            (json!([]), "<R></R>"),
            (
                json!([1, "a"]),
                "<R><member>1</member><member>a</member></R>",
            ),
            (json!([{"A": 1}]), "<R><member><A>1</A></member></R>"),
            (json!({}), "<R></R>"),
            (
                json!({"A": {"B": "c"}, "D": null}),
                "<R><A><B>c</B></A></R>",
            ),
        ] {
            let mut xml = Xml(String::new());
            xml.value("R", &value);
            assert_eq!(xml.0, expected);
        }
    }
}
