use proptest::prelude::*;

use super::*;

const START: &[u8] = b"\0\x03\0\0";

fn refusal(body: &[u8]) -> String {
    let refusal = read(body).unwrap_err();
    format!("{} {}", refusal.sqlstate, refusal.message)
}

#[test]
fn a_packet_is_known_by_its_code() {
    for (body, packet) in [
        (&b"\x04\xd2\x16\x2f"[..], Packet::Ssl),
        (b"\x04\xd2\x16\x30", Packet::GssEncryption),
        (
            b"\x04\xd2\x16\x2e\0\0\0\x07\xff\xff\xff\xfe",
            Packet::Cancel {
                process: 7,
                secret: -2,
            },
        ),
    ] {
        assert_eq!(read(body), Ok(packet));
    }
}

#[test]
fn a_startup_message_is_a_list_of_pairs() {
    for (body, minor, parameters, options) in [
        (&b"\0\x03\0\0\0"[..], 0, &[][..], &[][..]),
        (
            b"\0\x03\0\0user\0admin\0database\0\0\0",
            0,
            &[("user", "admin"), ("database", "")],
            &[],
        ),
        (
            b"\0\x03\0\x02user\0a\0_pq_.x\0y\0user\0b\0\0",
            2,
            &[("user", "a"), ("user", "b")],
            &["_pq_.x"],
        ),
    ] {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let expected = Startup {
            minor,
            parameters: parameters.iter().map(owned).collect(),
            protocol_options: options.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(read(body), Ok(Packet::Startup(expected)));
    }
}

#[test]
fn other_packets_are_refused() {
    let layout = "08P01 invalid startup packet layout: expected terminator as last byte";
    let length = "08P01 invalid length of startup packet";
    for (body, expected) in [
        (&b""[..], length),
        (b"\0\x03\0", length),
        (b"\x04\xd2\x16\x2e\0\0\0\x07", length),
        (b"\x04\xd2\x16\x2e\0\0\0\x07\0\0\0\x07\0", length),
        (
            b"\0\x02\0\0user\0",
            "0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.0",
        ),
        (
            b"\x04\xd2\x16\x2fx",
            "0A000 unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0",
        ),
        (b"\0\x03\0\0", layout),
        (b"\0\x03\0\0user", layout),
        (b"\0\x03\0\0user\0", layout),
        (b"\0\x03\0\0user\0admin", layout),
        (b"\0\x03\0\0user\0admin\0", layout),
        (b"\0\x03\0\0user\0admin\0\0more", layout),
        (
            b"\0\x03\0\0user\0\xff\0\0",
            "22021 invalid byte sequence for encoding \"UTF8\"",
        ),
    ] {
        assert_eq!(refusal(body), expected, "{body:?}");
    }
}

#[test]
fn a_length_is_bounded_before_anything_is_allocated() {
    for (length, expected) in [
        (0, None),
        (7, None),
        (8, Some(4)),
        (10_000, Some(9_996)),
        (10_001, None),
        (u32::MAX, None),
    ] {
        assert_eq!(body_length(length.to_be_bytes()).ok(), expected, "{length}");
    }
}

#[test]
fn only_who_wants_more_is_told_the_version() {
    let startup = |minor, options: &[&str]| Startup {
        minor,
        parameters: Vec::new(),
        protocol_options: options.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(negotiation(&startup(0, &[])), None);
    let message = negotiation(&startup(2, &[])).unwrap();
    assert_eq!(message, &b"v\0\0\0\x0c\0\x03\0\0\0\0\0\0"[..]);
    let message = negotiation(&startup(0, &["_pq_.x"])).unwrap();
    assert_eq!(message, &b"v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0"[..]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..64), start: bool) {
        let body = if start { [START, &body].concat() } else { body };
        let _ = read(&body);
    }

    #[test]
    fn what_is_written_is_read(pairs in prop::collection::vec(("[a-z]{1,9}", "[^\0]{0,9}"), 0..9)) {
        let mut body = START.to_vec();
        for (name, value) in &pairs {
            body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
        }
        body.push(0);
        let Ok(Packet::Startup(startup)) = read(&body) else {
            panic!("no startup message");
        };
        prop_assert_eq!(startup.parameters, pairs);
    }
}
