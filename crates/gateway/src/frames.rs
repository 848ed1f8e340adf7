//! Messages of PostgreSQL's protocol 3.0 as bytes: a tag, a length that counts itself, a body.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The bytes of a tag and a length.
pub(crate) const HEADER: usize = 5;

/// The tag of the first message in `bytes`, and how many bytes it says the whole message has; `None`
/// while the header is not complete. Fewer than [`HEADER`] are malformed.
pub(crate) fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let (tag, rest) = bytes.split_first()?;
    let length = u32::from_be_bytes(*rest.first_chunk::<4>()?);
    Some((*tag, (length as usize).saturating_add(1)))
}

/// A message with this tag and body.
pub(crate) fn message(output: &mut BytesMut, tag: u8, body: &[&[u8]]) {
    let length: usize = body.iter().map(|part| part.len()).sum();
    output.reserve(HEADER + length);
    output.put_u8(tag);
    output.put_u32(u32::try_from(length + 4).unwrap_or(u32::MAX));
    for part in body {
        output.put_slice(part);
    }
}

/// A whole message with this tag and body.
pub(crate) fn whole(tag: u8, body: &[u8]) -> Bytes {
    let mut output = BytesMut::new();
    message(&mut output, tag, &[body]);
    output.freeze()
}

/// An `ErrorResponse` with these fields, of which those without a value are left out.
pub(crate) fn error_response(fields: &[(u8, Option<&str>)]) -> Bytes {
    let mut body = Vec::new();
    for (field, value) in fields {
        if let Some(value) = value {
            body.push(*field);
            // A zero byte would end the field, and all that follows would be read as others.
            body.extend(value.bytes().filter(|byte| *byte != 0));
            body.push(0);
        }
    }
    body.push(0);
    whole(b'E', &body)
}

/// A body that is read from its front. What is missing makes the message malformed.
pub(crate) struct Body(pub(crate) Bytes);

/// A message that breaks the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Body {
    /// The body of a whole message.
    pub(crate) fn of(mut message: Bytes) -> Self {
        message.advance(HEADER.min(message.len()));
        Self(message)
    }

    /// A string that ends with a zero byte, without it.
    pub(crate) fn string(&mut self) -> Result<Bytes, Malformed> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
        let string = self.0.split_to(end);
        self.0.advance(1);
        Ok(string)
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_tag_and_a_length() {
        for (bytes, expected) in [
            (&b""[..], None),
            (b"Q\0\0\0", None),
            (b"Q\0\0\0\x04", Some((b'Q', 5))),
            (b"D\0\0\x01\0rest", Some((b'D', 257))),
            (b"Q\0\0\0\0", Some((b'Q', 1))),
            (b"Q\xff\xff\xff\xff", Some((b'Q', 0x1_0000_0000))),
        ] {
            assert_eq!(header(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut output = BytesMut::new();
        message(&mut output, b'P', &[b"name\0", b"text\0", b"\0\0"]);
        assert_eq!(header(&output), Some((b'P', output.len())));
        let mut body = Body::of(output.freeze());
        assert_eq!(body.string().unwrap(), "name");
        assert_eq!(body.string().unwrap(), "text");
        assert_eq!(body.byte(), Ok(0));
        assert_eq!(body.byte(), Ok(0));
        assert_eq!(body.byte(), Err(Malformed));
        assert_eq!(body.string(), Err(Malformed));
    }
}
