//! What holds for any first packet of a connection.

use bytes::BufMut;

use super::packet::{Packet, Startup, body_length, negotiation, read};
use super::parameters::Requested;
use super::route::Routed;
use crate::endpoints::Endpoints;
use crate::refusal::Refusal;

/// Reads bytes as the first packet of a connection, and decides what it asks for.
///
/// # Panics
/// A property does not hold.
pub(crate) fn startup(bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    if let Err(refusal) = body_length(*length) {
        check_refusal(&refusal);
    }
    match read(body) {
        Ok(Packet::Startup(startup)) => check_startup(startup),
        Ok(Packet::Cancel { .. }) => assert_eq!(body.len(), 12),
        Ok(Packet::Ssl | Packet::GssEncryption) => assert_eq!(body.len(), 4),
        Err(refusal) => check_refusal(&refusal),
    }
}

fn check_startup(startup: Startup) {
    let again = read(&written(&startup));
    assert_eq!(again, Ok(Packet::Startup(startup.clone())));
    if let Some(message) = negotiation(&startup) {
        check_message(&message, b'v');
    }
    match Requested::read(startup) {
        Ok(requested) => check_requested(&requested),
        Err(refusal) => check_refusal(&refusal),
    }
}

/// The packet, written anew; the order of parameters and protocol options among each other does
/// not count.
fn written(startup: &Startup) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_u16(3);
    body.put_u16(startup.minor);
    let parameters = startup.parameters.iter();
    let options = startup.protocol_options.iter().map(|name| (name, ""));
    let all = parameters
        .map(|(name, value)| (name, value.as_str()))
        .chain(options);
    for (name, value) in all {
        for text in [name.as_str(), value] {
            body.put_slice(text.as_bytes());
            body.put_u8(0);
        }
    }
    body.put_u8(0);
    body
}

/// Nothing is set but what a client may set.
fn check_requested(requested: &Requested) {
    for (name, value) in &requested.settings {
        let name = name.to_ascii_lowercase();
        let known = dialect::SETTABLE.contains(&name.as_str());
        assert!(
            known || matches!(name.as_str(), "client_encoding" | "search_path"),
            "{name}"
        );
        let hidden = value.to_ascii_lowercase().contains("pg_treeline");
        assert!(name != "search_path" || !hidden, "{value}");
    }
    assert!(!requested.user.is_empty());
    let endpoints = Endpoints::new("on.aws");
    for host in [
        None,
        Some("localhost"),
        Some("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"),
        Some(requested.user.as_str()),
    ] {
        match Routed::new(requested.clone(), host, &endpoints) {
            Ok(routed) => {
                let mut characters = routed.cluster.chars();
                assert!(characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
                assert_eq!(routed.cluster.len(), 26);
            }
            Err(refusal) => check_refusal(&refusal),
        }
    }
}

fn check_refusal(refusal: &Refusal) {
    check_message(&refusal.message(), b'E');
}

fn check_message(message: &[u8], tag: u8) {
    assert_eq!(message.first(), Some(&tag));
    let length = message.get(1..).and_then(|rest| rest.first_chunk::<4>());
    let length = length.map_or(0, |length| u32::from_be_bytes(*length) as usize);
    assert_eq!(length + 1, message.len());
}
