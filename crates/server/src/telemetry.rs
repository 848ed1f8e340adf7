//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use crate::settings::{LogFilter, LogFormat};

/// Starts the log of the process.
pub(crate) fn start(filter: &LogFilter, format: LogFormat) {
    let layer = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // Reporting that standard error is gone, on standard error, would panic.
        .log_internal_errors(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // It fails only if there is a log already.
    drop(
        registry()
            .with(layer.with_filter(filter.0.clone()))
            .try_init(),
    );
}
