//! What all connections share.

use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Entropy};
use dialect::Dialect;
use iam::Keys;
use iam::decision_log::DecisionLog;

use crate::backends::Backends;
use crate::cancel::CancelKeys;
use crate::catalog::Catalog;
use crate::certificates::Certificates;
use crate::endpoints::Endpoints;
use crate::quotas::{Quota, Quotas};
use crate::session::Statements;

/// How the gateway departs from its defaults, which are AWS's where AWS has any.
#[derive(Clone, Debug)]
pub struct Options {
    /// What follows the Region in the names of clusters: `on.aws`.
    pub endpoint_suffix: String,
    /// What the dialect says of the server.
    pub dialect: dialect::Options,
    /// How long a client may take to log in.
    pub login_timeout: Duration,
    /// How old a session may become.
    pub session_limit: Duration,
    /// How old a transaction may become.
    pub transaction_limit: Duration,
    /// The longest message of a client, in bytes.
    pub message_limit: usize,
    /// The connections that each cluster may have.
    pub quota: Quota,
}

impl Default for Options {
    /// Sources: the user guide, "Cluster quotas and database limits"; of the time to log in
    /// PostgreSQL's `authentication_timeout`.
    fn default() -> Self {
        Self {
            endpoint_suffix: "on.aws".to_owned(),
            dialect: dialect::Options::default(),
            login_timeout: Duration::from_secs(60),
            session_limit: Duration::from_secs(60 * 60),
            transaction_limit: Duration::from_secs(300),
            message_limit: 10 << 20,
            quota: Quota::default(),
        }
    }
}

/// What a [`Gateway`] works with.
pub struct Parts<C> {
    /// The databases: an `Arc<engine::Engine>` in an `Arc`.
    pub backends: Arc<dyn Backends>,
    /// The access keys.
    pub keys: Arc<dyn Keys>,
    /// Where refusals by policies are recorded.
    pub decisions: Arc<dyn DecisionLog>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where cancel keys come from.
    pub entropy: Arc<dyn Entropy>,
    /// The clusters.
    pub catalog: C,
    /// What the server shows of itself.
    pub certificates: Certificates,
}

/// Lets clients in and serves their sessions.
pub struct Gateway<C> {
    pub(crate) options: Options,
    pub(crate) endpoints: Endpoints,
    pub(crate) backends: Arc<dyn Backends>,
    pub(crate) keys: Arc<dyn Keys>,
    pub(crate) decisions: Arc<dyn DecisionLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) catalog: C,
    pub(crate) certificates: Certificates,
    pub(crate) statements: Arc<Statements>,
    pub(crate) quotas: Quotas,
    pub(crate) cancel_keys: CancelKeys,
}

impl<C: Catalog> Gateway<C> {
    /// A gateway without connections.
    pub fn new(options: Options, parts: Parts<C>) -> Self {
        Self {
            endpoints: Endpoints::new(&options.endpoint_suffix),
            backends: parts.backends,
            keys: parts.keys,
            decisions: parts.decisions,
            clock: parts.clock,
            entropy: parts.entropy,
            catalog: parts.catalog,
            certificates: parts.certificates,
            statements: Arc::new(Statements::new(Dialect::new(options.dialect.clone()))),
            quotas: Quotas::new(options.quota),
            cancel_keys: CancelKeys::default(),
            options,
        }
    }

    /// Cancels what the session with this key runs, if there is one. As in PostgreSQL, the one who
    /// asks is told nothing.
    pub(crate) async fn cancel(&self, process: i32, secret: i32) {
        if let Some(target) = self.cancel_keys.find(process, secret) {
            let (process, secret) = (target.process, target.secret);
            self.backends
                .cancel(&target.database, process, secret)
                .await;
        }
    }
}
