//! The first packet of a connection: a pure function of its bytes. Source: the PostgreSQL manual,
//! "Message Formats", and for the errors `ProcessStartupPacket`.

use bytes::{BufMut, Bytes};

use crate::frames;
use crate::refusal::Refusal;

/// The longest packet, with its length, in bytes: PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`.
pub(crate) const LONGEST: usize = 10_000;

/// Codes in the place of the version: 1234 in the upper half.
const CANCEL: u32 = 1234 << 16 | 5678;
const SSL: u32 = 1234 << 16 | 5679;
const GSS_ENCRYPTION: u32 = 1234 << 16 | 5680;
const VERSION_3_0: u32 = 3 << 16;

/// What a client begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Packet {
    /// `SSLRequest`
    Ssl,
    /// `GSSENCRequest`
    GssEncryption,
    /// `CancelRequest`
    Cancel {
        /// The process of `BackendKeyData`.
        process: i32,
        /// Its secret.
        secret: i32,
    },
    /// `StartupMessage`
    Startup(Startup),
}

/// A `StartupMessage` of protocol 3.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Startup {
    /// 0 of protocol 3.0.
    pub(crate) minor: u16,
    /// The parameters in their order.
    pub(crate) parameters: Vec<(String, String)>,
    /// The names of protocol options (`_pq_.…`). None is known.
    pub(crate) protocol_options: Vec<String>,
}

/// How many bytes follow the length.
///
/// # Errors
/// The packet would be too long or too short.
pub(crate) fn body_length(length: [u8; 4]) -> Result<usize, Refusal> {
    let length = u32::from_be_bytes(length) as usize;
    match length {
        8..=LONGEST => Ok(length - 4),
        _ => Err(invalid_length()),
    }
}

/// Reads what follows the length.
///
/// # Errors
/// PostgreSQL's, for another version or a malformed packet.
pub(crate) fn read(body: &[u8]) -> Result<Packet, Refusal> {
    let Some((code, rest)) = body.split_first_chunk::<4>() else {
        return Err(invalid_length());
    };
    match u32::from_be_bytes(*code) {
        SSL if rest.is_empty() => Ok(Packet::Ssl),
        GSS_ENCRYPTION if rest.is_empty() => Ok(Packet::GssEncryption),
        CANCEL => match rest {
            [process @ .., a, b, c, d] if process.len() == 4 => Ok(Packet::Cancel {
                process: i32::from_be_bytes(process.try_into().unwrap_or_default()),
                secret: i32::from_be_bytes([*a, *b, *c, *d]),
            }),
            _ => Err(invalid_length()),
        },
        version if version & 0xffff_0000 == VERSION_3_0 => {
            let minor = u16::try_from(version & 0xffff).unwrap_or(u16::MAX);
            startup(minor, rest).map(Packet::Startup)
        }
        version => Err(Refusal::protocol_version(version)),
    }
}

fn startup(minor: u16, mut rest: &[u8]) -> Result<Startup, Refusal> {
    let layout = || {
        Refusal::protocol_violation(
            "invalid startup packet layout: expected terminator as last byte",
        )
    };
    let mut next = || {
        let end = rest.iter().position(|byte| *byte == 0).ok_or_else(layout)?;
        let (text, after) = rest.split_at_checked(end).ok_or_else(layout)?;
        rest = after.get(1..).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| Refusal::invalid_encoding())?;
        Ok::<_, Refusal>((text, rest.is_empty()))
    };
    let (mut parameters, mut protocol_options) = (Vec::new(), Vec::new());
    loop {
        let (name, last) = next()?;
        if name.is_empty() {
            return if last {
                Ok(Startup {
                    minor,
                    parameters,
                    protocol_options,
                })
            } else {
                Err(layout())
            };
        }
        let (value, _) = next()?;
        if name.starts_with("_pq_.") {
            protocol_options.push(name.to_owned());
        } else {
            parameters.push((name.to_owned(), value.to_owned()));
        }
    }
}

fn invalid_length() -> Refusal {
    Refusal::protocol_violation("invalid length of startup packet")
}

/// `NegotiateProtocolVersion`, when the client wants more than protocol 3.0.
pub(crate) fn negotiation(startup: &Startup) -> Option<Bytes> {
    if startup.minor == 0 && startup.protocol_options.is_empty() {
        return None;
    }
    let mut body = Vec::new();
    body.put_u32(VERSION_3_0);
    let options = &startup.protocol_options;
    body.put_u32(u32::try_from(options.len()).unwrap_or_default());
    for option in options {
        body.put_slice(option.as_bytes());
        body.put_u8(0);
    }
    Some(frames::whole(b'v', &body))
}

#[cfg(test)]
mod tests;
