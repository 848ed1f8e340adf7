//! What one request may cost: bytes and time.

use std::time::Duration;

use frontdoor::MAX_BODY_BYTES;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::support::{Answer, QUICK, Server, rest, signed, signed_bytes};

/// How long a client may take for its headers, and then for its body.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON object of this many bytes.
fn object(bytes: usize) -> String {
    format!("{{{}}}", " ".repeat(bytes - 2))
}

#[tokio::test]
async fn a_body_has_at_most_a_mebibyte() {
    assert_eq!(MAX_BODY_BYTES, 1024 * 1024);
    let server = Server::start().await;
    let answer = server
        .client()
        .await
        .send(signed(QUICK, object(MAX_BODY_BYTES)))
        .await;
    assert_eq!(answer, Answer::ok());
    for bytes in [MAX_BODY_BYTES + 1, 2 * MAX_BODY_BYTES, 8 * MAX_BODY_BYTES] {
        let answer = server
            .client()
            .await
            .send(signed(QUICK, object(bytes)))
            .await;
        assert_eq!(
            answer.error(),
            (413, "RequestEntityTooLargeException"),
            "{bytes}"
        );
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_has_the_same_limit() {
    let server = Server::start().await;
    for (bytes, status) in [
        (MAX_BODY_BYTES, "200 OK"),
        (MAX_BODY_BYTES + 1, "413 Payload Too Large"),
    ] {
        let mut stream = server.connect().await;
        let body = object(bytes);
        let mut call = String::from_utf8(signed_bytes(QUICK, &body)).unwrap();
        call.truncate(call.find("content-length").unwrap());
        call.push_str("transfer-encoding: chunked\r\nconnection: close\r\n\r\n");
        for chunk in body.as_bytes().chunks(65_536) {
            let chunk = std::str::from_utf8(chunk).unwrap();
            call.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
        }
        call.push_str("0\r\n\r\n");
        stream.write_all(call.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{answer}"
        );
    }
}

/// Sends the bytes and nothing more: what comes back, and how long the server waited.
async fn stall(bytes: &[u8]) -> (String, Duration) {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(bytes).await.unwrap();
    let start = Instant::now();
    let answer = tokio::time::timeout(10 * PATIENCE, rest(&mut stream)).await;
    let waited = start.elapsed();
    // Others were served all the time.
    assert_eq!(server.client().await.call(QUICK).await, Answer::ok());
    (answer.expect("the server waits for ever"), waited)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_in_the_headers_is_cut_off() {
    let call = signed_bytes(QUICK, "{}");
    let head = call
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    for length in [30, head, head + 3] {
        let (answer, waited) = stall(&call[..length]).await;
        assert_eq!(answer, "", "{length}");
        assert!(
            (PATIENCE..2 * PATIENCE).contains(&waited),
            "{length}: {waited:?}"
        );
        // The same in a later request.
        let (answer, waited) = stall(&[&call[..], &call[..length]].concat()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(
            (PATIENCE..2 * PATIENCE).contains(&waited),
            "{length}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_cut_off() {
    // Nothing, the beginning of a method, and of what opens HTTP/2.
    for bytes in [
        &b""[..],
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let (_, waited) = stall(bytes).await;
        assert!(
            (PATIENCE..2 * PATIENCE).contains(&waited),
            "{bytes:?}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_in_the_body_is_told_so() {
    let call = signed_bytes(QUICK, "{  }");
    let (answer, waited) = stall(&call[..call.len() - 1]).await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
    assert!(answer.contains("RequestTimeoutException"), "{answer}");
    assert!((PATIENCE..2 * PATIENCE).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_that_goes_on_is_served() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let call = String::from_utf8(signed_bytes(QUICK, "{  }")).unwrap();
    let call = call.replace("host:", "connection: close\r\nhost:");
    // In all longer than a client may take for either, the headers or the body.
    let (head, body) = call.as_bytes().split_at(call.len() - 2);
    let (first, second) = head.split_at(head.len() / 2);
    for (part, pause) in [(first, 20), (second, 20), (&body[..1], 5), (&body[1..], 0)] {
        stream.write_all(part).await.unwrap();
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn headers_have_at_most_64_kibibytes() {
    let server = Server::start().await;
    for (bytes, served) in [(32_000, true), (70_000, false), (1_000_000, false)] {
        let mut stream = server.connect().await;
        let call = String::from_utf8(signed_bytes(QUICK, "{}")).unwrap();
        let long = format!("x-long: {}\r\nconnection: close\r\n\r\n", "a".repeat(bytes));
        let call = call.replacen("\r\n\r\n", &format!("\r\n{long}"), 1);
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(call.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert_eq!(
            answer.starts_with("HTTP/1.1 200 "),
            served,
            "{bytes}: {answer}"
        );
        assert_eq!(server.client().await.call(QUICK).await, Answer::ok());
    }
}
