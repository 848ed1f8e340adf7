//! The errors and notices of the backend: what DSQL says in their place, and what clients must not
//! see of them.

use super::failure::Failure;
use crate::frames;

/// What every table of PostgreSQL has and a view does not.
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

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
    /// says of each that it skips it, and long names of slots' schemas are cut.
    pub(super) fn is_about_machinery(&self) -> bool {
        let message = self.get(b'M');
        message.starts_with(b"permission denied to analyze \"") || contains(message, b"pg_treeline")
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

    /// An error in a slot in the words that it has on the tables; a conflict where it is one of the
    /// slot only, of which a view takes the place of a table.
    pub(super) fn of_slot(&self) -> Result<Vec<u8>, Failure> {
        let message = self.get(b'M');
        let of_view = match self.get(b'C') {
            b"42803" | b"42809" => true,
            b"42704" => message.starts_with(b"constraint "),
            b"42703" => SYSTEM_COLUMNS
                .iter()
                .any(|name| contains(message, name.as_bytes())),
            _ => false,
        };
        if of_view {
            return Err(Failure::conflict());
        }
        let mut body = Vec::new();
        for (tag, value) in self.iter().filter(|(tag, _)| *tag != b'W') {
            body.push(tag);
            match tag {
                b's' => body.extend_from_slice(own_schema(value)),
                b'M' if self.get(b'C') == b"42501" => {
                    let text = String::from_utf8_lossy(value);
                    let text = text.replacen("denied for view ", "denied for table ", 1);
                    body.extend_from_slice(text.as_bytes());
                }
                _ => body.extend_from_slice(value),
            }
            body.push(0);
        }
        body.push(0);
        Ok(body)
    }

    /// Whether any of it tells of the database's own machinery.
    pub(super) fn tells_of_machinery(&self) -> bool {
        tells(self.0)
    }

    /// The message without what tells of the database's own machinery, if it tells of it, and
    /// where `rewritten`, without the position in a text that the client has not sent. `None` when
    /// it may pass as it is.
    pub(super) fn cleaned(&self, rewritten: bool) -> Option<Vec<u8>> {
        let told = tells;
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

/// The schema that one of a slot stands for: `public` for `pg_treeline_seen_3_public`.
fn own_schema(name: &[u8]) -> &[u8] {
    let slot = [&b"pg_treeline_seen_"[..], b"pg_treeline_over_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(*prefix));
    let schema = slot.and_then(|rest| {
        let number = rest.iter().position(|byte| *byte == b'_')?;
        rest.get(number + 1..)
    });
    schema.unwrap_or(name)
}

/// Whether a text tells of the database's own machinery.
fn tells(text: &[u8]) -> bool {
    let own = [&b"pg_treeline"[..], b" function sys."];
    own.iter().any(|name| contains(text, name))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn response(fields: &[(u8, &str)]) -> Bytes {
        let mut body = Vec::new();
        for (tag, value) in fields {
            body.extend_from_slice(&[&[*tag], value.as_bytes(), b"\0"].concat());
        }
        body.push(0);
        frames::whole(b'E', &body)
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
