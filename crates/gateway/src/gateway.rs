//! What all connections share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use base::{Clock, Entropy};
use dialect::Dialect;
use iam::Keys;
use iam::decision_log::DecisionLog;

use crate::backends::Backends;
use crate::cancel::CancelKeys;
use crate::catalog::Catalog;
use crate::certificates::Certificates;
use crate::conflicts::Conflicts;
use crate::endpoints::Endpoints;
use crate::faults::Faults;
use crate::quotas::{Quota, Quotas};
use crate::session::Statements;

/// How many bytes of texts are remembered for each database in use, where each has a dialect.
const SUFFIXED: u64 = 2 << 20;

/// How the gateway departs from its defaults, which are AWS's where AWS has any.
#[derive(Clone, Debug)]
pub struct Options {
    /// What follows the Region in the names of clusters: `on.aws`.
    pub endpoint_suffix: String,
    /// What the dialect says of the server.
    pub dialect: dialect::Options,
    /// Whether the databases share a server, where the names of roles have the database's suffix.
    pub shared_server: bool,
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
    /// How long a statement may wait for other transactions; `None` to leave conflicts to the
    /// database, where they show at the statement and the first to write wins.
    pub conflict_patience: Option<Duration>,
}

impl Default for Options {
    /// Sources: the user guide, "Cluster quotas and database limits"; of the time to log in
    /// PostgreSQL's `authentication_timeout`.
    fn default() -> Self {
        Self {
            endpoint_suffix: "on.aws".to_owned(),
            dialect: dialect::Options::default(),
            shared_server: false,
            login_timeout: Duration::from_secs(60),
            session_limit: Duration::from_secs(60 * 60),
            transaction_limit: Duration::from_secs(300),
            message_limit: 10 << 20,
            quota: Quota::default(),
            conflict_patience: Some(Duration::from_millis(100)),
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
    /// The conflicts that are brought about on purpose.
    pub faults: Arc<Faults>,
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
    pub(crate) faults: Arc<Faults>,
    statements: Arc<Statements>,
    /// By database, of those in use whose roles have a suffix.
    suffixed: Mutex<HashMap<String, Weak<Statements>>>,
    /// By database. What the databases have of slots is known here only, so they stay.
    conflicts: Mutex<HashMap<String, Arc<Conflicts>>>,
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
            faults: parts.faults,
            statements: Arc::new(Statements::new(Dialect::new(options.dialect.clone()))),
            suffixed: Mutex::default(),
            conflicts: Mutex::default(),
            quotas: Quotas::new(options.quota),
            cancel_keys: CancelKeys::default(),
            options,
        }
    }

    /// The dialect of a database.
    pub(crate) fn statements(&self, database: &str) -> Arc<Statements> {
        if !self.options.shared_server {
            return Arc::clone(&self.statements);
        }
        let mut all = self.suffixed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statements) = all.get(database).and_then(Weak::upgrade) {
            return statements;
        }
        all.retain(|_, statements| statements.strong_count() > 0);
        let options = dialect::Options {
            role_suffix: Some(engine::role_suffix(database)),
            ..self.options.dialect.clone()
        };
        let statements = Statements::remembering(Dialect::new(options), SUFFIXED);
        let statements = Arc::new(statements);
        all.insert(database.to_owned(), Arc::downgrade(&statements));
        statements
    }

    /// What the sessions of a database share to settle their conflicts.
    pub(crate) fn conflicts(&self, database: &str) -> Option<Arc<Conflicts>> {
        let patience = self.options.conflict_patience?;
        let mut all = self
            .conflicts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Conflicts::new(
                database,
                Arc::clone(&self.backends),
                patience,
            ))
        };
        Some(Arc::clone(
            all.entry(database.to_owned()).or_insert_with(new),
        ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Clusters, World};

    fn sql(world: &World, database: &str) -> String {
        let reading = world.gateway.statements(database).read("CREATE ROLE app");
        reading.script.statements[0].sql.to_string()
    }

    #[tokio::test]
    async fn each_database_of_a_shared_server_has_its_names() {
        let options = Options {
            shared_server: true,
            ..Options::default()
        };
        let shared = World::with(options, Clusters::default(), "");
        assert_eq!(sql(&shared, "a"), "CREATE ROLE \"app@a\"");
        assert_eq!(sql(&shared, "b"), "CREATE ROLE \"app@b\"");
        let one = shared.gateway.statements("a");
        assert!(Arc::ptr_eq(&one, &shared.gateway.statements("a")));
        assert_eq!(sql(&World::new(), "a"), "CREATE ROLE app");
    }
}
