//! How connections begin, and how those end that do not go on.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::super::Accepted;
use super::error;
use crate::testing::{Client, ID, Message, Token, World, cancel_request, framed, next, startup};

/// What is answered to these bytes without TLS, to the end.
async fn answer(world: &World, bytes: &[u8]) -> Vec<u8> {
    let (mut client, server) = tokio::io::duplex(65_536);
    let accepted = Accepted {
        stream: server,
        network: Arc::new(world.network.clone()),
    };
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let begin = accepted.begin(&world.gateway, std::future::pending());
    let (connected, read) = tokio::join!(begin, client.read_to_end(&mut answer));
    assert!(connected.is_none());
    read.unwrap();
    answer
}

fn request(code: u32) -> Vec<u8> {
    framed(&code.to_be_bytes())
}

#[tokio::test]
async fn without_tls_nobody_comes_in() {
    let world = World::new();
    let gss = request(80_877_104);
    let plain = "SSL is mandatory: unable to accept an unencrypted connection";
    let length = "invalid length of startup packet";
    for (bytes, first, message) in [
        (startup(&[("user", "admin")]), "", plain),
        (
            [gss.clone(), startup(&[("user", "a")])].concat(),
            "N",
            plain,
        ),
        (
            [gss.clone(), gss.clone()].concat(),
            "N",
            "GSSAPI encryption has been refused already",
        ),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "", length),
        (b"\0\0\x27\x11".to_vec(), "", length),
        (b"\0\0\0\x07".to_vec(), "", length),
        (
            b"\0\0\0\x08\0\x02\0\0".to_vec(),
            "",
            "unsupported frontend protocol 2.0: server supports 3.0 to 3.0",
        ),
    ] {
        let answer = answer(&world, &bytes).await;
        let rest = answer.strip_prefix(first.as_bytes()).unwrap();
        let message_of = Message {
            tag: 'E',
            body: rest[5..].to_vec(),
        };
        assert_eq!(message_of.field(b'M'), message);
    }
    for (bytes, expected) in [
        (&b""[..], &b""[..]),
        (b"\0\0", b""),
        (b"\0\0\0\x09\0\x03", b""),
        (&request(80_877_103), b"S"),
        (&gss, b"N"),
    ] {
        assert_eq!(answer(&world, bytes).await, expected);
    }
}

#[tokio::test]
async fn what_comes_before_tls_is_not_read_as_if_it_had_come_in_tls() {
    let world = World::new();
    let bytes = [request(80_877_103), startup(&[("user", "admin")])].concat();
    let answer = answer(&world, &bytes).await;
    // A TLS alert, or nothing.
    assert!(matches!(*answer, [b'S'] | [b'S', 0x15, ..]), "{answer:?}");
}

#[tokio::test]
async fn another_protocol_within_tls_is_refused() {
    let world = World::new();
    let mut client = Client::new(&world);
    client.direct = true;
    client.tls.alpn_protocols = vec![b"h2".to_vec()];
    let (mut ours, server) = tokio::io::duplex(65_536);
    let accepted = Accepted {
        stream: server,
        network: Arc::new(world.network.clone()),
    };
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client.tls));
    let name = client.name.try_into().unwrap();
    let begin = accepted.begin(&world.gateway, std::future::pending());
    let (connected, secured) = tokio::join!(begin, connector.connect(name, &mut ours));
    assert!(connected.is_none() && secured.is_err());
}

#[tokio::test]
async fn a_newer_protocol_is_negotiated_down() {
    let world = World::new();
    let mut client = Client::new(&world);
    let body = b"\0\x03\0\x02user\0admin\0_pq_.report\0x\0\0";
    client.startup = framed(body);
    client.password = Some(Token::admin().sign());
    let messages = client.run(&world).await;
    let tags: String = messages.iter().map(|message| message.tag).collect();
    assert_eq!(tags, "vRRSSSSKZ");
    assert_eq!(messages[0].body, b"\0\x03\0\0\0\0\0\x01_pq_.report\0");
}

#[tokio::test]
async fn in_tls_a_startup_message_must_follow_and_then_a_password() {
    let world = World::new();
    let user = startup(&[("user", "admin")]);
    let long = [&b"p\0\0\x40\x06"[..], &[b'x'; 16_385], b"\0"].concat();
    for (bytes, expected) in [
        (
            request(80_877_103),
            "08P01 the connection is encrypted already",
        ),
        (
            request(80_877_104),
            "08P01 the connection is encrypted already",
        ),
        (
            b"\0\x01\0\0".to_vec(),
            "08P01 invalid length of startup packet",
        ),
        (
            startup(&[("user", "admin"), ("database", "x")]),
            "3D000 database \"x\" does not exist",
        ),
        (
            [&user[..], b"Q\0\0\0\x05\0"].concat(),
            "08P01 expected password response",
        ),
        (
            [&user[..], b"p\0\0\0\x04"].concat(),
            "08P01 invalid message length",
        ),
        (
            [&user[..], b"p\xff\xff\xff\xff"].concat(),
            "08P01 invalid message length",
        ),
        ([&user[..], &long].concat(), "08P01 invalid message length"),
        (
            [&user[..], b"p\0\0\0\x05x"].concat(),
            "08P01 invalid password packet size",
        ),
        (
            [&user[..], b"p\0\0\0\x07x\0\0"].concat(),
            "08P01 invalid password packet size",
        ),
        (
            [&user[..], b"p\0\0\0\x06\xff\0"].concat(),
            "22021 invalid byte sequence for encoding \"UTF8\"",
        ),
        (
            [&user[..], b"p\0\0\0\x05\0"].concat(),
            "08006 unable to accept connection, access denied | The password is not an \
             authentication token of Aurora DSQL.",
        ),
    ] {
        let messages = silence_after(&world, bytes).await;
        assert_eq!(error(&messages), expected);
    }
}

/// What a client is answered that sends these bytes in TLS and then nothing.
async fn silence_after(world: &World, bytes: Vec<u8>) -> Vec<Message> {
    let mut client = Client::new(world);
    client.startup = bytes;
    let (ours, server) = tokio::io::duplex(65_536);
    let accepted = Accepted {
        stream: server,
        network: Arc::new(world.network.clone()),
    };
    let begin = accepted.begin(&world.gateway, std::future::pending());
    let talk = async { silent(&mut client.secure(ours).await).await };
    let (messages, connected) = tokio::join!(talk, begin);
    assert!(connected.is_none());
    messages
}

/// Reads to the end without answering.
async fn silent(stream: &mut (impl AsyncRead + Unpin)) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(message) = next(stream).await {
        messages.push(message);
    }
    messages
}

#[tokio::test]
async fn a_client_that_goes_away_when_asked_for_a_password_is_told_nothing() {
    let world = World::new();
    let messages = Client::new(&world).run(&world).await;
    let tags: String = messages.iter().map(|message| message.tag).collect();
    assert_eq!(tags, "R");
}

#[tokio::test]
async fn a_cancel_key_works_with_and_without_tls_while_the_session_lasts() {
    let world = World::new();
    let mut client = Client::new(&world);
    client.password = Some(Token::admin().sign());
    let (_, connected) = client.session(&world).await;
    let connected = connected.unwrap();
    let (process, secret) = connected.cancel.key();
    let cancel = async |process: i32, secret: i32, in_tls: bool| {
        let request = cancel_request(process, secret);
        if in_tls {
            let mut client = Client::new(&world);
            client.startup = request;
            assert_eq!(client.run(&world).await, []);
        } else {
            assert_eq!(answer(&world, &request).await, b"");
        }
        world.databases.cancelled().len()
    };
    assert_eq!(cancel(process, secret, false).await, 1);
    assert_eq!(cancel(process, secret, true).await, 2);
    assert_eq!(cancel(process, secret ^ 1, false).await, 2);
    assert_eq!(cancel(process ^ 1, secret, true).await, 2);
    let target = (ID.to_owned(), 4_711, 815);
    assert!(
        world
            .databases
            .cancelled()
            .iter()
            .all(|found| *found == target)
    );
    drop(connected);
    assert_eq!(cancel(process, secret, false).await, 2);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_log_in_in_time_is_let_go() {
    let world = World::new();
    let begin = |stream| {
        let network = Arc::new(world.network.clone());
        let accepted = Accepted { stream, network };
        accepted.begin(&world.gateway, std::future::pending())
    };
    // Nothing at all, and nothing after `S`.
    for bytes in [Vec::new(), request(80_877_103), b"\x16".to_vec()] {
        let (mut client, server) = tokio::io::duplex(65_536);
        client.write_all(&bytes).await.unwrap();
        let started = tokio::time::Instant::now();
        assert!(begin(server).await.is_none());
        assert_eq!(started.elapsed().as_secs(), 60);
    }
    // No password.
    let (client, server) = tokio::io::duplex(65_536);
    let talk = async { silent(&mut Client::new(&world).secure(client).await).await };
    let (messages, connected) = tokio::join!(talk, begin(server));
    assert!(connected.is_none());
    assert_eq!(
        error(&messages),
        "57014 canceling authentication due to timeout"
    );
    // A database that does not answer.
    world.databases.hang();
    let messages = world.login("admin", &Token::admin().sign()).await;
    assert_eq!(
        error(&messages),
        "57014 canceling authentication due to timeout"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_about_to_log_in_hears_that_the_server_ends() {
    let world = World::new();
    let (client, server) = tokio::io::duplex(65_536);
    let network = Arc::new(world.network.clone());
    let accepted = Accepted {
        stream: server,
        network,
    };
    let ending = tokio::time::sleep(Duration::from_secs(5));
    let talk = async { silent(&mut Client::new(&world).secure(client).await).await };
    let (messages, connected) = tokio::join!(talk, accepted.begin(&world.gateway, ending));
    assert!(connected.is_none());
    let expected = "57P01 terminating connection due to administrator command";
    assert_eq!(error(&messages), expected);
}
