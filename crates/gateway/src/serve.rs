//! Connections: accepting them, and ending them with the server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use frontdoor::{ClientAddress, Listener};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::catalog::Catalog;
use crate::conflicts::Injection;
use crate::gateway::Gateway;
use crate::session::{self, Rules};
use crate::stages::{Accepted, Connected};

/// How long the listener rests when the process has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a proxy may take to say whom it speaks for.
const PROXY_TIMEOUT: Duration = Duration::from_secs(30);
/// After how much silence the client's machine is asked whether it is still there, and how often
/// then.
const KEEPALIVE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(10)];

/// Whether clients of PostgreSQL can come through a listener.
///
/// # Errors
/// What its configuration asks for and cannot be, for the operator.
pub fn check(listener: &Listener) -> Result<(), &'static str> {
    match listener.client_address {
        ClientAddress::Peer | ClientAddress::ProxyProtocol => Ok(()),
        ClientAddress::ForwardedFor => Err(
            "client-address=x-forwarded-for is for HTTP: PostgreSQL's protocol has no such \
             header, use client-address=proxy-protocol",
        ),
    }
}

/// Serves PostgreSQL's protocol on `socket`, which listens as `listener` says, until `shutdown`
/// resolves; then stops accepting, tells the sessions, and waits up to `drain` for them to end.
/// Connections take their turns when `connections` has no more permits: listeners may share it.
///
/// A listener that [`check`] finds fault with serves nobody.
pub async fn serve<C: Catalog>(
    socket: TcpListener,
    listener: Listener,
    gateway: Arc<Gateway<C>>,
    connections: Arc<Semaphore>,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) {
    if let Err(error) = check(&listener) {
        return tracing::error!(error, "the listener serves nobody");
    }
    let listener = Arc::new(listener);
    let (end, ending) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (permit, accepted) = tokio::select! {
            accepted = accept(&socket, &connections) => accepted,
            Some(ended) = tasks.join_next() => {
                report(ended);
                continue;
            }
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (gateway, listener) = (Arc::clone(&gateway), Arc::clone(&listener));
                let ending = ending.clone();
                tasks.spawn(async move {
                    let _permit = permit;
                    connection(stream, peer, &listener, &gateway, ending).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    let _ = end.send(true);
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    };
    if timeout(drain, all).await.is_err() {
        tracing::warn!("sessions had not ended when the drain time was over");
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection ended with an error of the server");
    }
}

/// Waits for a permit, and with it for a connection.
async fn accept(
    socket: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (
    Option<OwnedSemaphorePermit>,
    io::Result<(TcpStream, SocketAddr)>,
) {
    // The semaphore is never closed.
    let permit = Arc::clone(connections).acquire_owned().await.ok();
    (permit, socket.accept().await)
}

async fn connection<C: Catalog>(
    mut stream: TcpStream,
    peer: SocketAddr,
    listener: &Listener,
    gateway: &Gateway<C>,
    mut ending: watch::Receiver<bool>,
) {
    // Small answers must not wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let [after, every] = KEEPALIVE;
    let keepalive = TcpKeepalive::new().with_time(after).with_interval(every);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let network = match timeout(PROXY_TIMEOUT, listener.network(peer.ip(), &mut stream)).await {
        Ok(Ok(network)) => network,
        Ok(Err(error)) => return tracing::warn!(%peer, %error, "a connection was refused"),
        Err(_) => return tracing::debug!("a connection brought no PROXY header in time"),
    };
    let accepted = Accepted { stream, network };
    if let Some(connected) = accepted.begin(gateway, ended(&mut ending)).await {
        relay(connected, gateway, ended(&mut ending)).await;
    }
}

/// Resolves when the server ends.
async fn ended(ending: &mut watch::Receiver<bool>) {
    // It is an error when the sender has gone: then the server has ended, too.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// Serves the session.
async fn relay<C: Catalog>(
    connected: Connected,
    gateway: &Gateway<C>,
    ending: impl Future<Output = ()>,
) {
    let Connected {
        client,
        backend,
        cluster,
        role,
        cancel,
        place,
    } = connected;
    tracing::debug!(cluster = cluster.id, role, "a session begins");
    let (backends, database) = (Arc::clone(&gateway.backends), cluster.database.clone());
    let rules = Rules {
        statements: gateway.statements(&cluster.database),
        message_limit: gateway.options.message_limit,
        transaction_limit: gateway.options.transaction_limit,
        session_limit: gateway.options.session_limit,
        catalog_changed: Box::new(move || backends.jobs_submitted(&database)),
    };
    let conflicts = gateway.conflicts(&cluster.database);
    let injection = Injection {
        faults: Arc::clone(&gateway.faults),
        cluster: cluster.id.clone(),
    };
    let party = conflicts.map(|all| all.join(backend.process, backend.secret, injection));
    if session::run(client, backend.stream, &rules, party, ending).await {
        // PostgreSQL would notice at its next word to the client, which may be hours away.
        let (process, secret) = (backend.process, backend.secret);
        let database = &cluster.database;
        gateway.backends.cancel(database, process, secret).await;
    }
    tracing::debug!(cluster = cluster.id, role, "a session has ended");
    drop((backend.lease, cancel, place));
}

#[cfg(test)]
mod tests;
