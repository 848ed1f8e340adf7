//! Statements of the gateway's own in a client's session, in messages that leave the client's
//! unnamed statement and portal alone.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frames::{self, Body};

/// The name of the statement and portal. Clients may not use names that begin like it.
const NAME: &[u8] = b"pg_treeline";

/// The name of a statement that stands for one of the client's.
pub(super) const INSTEAD: &[u8] = b"pg_treeline instead";

/// The name of the statement that sets the savepoint, which stays prepared.
const SAVER: &[u8] = b"pg_treeline savepoint";

/// The savepoint behind which everything is that a transaction has written.
const SAVEPOINT: &str = "SAVEPOINT pg_treeline";
/// Undoes what the transaction has written, and gives back the locks.
pub(super) const ROLLBACK: &str = "ROLLBACK TO SAVEPOINT pg_treeline";

/// Whether a client may not use this name for a statement or portal.
pub(super) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(NAME)
}

/// Asks for a statement with these parameters as text. The answer ends with `CommandComplete`, or
/// with an error.
pub(super) fn ask(output: &mut BytesMut, sql: &str, parameters: &[Option<&str>]) {
    let mut values = BytesMut::new();
    values.put_u16(0);
    values.put_u16(parameters.len() as u16);
    for parameter in parameters {
        match parameter {
            Some(text) => {
                values.put_u32(text.len() as u32);
                values.put_slice(text.as_bytes());
            }
            None => values.put_i32(-1),
        }
    }
    prepare(output, NAME, sql, b"\0\0");
    execute(output, &values);
}

/// Asks for a statement with the parameters of a client's `Bind`, and their types from its `Parse`.
pub(super) fn ask_as(output: &mut BytesMut, sql: &str, types: &[u8], parameters: &[u8]) {
    prepare(output, NAME, sql, types);
    execute(output, parameters);
}

/// Sets the savepoint, for the first time in a transaction. The number of answers before
/// `CommandComplete` does not matter. `prepared`: whether the session has done so before.
pub(super) fn save(output: &mut BytesMut, prepared: bool) {
    if !prepared {
        prepare(output, SAVER, SAVEPOINT, b"\0\0");
    }
    let bind: [&[u8]; 5] = [SAVER, b"\0", SAVER, b"\0", b"\0\0\0\0\0\0"];
    frames::message(output, b'B', &bind);
    frames::message(output, b'E', &[SAVER, b"\0\0\0\0\0"]);
}

/// Prepares a statement in the place of one with the same name, if there is one. Two answers.
pub(super) fn prepare(output: &mut BytesMut, name: &[u8], sql: &str, types: &[u8]) {
    close(output, name);
    frames::message(output, b'P', &[name, b"\0", sql.as_bytes(), b"\0", types]);
}

/// Closes a prepared statement, if there is one with the name.
pub(super) fn close(output: &mut BytesMut, name: &[u8]) {
    frames::message(output, b'C', &[b"S", name, b"\0"]);
}

fn execute(output: &mut BytesMut, parameters: &[u8]) {
    frames::message(output, b'C', &[b"P", NAME, b"\0"]);
    // All results as text.
    frames::message(
        output,
        b'B',
        &[NAME, b"\0", NAME, b"\0", parameters, b"\0\0"],
    );
    frames::message(output, b'E', &[NAME, b"\0\0\0\0\0"]);
}

/// The parameters in a `Bind`, with their formats.
pub(super) fn parameters(bind: &Bytes) -> Option<Bytes> {
    let mut body = Body::of(bind.clone());
    let (_portal, _name) = (body.string().ok()?, body.string().ok()?);
    let rest = &body.0;
    let count = |at: usize| {
        let bytes = rest.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(u16::from_be_bytes(bytes)))
    };
    let mut end = 2 + 2 * count(0)?;
    let parameters = count(end)?;
    end += 2;
    for _ in 0..parameters {
        let length = i32::from_be_bytes(rest.get(end..end + 4)?.try_into().ok()?);
        end += 4 + usize::try_from(length).unwrap_or(0);
    }
    (end <= rest.len()).then(|| rest.slice(..end))
}

/// The values of a `DataRow` that are text.
pub(super) fn values(row: &[u8]) -> Vec<Option<Box<str>>> {
    let mut values = Vec::new();
    let mut rest = row.get(frames::HEADER + 2..).unwrap_or_default();
    while let Some((length, following)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (value, next) = following
            .split_at_checked(length.unwrap_or(0))
            .unwrap_or_default();
        let text = || String::from_utf8_lossy(value).into();
        values.push(length.map(|_| text()));
        rest = next;
    }
    values
}

/// An array of PostgreSQL's as text, of elements that need quotes or not.
pub(super) fn array<'e>(elements: impl Iterator<Item = Option<&'e str>>) -> String {
    let mut text = String::from("{");
    for (at, element) in elements.enumerate() {
        if at > 0 {
            text.push(',');
        }
        match element {
            None => text.push_str("NULL"),
            Some(element) => {
                text.push('"');
                for character in element.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_bind_are_cut_out() {
        let bind = |rest: &[u8]| frames::whole(b'B', &[b"p\0s\0", rest].concat());
        let values = b"\0\x01\0\x01\0\x02\0\0\0\x03abc\xff\xff\xff\xff";
        let whole = bind(&[values, &b"\0\x01\0\x01"[..]].concat());
        assert_eq!(parameters(&whole).as_deref(), Some(&values[..]));
        for cut in [&b""[..], b"\0\x01", b"\0\0\0\x01\0\0\0\x09abc"] {
            assert_eq!(parameters(&bind(cut)), None, "{cut:?}");
        }
    }

    #[test]
    fn the_values_of_a_row_are_text_or_null() {
        let row = frames::whole(b'D', b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0");
        assert_eq!(values(&row), [Some("ab".into()), None, Some("".into())]);
        assert!(values(b"D").is_empty());
    }

    #[test]
    fn an_array_quotes_its_elements() {
        let elements = [Some("a\"b\\"), None, Some("")];
        assert_eq!(array(elements.into_iter()), "{\"a\\\"b\\\\\",NULL,\"\"}");
    }
}
