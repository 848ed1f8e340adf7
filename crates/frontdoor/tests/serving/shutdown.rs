//! Shutting down: what is under way is finished, within limits.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{Answer, QUICK, SLOW, Server};

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let mut server = Server::start().await;
    let mut client = server.client().await;
    let slow = tokio::spawn(async move { client.call(SLOW).await });
    server.gate.begun().await;
    server.stop();
    // Nobody new is let in.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.served.is_finished());
    assert!(!slow.is_finished());
    server.gate.open();
    assert_eq!(slow.await.unwrap(), Answer::ok());
    server.served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn connections_that_only_wait_do_not_delay_the_end() {
    let mut server = Server::start().await;
    let _silent = server.connect().await;
    let mut client = server.client().await;
    assert_eq!(client.call(QUICK).await, Answer::ok());
    let start = Instant::now();
    server.stop();
    server.served.await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_end_is_given_up_when_the_drain_time_is_over() {
    let mut server = Server::start().await;
    let mut client = server.client().await;
    let slow = tokio::spawn(async move { client.call(SLOW).await });
    server.gate.begun().await;
    let start = Instant::now();
    server.stop();
    server.served.await.unwrap();
    let waited = start.elapsed();
    assert!(
        (Duration::from_secs(10)..Duration::from_secs(11)).contains(&waited),
        "{waited:?}"
    );
    assert!(!slow.is_finished());
}
