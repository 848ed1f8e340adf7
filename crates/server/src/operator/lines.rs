//! Lines of JSON as a body.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

/// The longest line.
const LONGEST: usize = 16 << 20;
/// Chunks on their way from one side to the other.
const UNDER_WAY: usize = 8;

/// The lines that the other side sends.
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
    /// How much of the buffer has no end of a line.
    searched: usize,
}

impl Lines {
    pub(crate) fn new(body: Incoming) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// The next line; `None` at the end, if the other side has reached it and not just gone.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(io::Error::from);
            }
            self.searched = self.buffer.len();
            if self.searched > LONGEST {
                return Err(io::Error::other("a line is too long"));
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(Err(error)) => return Err(io::Error::other(error)),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
            }
        }
    }

    /// Reads on to the end, so that the other side is not cut off while it sends.
    pub(crate) async fn drain(&mut self) {
        while let Some(Ok(_)) = self.body.frame().await {}
    }
}

/// Sends lines; the body ends when this is dropped.
#[derive(Clone)]
pub(crate) struct LineSender(mpsc::Sender<Bytes>);

/// The body of the lines that a [`LineSender`] sends.
pub(crate) struct LineBody(mpsc::Receiver<Bytes>);

/// A body, and what fills it.
pub(crate) fn channel() -> (LineSender, LineBody) {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    (LineSender(sender), LineBody(receiver))
}

impl LineSender {
    /// Sends a line.
    ///
    /// # Errors
    /// The other side is gone.
    pub(crate) async fn send(&self, line: &impl Serialize) -> io::Result<()> {
        let mut text = Vec::new();
        add(&mut text, line)?;
        let sent = self.0.send(Bytes::from(text)).await;
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Sends whole lines, from a thread of its own.
    ///
    /// # Errors
    /// The other side is gone.
    pub(crate) fn blocking_send(&self, lines: Vec<u8>) -> io::Result<()> {
        let sent = self.0.blocking_send(Bytes::from(lines));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Adds a line to a text.
pub(crate) fn add(text: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(())
}

impl Body for LineBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.0.poll_recv(context);
        chunk.map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}
