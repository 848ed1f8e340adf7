//! The server's side of the socket.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nix::unistd::{Uid, geteuid};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::Route;
use super::lines::{LineBody, Lines, channel};

/// The socket of a data directory, which is gone when this is dropped.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Where it is.
    pub(crate) fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("operator.sock")
    }

    /// Listens, in place of a socket that an earlier server left behind: the caller has the lock
    /// of the data directory, so no other one listens there.
    pub(crate) fn listen(data_dir: &Path) -> io::Result<Self> {
        let path = Self::path(data_dir);
        // Nobody finds it by its name before it is for its owner only.
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        fs::rename(&new, &path)?;
        Ok(Self { listener, path })
    }

    /// Answers the operator until `end`, which ends requests that are under way as well.
    pub(crate) async fn serve(self, routes: Vec<Box<dyn Route>>, end: impl Future<Output = ()>) {
        let routes: Arc<[Box<dyn Route>]> = routes.into();
        let mut connections = JoinSet::new();
        let mut end = std::pin::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = &mut end => return,
            };
            match accepted {
                Ok((stream, _)) if is_operator(&stream) => {
                    connections.spawn(connection(stream, Arc::clone(&routes)));
                }
                Ok(_) => tracing::warn!("another user was refused at the operator's socket"),
                Err(error) => {
                    tracing::warn!(%error, "the operator's socket");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove the socket");
        }
    }
}

/// Whether the other side runs as the server's user or as root.
fn is_operator(stream: &UnixStream) -> bool {
    let peer = stream.peer_cred().map(|peer| Uid::from_raw(peer.uid()));
    peer.is_ok_and(|user| user.is_root() || user == geteuid())
}

async fn connection(stream: UnixStream, routes: Arc<[Box<dyn Route>]>) {
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(answer(request, routes)) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = serving {
        tracing::debug!(%error, "an operator's connection ended with an error");
    }
}

type Answer = Response<Either<LineBody, Full<Bytes>>>;

/// The answer begins at once, and goes on while the request is being read.
fn answer(request: Request<Incoming>, routes: Arc<[Box<dyn Route>]>) -> Answer {
    let wanted = request.uri().path();
    let route = routes.iter().position(|route| route.path() == wanted);
    let Some(route) = route.filter(|_| request.method() == Method::POST) else {
        let mut nothing = Response::new(Either::Right(Full::default()));
        *nothing.status_mut() = StatusCode::NOT_FOUND;
        return nothing;
    };
    let (sender, body) = channel();
    // It ends by itself when the other side is gone: then neither reading nor sending works.
    tokio::spawn(async move {
        if let Some(route) = routes.get(route) {
            route.run(Lines::new(request.into_body()), sender).await;
        }
    });
    Response::new(Either::Left(body))
}
