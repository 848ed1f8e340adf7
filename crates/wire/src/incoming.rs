//! A request as a protocol sees it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};

/// A request. Nothing in it is decoded yet.
pub struct Incoming<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as it was received, percent-encoded.
    pub path: &'a str,
    /// The query as it was received, without the `?`; empty if there is none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> From<&'a Request<Bytes>> for Incoming<'a> {
    fn from(request: &'a Request<Bytes>) -> Self {
        Self {
            method: request.method(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            body: request.body(),
        }
    }
}
