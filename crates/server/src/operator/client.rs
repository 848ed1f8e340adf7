//! The operator's side of the socket.

use std::io;
use std::path::Path;

use http::{Method, Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::lines::{LineSender, Lines, channel};
use super::socket::Socket;

/// A request and its answer, both under way.
pub(crate) struct Conversation {
    pub(crate) request: LineSender,
    pub(crate) answer: Lines,
}

/// Begins a request to the server of a data directory.
pub(crate) async fn converse(data_dir: &Path, path: &str) -> io::Result<Conversation> {
    let stream = UnixStream::connect(Socket::path(data_dir)).await?;
    let (mut http, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    // An error of the connection is found by whoever reads the answer.
    tokio::spawn(connection);
    let (sender, body) = channel();
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "operator")
        .body(body)
        .map_err(io::Error::other)?;
    let answer = http.send_request(request).await.map_err(io::Error::other)?;
    if answer.status() != StatusCode::OK {
        let text = format!("the server answered {} to {path}", answer.status());
        return Err(io::Error::other(text));
    }
    Ok(Conversation {
        request: sender,
        answer: Lines::new(answer.into_body()),
    })
}
