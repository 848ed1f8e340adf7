//! Connections: accepting them, bounding what one may cost, draining them at shutdown.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use iam::Keys;
use iam::condition_keys::Network;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::error::WireError;

use crate::listener::Listener;
use crate::pipeline::{FrontDoor, Health};

/// The largest request body, in bytes: the service's quota for an authorization request, which
/// is far above what any other operation can need.
pub const MAX_BODY_BYTES: usize = 1_048_576;

/// How long a client may take to send a request's headers, and then its body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of a request line with its headers. A security token takes 8 KiB of them.
const MAX_HEADER_BYTES: u32 = 65_536;

/// How long the listener rests when the process has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves HTTP/1.1 and HTTP/2 (prior knowledge) on `socket`, which listens as `listener` says,
/// until `shutdown` resolves; then stops accepting and waits up to `drain` for requests under way.
/// Connections take their turns when `connections` has no more permits: listeners may share it.
pub async fn serve<K, H>(
    socket: TcpListener,
    listener: Listener,
    front_door: Arc<FrontDoor<K, H>>,
    connections: Arc<Semaphore>,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) where
    K: Keys + Send + Sync + 'static,
    H: Health + 'static,
{
    let builder = http();
    let listener = Arc::new(listener);
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (permit, accepted) = tokio::select! {
            accepted = accept(&socket, &connections) => accepted,
            () = &mut shutdown => break,
        };
        let (mut stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small answers must not wait for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let (front_door, listener) = (Arc::clone(&front_door), Arc::clone(&listener));
        let (builder, watcher) = (builder.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            let network = listener.network(peer.ip(), &mut stream);
            let network = match tokio::time::timeout(READ_TIMEOUT, network).await {
                Ok(Ok(network)) => network,
                Ok(Err(error)) => return tracing::warn!(%peer, %error, "a connection was refused"),
                Err(_) => return tracing::debug!("a connection brought no PROXY header in time"),
            };
            let activity = Arc::new(Activity::default());
            let silence = silence(Arc::clone(&activity));
            let service = service_fn(move |request: Request<Incoming>| {
                let under_way = Activity::begin(&activity);
                let network = listener.forwarded(&network, request.headers());
                let answer = answer(Arc::clone(&front_door), request, network);
                async move {
                    let _under_way = under_way;
                    answer.await
                }
            });
            let connection = builder
                .serve_connection(TokioIo::new(stream), service)
                .into_owned();
            tokio::select! {
                ended = watcher.watch(connection) => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended with an error");
                },
                () = silence => tracing::debug!("a connection brought no request for too long"),
            }
        });
    }
    drop(socket);
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way when the drain time ended");
    }
}

/// The settings of every connection.
fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(MAX_HEADER_BYTES as usize)
        .header_read_timeout(READ_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        // Finds out that a peer is gone, or stopped in the middle of a request's headers.
        .keep_alive_interval(READ_TIMEOUT)
        .max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(256);
    builder
}

/// Waits for a permit, and with it for a connection.
async fn accept(
    socket: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (
    Option<OwnedSemaphorePermit>,
    std::io::Result<(TcpStream, SocketAddr)>,
) {
    // The semaphore is never closed.
    let permit = Arc::clone(connections).acquire_owned().await.ok();
    (permit, socket.accept().await)
}

/// The requests of a connection.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request under way.
struct UnderWay(Arc<Activity>);

impl Activity {
    fn begin(activity: &Arc<Self>) -> UnderWay {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Resolves when no request was under way on a connection for a whole [`READ_TIMEOUT`]. HTTP/1 has
/// a timeout for headers, but it begins only when the connection is known not to be HTTP/2, whose
/// connections may be silent for as long as they answer pings.
async fn silence(activity: Arc<Activity>) {
    let mut seen = 0;
    loop {
        tokio::time::sleep(READ_TIMEOUT).await;
        let begun = activity.begun.load(Ordering::Relaxed);
        if begun == seen && activity.ended.load(Ordering::Relaxed) == begun {
            return;
        }
        seen = begun;
    }
}

async fn answer<K, H>(
    front_door: Arc<FrontDoor<K, H>>,
    request: Request<Incoming>,
    network: Option<Arc<Network>>,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    K: Keys + Send + Sync + 'static,
    H: Health + 'static,
{
    let read = collect(request).await;
    let response = match (read, network) {
        (Ok(request), Some(network)) => front_door.handle(request, &network).await,
        (Ok(request), None) => {
            let error = WireError::serialization("X-Forwarded-For names no address");
            let request_id = base::request_id(front_door.entropy.as_ref());
            tracing::warn!(request_id, "a proxy told no address of its client");
            front_door.refuse(&request, &request_id, &error)
        }
        (Err((head, error)), _) => {
            let request_id = base::request_id(front_door.entropy.as_ref());
            tracing::info!(
                request_id,
                error = error.code,
                "request refused while reading it"
            );
            front_door.refuse(&head, &request_id, &error)
        }
    };
    Ok(response.map(Full::new))
}

/// Reads the body within the limits; without it, what came before it and why.
async fn collect(
    request: Request<Incoming>,
) -> Result<Request<Bytes>, (Request<Bytes>, WireError)> {
    let (mut parts, body) = request.into_parts();
    // HTTP/2 sends the host as `:authority`; the signature covers it under the name `host`.
    if !parts.headers.contains_key(header::HOST)
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(header::HOST, host);
    }
    match read(body).await {
        Ok(body) => Ok(Request::from_parts(parts, body)),
        Err(error) => Err((Request::from_parts(parts, Bytes::new()), error)),
    }
}

async fn read(body: Incoming) -> Result<Bytes, WireError> {
    let body = tokio::time::timeout(READ_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect())
        .await
        .map_err(|_| WireError::request_timeout())?
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                WireError::too_large()
            } else {
                WireError::serialization("The request body could not be read")
            }
        })?;
    Ok(body.to_bytes())
}
