//! HTTP/2 with prior knowledge, on the same port.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::support::{Answer, INPUT, PANIC, QUICK, SLOW, Server, rest, signed};

type Client = SendRequest<Full<Bytes>>;

async fn client(server: &Server) -> Client {
    let stream = TokioIo::new(server.connect().await);
    let (client, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn send(client: &mut Client, request: Request<Bytes>) -> Answer {
    Answer::read(client.send_request(request.map(Full::new)).await.unwrap()).await
}

/// A signed call as HTTP/2 sends it: the signed host is the authority and no header.
fn call(operation: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let mut request = signed(operation, body);
    let host = request.headers_mut().remove("host").unwrap();
    *request.uri_mut() = format!("http://{}/", host.to_str().unwrap())
        .parse()
        .unwrap();
    request
}

#[tokio::test]
async fn an_http2_call_is_served() {
    let server = Server::start().await;
    let mut client = client(&server).await;
    assert_eq!(send(&mut client, call(QUICK, "{}")).await, Answer::ok());
    let other = "http://elsewhere.test:4100/".parse().unwrap();
    let mut request = call(QUICK, "{}");
    *request.uri_mut() = other;
    let refused = send(&mut client, request).await;
    assert_eq!(refused.error(), (403, "InvalidSignatureException"));
    let refused = send(&mut client, call(QUICK, " ".repeat(1024 * 1024 + 1))).await;
    assert_eq!(refused.error(), (413, "RequestEntityTooLargeException"));
    assert_eq!(send(&mut client, call(QUICK, "{}")).await, Answer::ok());
}

#[tokio::test]
async fn calls_of_one_connection_do_not_wait_for_each_other() {
    let server = Server::start().await;
    let mut client = client(&server).await;
    let mut second = client.clone();
    let slow = tokio::spawn(async move { send(&mut second, call(SLOW, "{}")).await });
    server.gate.begun().await;
    assert_eq!(send(&mut client, call(QUICK, "{}")).await, Answer::ok());
    // Not even a panic in one of them ends the others.
    let panicked = send(&mut client, call(PANIC, INPUT)).await;
    assert_eq!(panicked.error(), (500, "InternalServerException"));
    assert!(!slow.is_finished());
    server.gate.open();
    assert_eq!(slow.await.unwrap(), Answer::ok());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_no_longer_answers_is_cut_off() {
    let server = Server::start().await;
    let stream = server.connect().await.into_std().unwrap();
    // The same connection, to see its end when its client does nothing any more.
    let mut frozen = TcpStream::from_std(stream.try_clone().unwrap()).unwrap();
    let stream = TokioIo::new(TcpStream::from_std(stream).unwrap());
    let (mut client, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => panic!("the connection has ended"),
        () = async {
            assert_eq!(send(&mut client, call(QUICK, "{}")).await, Answer::ok());
            tokio::time::sleep(Duration::from_secs(25)).await;
            assert_eq!(send(&mut client, call(QUICK, "{}")).await, Answer::ok());
        } => {}
    }
    let end = tokio::time::timeout(Duration::from_secs(90), rest(&mut frozen)).await;
    assert!(end.is_ok(), "the server waits for ever");
}

/// It answers pings, so that nothing else would end it.
#[tokio::test(start_paused = true)]
async fn a_connection_without_calls_is_ended() {
    let server = Server::start().await;
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(send(&mut client, call(QUICK, "{}")).await, Answer::ok());
    let ended = tokio::time::timeout(Duration::from_secs(90), connection).await;
    assert!(ended.is_ok(), "the server waits for ever");
    // One with a call under way is not.
    let mut client = self::client(&server).await;
    let slow = tokio::spawn(async move { send(&mut client, call(SLOW, "{}")).await });
    server.gate.begun().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    server.gate.open();
    assert_eq!(slow.await.unwrap(), Answer::ok());
}

#[tokio::test]
async fn a_call_under_way_is_finished_before_the_server_stops() {
    let mut server = Server::start().await;
    let mut client = client(&server).await;
    let slow = tokio::spawn(async move { send(&mut client, call(SLOW, "{}")).await });
    server.gate.begun().await;
    server.stop();
    tokio::task::yield_now().await;
    server.gate.open();
    assert_eq!(slow.await.unwrap(), Answer::ok());
    server.served.await.unwrap();
}
