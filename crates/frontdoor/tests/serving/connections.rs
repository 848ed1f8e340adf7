//! What happens on one HTTP/1.1 connection, and health.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Answer, PANIC, QUICK, Server, signed, signed_bytes};

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for _ in 0..3 {
        assert_eq!(client.call(QUICK).await, Answer::ok());
    }
    // A refusal does not end it.
    let mut unsigned = signed(QUICK, "{}");
    unsigned.headers_mut().remove("authorization");
    let refused = client.send(unsigned).await;
    assert_eq!(
        refused.error(),
        (403, "MissingAuthenticationTokenException")
    );
    assert_eq!(client.call(QUICK).await, Answer::ok());
}

#[tokio::test]
async fn requests_that_are_sent_ahead_are_answered_in_order() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let good = signed_bytes(QUICK, "{}");
    let bad = signed_bytes(QUICK, "[]");
    stream
        .write_all(&[good.clone(), bad, good].concat())
        .await
        .unwrap();
    let mut answers = String::new();
    while answers.matches("\r\n\r\n").count() < 3 {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "{answers}");
        answers.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    let answers = answers.split("HTTP/1.1 ").skip(1);
    let statuses: Vec<_> = answers.filter_map(|answer| answer.lines().next()).collect();
    assert_eq!(statuses, ["200 OK", "400 Bad Request", "200 OK"]);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_connection_lives_on() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for _ in 0..2 {
        let answer = client.call(PANIC).await;
        assert_eq!(answer.error(), (500, "InternalServerException"));
        assert!(!answer.1.to_string().contains("bug"), "{answer:?}");
        assert_eq!(client.call(QUICK).await, Answer::ok());
    }
}

#[tokio::test]
async fn a_client_that_goes_away_takes_nothing_with_it() {
    let server = Server::start().await;
    let call = signed_bytes(QUICK, "{}");
    for length in [0, 1, 10, call.len() - 1, call.len()] {
        let mut stream = server.connect().await;
        stream.write_all(&call[..length]).await.unwrap();
    }
    assert_eq!(server.client().await.call(QUICK).await, Answer::ok());
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = Server::start().await;
    // The first bytes of TLS, of SSH, and of nothing at all.
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"SSH-2.0-x\r\n",
        b"\0\0\0\0",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = crate::support::rest(&mut stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
            "{answer}"
        );
    }
    assert_eq!(server.client().await.call(QUICK).await, Answer::ok());
}

#[tokio::test]
async fn health_tells_whether_the_server_can_serve() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let health = || {
        let request = Request::get("/health").header("host", "localhost");
        request.body(Bytes::new()).unwrap()
    };
    let well = Answer(StatusCode::OK, json!({"status": "ok"}));
    assert_eq!(client.send(health()).await, well);
    server.set_healthy(false);
    let ill = Answer(
        StatusCode::SERVICE_UNAVAILABLE,
        json!({"status": "unavailable"}),
    );
    assert_eq!(client.send(health()).await, ill);
    // Operations answer as well as they can.
    assert_eq!(client.call(QUICK).await, Answer::ok());
    server.set_healthy(true);
    assert_eq!(client.send(health()).await, well);
}
