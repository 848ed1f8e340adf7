//! The signals that end the server.

use crate::error::Error;

/// The exit codes that shells give a process that a signal ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// `SIGINT` and `SIGTERM`, from the moment of [`Signals::listen`] on: neither ends the process by
/// itself any more.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = || {
            let interrupt = signal(SignalKind::interrupt())?;
            Ok(Self {
                interrupt,
                terminate: signal(SignalKind::terminate())?,
            })
        };
        listen().map_err(Error::process("listen for signals"))
    }

    /// Waits for the next signal, and returns the exit code that belongs to it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPTED
    }
}

impl Signals {
    /// Resolves at the first signal. The second one ends the process at once, which loses nothing
    /// that was acknowledged.
    pub(crate) async fn first(mut self) {
        self.next().await;
        tracing::info!("draining; a second signal ends the server at once");
        tokio::spawn(async move { std::process::exit(self.next().await) });
    }
}
