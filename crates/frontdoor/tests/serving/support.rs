//! A server of three operations on a socket of this machine, and clients for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use base::Timestamp;
use bytes::Bytes;
use frontdoor::{
    Asked, FrontDoor, Health, Listener, Operation, Permission, RequestContext, Service, serve,
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use iam::account::Accounts;
use iam::decision_log::NoLog;
use model::verified_permissions::{OPERATIONS, SERVICE};
use serde_json::{Value, json};
use testkit::{ADMIN, ManualClock, REGION, SeededEntropy, account_file, signed_request};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::task::JoinHandle;
use wire::error::WireError;

/// 2026-01-01T00:00:00Z, at which the clock stands.
const NOW: u64 = 1_767_225_600;

/// Where the operation [`SLOW`] is, and what it waits for.
#[derive(Default)]
pub(crate) struct Gate {
    begun: Notify,
    open: Notify,
}

impl Gate {
    /// Waits until the operation has begun.
    pub(crate) async fn begun(&self) {
        let begun = tokio::time::timeout(Duration::from_secs(60), self.begun.notified());
        begun.await.expect("the operation does not begin");
    }

    /// Lets the operation end.
    pub(crate) fn open(&self) {
        self.open.notify_one();
    }
}

/// Answers `{}` at once.
pub(crate) const QUICK: &str = "ListPolicyStores";
/// Answers `{}` when its gate is opened.
pub(crate) const SLOW: &str = "ListPolicyStoreAliases";
/// Panics.
pub(crate) const PANIC: &str = "IsAuthorized";

/// An input that is good for all of them.
pub(crate) const INPUT: &str = r#"{"policyStoreId":"p"}"#;

struct Quick;
struct Slow;
struct Panic;

macro_rules! operation {
    ($operation:ident, $name:expr, $state:ident => $body:expr) => {
        impl Operation for $operation {
            type State = Gate;
            type Input = Value;
            type Output = Value;
            type Error = WireError;

            const NAME: &'static str = $name;

            async fn permissions<'a>(
                _: &'a Arc<Gate>,
                _: &'a Asked,
                _: &'a Value,
            ) -> Result<Vec<Permission<'a>>, WireError> {
                Ok(Vec::new())
            }

            async fn call(
                $state: &Arc<Gate>,
                _: RequestContext,
                _: Value,
            ) -> Result<Value, WireError> {
                $body
            }
        }
    };
}

operation!(Quick, QUICK, _state => Ok(json!({})));
operation!(Slow, SLOW, state => {
    state.begun.notify_one();
    state.open.notified().await;
    Ok(json!({}))
});
operation!(Panic, PANIC, _state => panic!("an operation's bug"));

struct Switch(Arc<AtomicBool>);

impl Health for Switch {
    async fn check(&self) -> Result<(), String> {
        let healthy = self.0.load(Ordering::SeqCst);
        healthy
            .then_some(())
            .ok_or_else(|| "the store is gone".to_owned())
    }
}

/// A server and the handles to it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Arc<Gate>,
    healthy: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    /// Ends when the server has.
    pub(crate) served: JoinHandle<()>,
}

impl Server {
    /// Starts it; it drains for up to ten seconds.
    pub(crate) async fn start() -> Self {
        let gate = Arc::new(Gate::default());
        let healthy = Arc::new(AtomicBool::new(true));
        let service = Service::new(&SERVICE, OPERATIONS)
            .with::<Quick>(&gate)
            .with::<Slow>(&gate)
            .with::<Panic>(&gate);
        let micros = i64::try_from(NOW).unwrap() * 1_000_000;
        let front_door = FrontDoor {
            regions: Some(vec![REGION.parse().unwrap()]),
            clock: Arc::new(ManualClock::new(Timestamp::from_unix_micros(micros))),
            entropy: Arc::new(SeededEntropy::new(1)),
            keys: Accounts::parse(&account_file(&[ADMIN])).unwrap(),
            decisions: Arc::new(NoLog),
            services: vec![service],
            health: Switch(Arc::clone(&healthy)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        let served = serve(
            listener,
            Listener::new(address),
            Arc::new(front_door),
            Arc::new(Semaphore::new(64)),
            stopped,
            Duration::from_secs(10),
        );
        let (stop, served) = (Some(stop), tokio::spawn(served));
        tokio::spawn(small_steps());
        Self {
            address,
            gate,
            healthy,
            stop,
            served,
        }
    }

    pub(crate) fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::SeqCst);
    }

    /// Asks it to shut down.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        // Else bytes may wait for an acknowledgement while a paused clock runs away.
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A client with one HTTP/1.1 connection.
    pub(crate) async fn client(&self) -> Http1 {
        let (client, connection) = handshake(TokioIo::new(self.connect().await)).await.unwrap();
        tokio::spawn(connection);
        Http1(client)
    }
}

/// A paused clock jumps to the next timer whenever no task has anything to do, without waiting
/// for bytes on their way through a socket. With a timer always near, no jump is a long one.
async fn small_steps() {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A client on one connection: when the server closes it, every later call fails.
pub(crate) struct Http1(SendRequest<Full<Bytes>>);

impl Http1 {
    pub(crate) async fn send(&mut self, request: Request<Bytes>) -> Answer {
        self.0.ready().await.unwrap();
        Answer::read(self.0.send_request(request.map(Full::new)).await.unwrap()).await
    }

    /// Calls an operation.
    pub(crate) async fn call(&mut self, operation: &str) -> Answer {
        self.send(signed(operation, INPUT)).await
    }
}

/// A signed call.
pub(crate) fn signed(operation: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    signed_request(ADMIN, now, operation, body)
}

/// The bytes of a signed call on an HTTP/1.1 connection.
pub(crate) fn signed_bytes(operation: &str, body: &str) -> Vec<u8> {
    let request = signed(operation, body.to_owned());
    let mut head = "POST / HTTP/1.1\r\n".to_owned();
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Status and body of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer(pub(crate) StatusCode, pub(crate) Value);

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Self(status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) fn ok() -> Self {
        Self(StatusCode::OK, json!({}))
    }

    /// Status and error code.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.0.as_u16(), self.1["__type"].as_str().unwrap())
    }
}

/// What the server still sends until it closes the connection.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
