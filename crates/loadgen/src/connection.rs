//! Keep-alive connections that send one request after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use testkit::{ADMIN, signed_request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Fault;

/// Where one kind of request goes.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) operation: &'static str,
    pub(crate) bodies: Bodies,
}

/// What is sent.
#[derive(Clone)]
pub(crate) enum Bodies {
    /// The same again and again.
    One(String),
    /// Each of them once.
    Each(Arc<[String]>),
}

impl Bodies {
    /// Those of one connection of so many.
    fn share(&self, at: usize, connections: usize) -> Vec<&String> {
        match self {
            Self::One(body) => vec![body],
            Self::Each(bodies) => bodies.iter().skip(at).step_by(connections).collect(),
        }
    }
}

/// What a phase came to. Latencies in microseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50: u32,
    pub(crate) p99: u32,
    pub(crate) requests: usize,
}

/// Sends the request from `connections` connections for `time`.
pub(crate) async fn drive(
    target: &Target,
    connections: usize,
    time: Duration,
) -> Result<Measured, Fault> {
    // Signed once: within five minutes a server accepts the same request again, and verifies it
    // each time, while the load generator keeps its core for sending.
    let sign_share = |at| {
        let share = target.bodies.share(at, connections).into_iter();
        share
            .map(|body| sign(target.operation, body))
            .collect::<Vec<_>>()
    };
    let requests: Vec<_> = (0..connections).map(sign_share).collect();
    let again = matches!(target.bodies, Bodies::One(_));
    let (address, started) = (target.address, now());
    let mut tasks = JoinSet::new();
    for requests in requests {
        tasks.spawn(async move { send_all(address, requests, again, started + time).await });
    }
    let mut latencies = Vec::new();
    while let Some(finished) = tasks.join_next().await {
        latencies.extend(finished??);
    }
    let seconds = (now() - started).as_secs_f64();
    latencies.sort_unstable();
    let quantile = |percent: usize| {
        let at = latencies.len() * percent / 100;
        latencies.get(at).copied().unwrap_or_default()
    };
    Ok(Measured {
        requests: latencies.len(),
        per_second: latencies.len() as f64 / seconds,
        p50: quantile(50),
        p99: quantile(99),
    })
}

/// One connection's latencies.
async fn send_all(
    address: SocketAddr,
    requests: Vec<Request<Full<Bytes>>>,
    again: bool,
    end: Instant,
) -> Result<Vec<u32>, Fault> {
    let mut connection = connect(address).await?;
    let mut latencies = Vec::new();
    loop {
        for request in &requests {
            let sent = now();
            if sent >= end {
                return Ok(latencies);
            }
            send(&mut connection, request.clone()).await?;
            latencies.push(u32::try_from((now() - sent).as_micros()).unwrap_or(u32::MAX));
        }
        if !again || requests.is_empty() {
            return Ok(latencies);
        }
    }
}

/// Sends the request once and gives the answer's body.
pub(crate) async fn once(
    address: SocketAddr,
    operation: &'static str,
    body: &str,
) -> Result<Bytes, Fault> {
    send(&mut connect(address).await?, sign(operation, body)).await
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Fault> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Bytes, Fault> {
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status == StatusCode::OK {
        return Ok(body);
    }
    Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
}

fn sign(operation: &'static str, body: &str) -> Request<Full<Bytes>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "requests are signed for the real time"
    )]
    let at = SystemTime::now();
    let mut request = signed_request(ADMIN, at, operation, body.to_owned());
    // In HTTP/1.1 the request line has the path alone.
    *request.uri_mut() = http::Uri::from_static("/");
    request.map(Full::new)
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for"
)]
fn now() -> Instant {
    Instant::now()
}
