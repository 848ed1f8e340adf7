//! A session of a client at a backend.

use tokio::io::{AsyncRead, AsyncWrite};

/// What a session is opened with.
#[derive(Clone, Debug)]
pub struct Login {
    /// The role, which exists in the database: `admin`, or one that is mapped.
    pub role: String,
    /// Run-time parameters of the startup packet, besides `user` and `database`.
    pub parameters: Vec<(String, String)>,
}

/// A byte stream of PostgreSQL's protocol.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A session whose login is over: the backend has said `ReadyForQuery`. The instance does not
/// stop before it is dropped.
pub struct Session {
    /// The connection; nothing is buffered.
    pub stream: Box<dyn Stream>,
    /// `ParameterStatus` of the login, in the order of the backend.
    pub parameters: Vec<(String, String)>,
    /// `BackendKeyData`: the process.
    pub process: i32,
    /// `BackendKeyData`: the secret.
    pub secret: i32,
    /// Keeps the instance running.
    pub lease: Box<dyn Send>,
}
