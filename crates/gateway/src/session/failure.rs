//! The errors that a session tells its client: those of the gateway, and the backend's, reworded.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use dialect::Refusal;

use super::frames;

/// An error in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    sqlstate: &'static str,
    message: Cow<'static, str>,
    detail: Option<String>,
    hint: Option<String>,
    position: Option<u32>,
    /// Whether it precedes `25P02`.
    pub(super) syntax: bool,
    /// Whether the transaction is over, as after a COMMIT that failed.
    pub(super) ends_transaction: bool,
}

impl Failure {
    fn new(sqlstate: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            syntax: false,
            ends_transaction: false,
        }
    }

    /// More than one DDL statement. Recorded.
    pub(super) fn multiple_ddl() -> Self {
        Self::new(
            "0A000",
            "multiple ddl statements not supported in a transaction",
        )
    }

    /// DDL and DML together. Recorded.
    pub(super) fn ddl_with_dml() -> Self {
        Self::new(
            "0A000",
            "ddl and dml are not supported in the same transaction",
        )
    }

    /// A transaction that has lasted too long. Source: the DSQL skill's limits.
    pub(super) fn transaction_too_old(limit: u64, age: u64) -> Self {
        Self {
            detail: Some(format!("Current transaction age {age}s exceeds {limit}s")),
            ..Self::new(
                "54000",
                format!("transaction age limit of {limit}s exceeded"),
            )
        }
    }

    /// In answer to a COMMIT, after which the session is idle, whatever became of the transaction.
    pub(super) fn at_commit(self) -> Self {
        Self {
            ends_transaction: true,
            ..self
        }
    }

    /// A conflict with another transaction. Recorded.
    pub(super) fn conflict() -> Self {
        Self::new("40001", "change conflicts with another transaction (OC000)")
    }

    /// A conflict over the catalog. Recorded.
    pub(super) fn catalog_conflict() -> Self {
        Self::new(
            "40001",
            "schema has been updated by another transaction (OC001)",
        )
    }

    /// A key over PostgreSQL's own limit. Source: the DSQL skill's limits.
    pub(super) fn key_too_large() -> Self {
        Self::new("54000", "key size too large")
    }

    /// A query over the limit of temporary files. Source: the DSQL skill's limits.
    pub(super) fn query_too_large() -> Self {
        Self::new(
            "54000",
            "query requires more than allowed temp space of 131072 KB to execute",
        )
    }

    /// A key of a type that has no order. Recorded for other types.
    pub(super) fn not_a_key_type(name: &str) -> Self {
        Self::new(
            "0A000",
            format!("datatype {name} is not supported in a key"),
        )
    }

    /// Several statements where only one can stand: PostgreSQL's message.
    pub(super) fn several_prepared() -> Self {
        Self {
            syntax: true,
            ..Self::new(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            )
        }
    }

    /// The function call protocol, which no driver uses.
    pub(super) fn function_call() -> Self {
        Self::new("0A000", "function call protocol is not supported")
    }

    /// A message that breaks the protocol.
    pub(super) fn protocol_violation(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("08P01", message)
    }

    /// Whether the client broke the protocol, and may be in the midst of sending more.
    pub(super) fn is_of_protocol(&self) -> bool {
        self.sqlstate == "08P01"
    }

    /// Texts are UTF-8.
    pub(super) fn invalid_encoding() -> Self {
        Self::new("22021", "invalid byte sequence for encoding \"UTF8\"")
    }

    /// The end of a session's life.
    pub(super) fn session_too_old() -> Self {
        Self::new(
            "57P01",
            "terminating connection because the maximum session duration is reached",
        )
    }

    /// The end of the server.
    pub(super) fn shutting_down() -> Self {
        Self::new(
            "57P01",
            "terminating connection due to administrator command",
        )
    }

    /// The `ErrorResponse`.
    pub(super) fn message(&self, severity: &str) -> Bytes {
        let position = self.position.map(|position| position.to_string());
        let mut body = Vec::new();
        for (field, value) in [
            (b'S', Some(severity)),
            (b'V', Some(severity)),
            (b'C', Some(self.sqlstate)),
            (b'M', Some(self.message.as_ref())),
            (b'D', self.detail.as_deref()),
            (b'H', self.hint.as_deref()),
            (b'P', position.as_deref()),
        ] {
            push_field(&mut body, field, value);
        }
        error_response(&body)
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        Self {
            hint: refusal.hint.clone(),
            position: refusal.position,
            syntax: refusal.syntax,
            ..Self::new(refusal.sqlstate, refusal.message.clone())
        }
    }
}

fn push_field(body: &mut Vec<u8>, field: u8, value: Option<&str>) {
    if let Some(value) = value {
        body.push(field);
        // A zero byte would end the field, and all that follows would be read as others.
        body.extend(value.bytes().filter(|byte| *byte != 0));
        body.push(0);
    }
}

fn error_response(fields: &[u8]) -> Bytes {
    let mut output = BytesMut::new();
    frames::message(&mut output, b'E', &[fields, &[0]]);
    output.freeze()
}

/// The fields of an `ErrorResponse` or `NoticeResponse` of the backend.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Those of a whole message.
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message.get(frames::HEADER..).unwrap_or_default())
    }

    /// The first fields, of which the last may be cut off, with the end of fields.
    pub(super) fn beginning(&self, most: usize) -> Vec<u8> {
        let bytes = self.0.get(..most).unwrap_or(self.0);
        // Characters of UTF-8 have four bytes at most.
        let whole = bytes
            .utf8_chunks()
            .next()
            .map_or(0, |chunk| chunk.valid().len());
        let end = if bytes.len() - whole < 4 {
            whole
        } else {
            bytes.len()
        };
        let mut fields = bytes.get(..end).unwrap_or_default().to_vec();
        fields.extend_from_slice(b"\0\0");
        fields
    }

    fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let fields = self.0.split(|byte| *byte == 0);
        fields.filter_map(|field| field.split_first().map(|(tag, value)| (*tag, value)))
    }

    /// The value of a field.
    pub(super) fn get(&self, field: u8) -> &'a [u8] {
        let mut fields = self.iter();
        fields
            .find(|(tag, _)| *tag == field)
            .map_or(&[], |(_, value)| value)
    }

    /// Whether a notice is about relations that are none of the client's: `ANALYZE` of everything
    /// says of each that it skips it.
    pub(super) fn is_about_machinery(&self) -> bool {
        self.get(b'M')
            .starts_with(b"permission denied to analyze \"")
    }

    /// What DSQL says where PostgreSQL says this, in answer to DDL or not.
    pub(super) fn reworded(&self, ddl: bool) -> Option<Failure> {
        let (sqlstate, message) = (self.get(b'C'), self.get(b'M'));
        match sqlstate {
            // PostgreSQL has no other word for what DSQL calls OC000 and OC001.
            b"40001" | b"40P01" | b"55P03" if !contains(message, b"(OC00") => Some(if ddl {
                Failure::catalog_conflict()
            } else {
                Failure::conflict()
            }),
            // Two sessions made or changed the same thing at once.
            b"XX000" if message.starts_with(b"tuple concurrently ") => {
                Some(Failure::catalog_conflict())
            }
            b"23505" if self.get(b's') == b"pg_catalog" => Some(Failure::catalog_conflict()),
            b"54000" if message.starts_with(b"index row") => Some(Failure::key_too_large()),
            b"53400" => Some(Failure::query_too_large()),
            b"42704" => key_type(message).map(Failure::not_a_key_type),
            _ => None,
        }
    }

    /// The message without what tells of the database's own machinery, if it tells of it, and
    /// where `rewritten`, without the position in a text that the client has not sent. `None` when
    /// it may pass as it is.
    pub(super) fn cleaned(&self, rewritten: bool) -> Option<Vec<u8>> {
        let own = [&b"pg_treeline"[..], b" function sys."];
        let told = |value: &[u8]| own.iter().any(|name| contains(value, name));
        let deep = self.get(b'C') == b"54001";
        let machinery = rewritten || self.iter().any(|(tag, value)| tag != b'M' && told(value));
        let hidden = |tag: u8, value: &[u8]| match tag {
            b'S' | b'V' | b'C' | b'M' => false,
            // The context, and where in PostgreSQL's source the error was raised.
            b'W' | b'q' | b'p' | b'F' | b'L' | b'R' => machinery,
            b'P' => rewritten,
            // How to configure PostgreSQL for deeper nesting.
            b'H' if deep => true,
            _ => told(value),
        };
        if !self.iter().any(|(tag, value)| hidden(tag, value)) {
            return None;
        }
        let mut body = Vec::new();
        for (tag, value) in self.iter().filter(|(tag, value)| !hidden(*tag, value)) {
            body.push(tag);
            body.extend_from_slice(value);
            body.push(0);
        }
        body.push(0);
        Some(body)
    }
}

/// The type in `data type json has no default operator class for access method "btree"`.
fn key_type(message: &[u8]) -> Option<&str> {
    let (name, method) = std::str::from_utf8(message)
        .ok()?
        .strip_prefix("data type ")?
        .split_once(" has no default operator class for access method ")?;
    (method == "\"btree\"").then_some(name)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(fields: &[(u8, &str)]) -> Bytes {
        let mut body = Vec::new();
        for (tag, value) in fields {
            push_field(&mut body, *tag, Some(value));
        }
        error_response(&body)
    }

    #[test]
    fn a_failure_is_an_error_response() {
        let failure = Failure::transaction_too_old(300, 301);
        let message = failure.message("ERROR");
        assert_eq!(frames::header(&message), Some((b'E', message.len())));
        let fields = Fields::of(&message);
        for (tag, value) in [
            (b'S', "ERROR"),
            (b'V', "ERROR"),
            (b'C', "54000"),
            (b'M', "transaction age limit of 300s exceeded"),
            (b'D', "Current transaction age 301s exceeds 300s"),
            (b'H', ""),
        ] {
            assert_eq!(fields.get(tag), value.as_bytes(), "{}", tag as char);
        }
    }

    #[test]
    fn a_value_cannot_end_its_field() {
        let failure = Failure::protocol_violation("a\0Cb");
        let message = failure.message("FATAL");
        assert_eq!(Fields::of(&message).get(b'M'), b"aCb");
        assert_eq!(Fields::of(&message).get(b'C'), b"08P01");
    }

    #[test]
    fn what_dsql_says_otherwise_is_known_by_its_code() {
        let oc001 = "schema has been updated by another transaction (OC001)";
        let conflict = Some(Failure::conflict as fn() -> _);
        for (code, message, expected) in [
            ("40001", "could not serialize access", conflict),
            ("40P01", "deadlock detected", conflict),
            ("55P03", "canceling statement due to lock timeout", conflict),
            ("40001", oc001, None),
            (
                "54000",
                "index row size 2800 exceeds",
                Some(Failure::key_too_large as fn() -> _),
            ),
            ("54000", "transaction row limit exceeded", None),
            (
                "XX000",
                "tuple concurrently updated",
                Some(Failure::catalog_conflict),
            ),
            ("XX000", "unexpected", None),
            (
                "53400",
                "temporary file size exceeds",
                Some(Failure::query_too_large),
            ),
            (
                "42704",
                "data type json has no default operator class for access method \"btree\"",
                Some(|| Failure::not_a_key_type("json")),
            ),
            ("42704", "type \"x\" does not exist", None),
            ("23505", "duplicate key", None),
        ] {
            let message = response(&[(b'C', code), (b'M', message)]);
            let expected = expected.map(|failure| failure());
            assert_eq!(Fields::of(&message).reworded(false), expected, "{code}");
        }
        let waits = response(&[(b'C', "55P03"), (b'M', "lock timeout")]);
        let expected = Some(Failure::catalog_conflict());
        assert_eq!(Fields::of(&waits).reworded(true), expected);
        let schemas = [("pg_catalog", expected), ("public", None)];
        for (schema, expected) in schemas {
            let taken = response(&[(b'C', "23505"), (b'M', "duplicate"), (b's', schema)]);
            assert_eq!(Fields::of(&taken).reworded(false), expected, "{schema}");
        }
    }

    #[test]
    fn machinery_is_not_told_of() {
        let context = "PL/pgSQL function pg_treeline.count() line 3 at RAISE";
        let message = response(&[(b'C', "54000"), (b'M', "m"), (b'W', context), (b'P', "7")]);
        let cleaned = Fields::of(&message).cleaned(false).unwrap();
        assert_eq!(cleaned, b"C54000\0Mm\0P7\0\0");
        let cleaned = Fields::of(&message).cleaned(true).unwrap();
        assert_eq!(cleaned, b"C54000\0Mm\0\0");
        let own = response(&[(b'C', "22012"), (b'W', "SQL function \"f\""), (b'P', "7")]);
        assert_eq!(Fields::of(&own).cleaned(false), None);
    }
}
