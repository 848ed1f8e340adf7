//! The operator's connection to a running server: a Unix socket in the data directory.
//!
//! Whoever owns the data directory owns what is in it, and needs no AWS credentials to say so: the
//! socket lets in the server's own user and root, and nobody else. It speaks HTTP/1.1; a request
//! brings lines of JSON and its answer is lines of JSON, both as long as it takes. Each kind of
//! request is a [`Route`].

mod client;
mod lines;
mod socket;

use std::pin::Pin;

pub(crate) use client::{Conversation, converse};
pub(crate) use lines::{LineSender, Lines, add};
pub(crate) use socket::Socket;

/// A kind of request.
pub(crate) trait Route: Send + Sync {
    /// Its path, for instance `/import`.
    fn path(&self) -> &'static str;

    /// Reads the lines of a request and writes those of its answer.
    fn run<'a>(
        &'a self,
        request: Lines,
        answer: LineSender,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
