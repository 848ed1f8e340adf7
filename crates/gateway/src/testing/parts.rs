use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::{Clock, Entropy, Region, Timestamp};
use engine::{Changes, Error, Keys, Login, Session};
use iam::decision_log::{DecisionLog, Refusal};
use iam::policy::{Document, DocumentKind, NamedDocument};
use tokio::io::DuplexStream;

use super::ID;
use crate::backends::{Answer, Backends};
use crate::catalog::{Catalog, Cluster};

/// A clock that stands still until a test moves it.
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.unix_micros())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that look random and are the same in every run.
#[derive(Default)]
pub(crate) struct SeededEntropy(AtomicU64);

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            *byte = (count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8;
        }
    }
}

/// The decision log of a test.
#[derive(Default)]
pub(crate) struct Refusals(pub(crate) Mutex<Vec<serde_json::Value>>);

impl DecisionLog for Refusals {
    fn refused(&self, refusal: &Refusal<'_>) {
        let line = serde_json::from_str(&refusal.to_json_line()).unwrap();
        self.0.lock().unwrap().push(line);
    }
}

/// An active cluster of the first account, with this policy if it is not empty.
pub(crate) fn cluster(id: &str, statements: &str) -> Cluster {
    let text = format!(r#"{{ "Version": "2012-10-17", "Statement": [{statements}] }}"#);
    let policy = (!statements.is_empty()).then(|| NamedDocument {
        name: "cluster".into(),
        document: Arc::new(Document::parse(DocumentKind::Resource, &text).unwrap()),
    });
    Cluster {
        id: id.to_owned(),
        arn: format!("arn:aws:dsql:us-east-1:111122223333:cluster/{id}"),
        account: "111122223333".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        available: true,
        status: "ACTIVE",
        policy,
        tags: BTreeMap::from([("env".to_owned(), "test".to_owned())]),
        database: id.to_owned(),
    }
}

/// The clusters of a test.
pub(crate) struct Clusters {
    pub(crate) all: Vec<Cluster>,
    pub(crate) broken: bool,
    pub(crate) touched: AtomicUsize,
}

impl Default for Clusters {
    fn default() -> Self {
        Self::of(vec![cluster(ID, "")])
    }
}

impl Clusters {
    pub(crate) fn of(all: Vec<Cluster>) -> Self {
        Self {
            all,
            broken: false,
            touched: AtomicUsize::new(0),
        }
    }
}

impl Catalog for Clusters {
    async fn find(
        &self,
        region: &Region,
        id: &str,
        _now: Timestamp,
    ) -> Result<Option<Cluster>, String> {
        if self.broken {
            return Err("the disk of the store is on fire".to_owned());
        }
        let known = |cluster: &&Cluster| cluster.id == id && cluster.region == *region;
        Ok(self.all.iter().find(known).cloned())
    }

    async fn touch(&self, _cluster: &Cluster, _now: Timestamp) -> Result<(), String> {
        self.touched.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Databases that are none: they let in whom they are told to, and say nothing.
#[derive(Clone, Default)]
pub(crate) struct Databases(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    mapped: HashSet<(String, String)>,
    logins: Vec<(String, Login)>,
    sessions: Vec<DuplexStream>,
    cancelled: Vec<(String, i32, i32)>,
    failure: Option<fn() -> Error>,
    hang: bool,
}

impl Databases {
    /// Grants a role to an ARN.
    pub(crate) fn map(&self, role: &str, arn: &str) {
        let mapping = (role.to_owned(), arn.to_owned());
        self.0.lock().unwrap().mapped.insert(mapping);
    }

    /// Makes everything fail from now on.
    pub(crate) fn fail(&self, failure: fn() -> Error) {
        self.0.lock().unwrap().failure = Some(failure);
    }

    /// Makes logins take for ever from now on.
    pub(crate) fn hang(&self) {
        self.0.lock().unwrap().hang = true;
    }

    pub(crate) fn logins(&self) -> Vec<(String, Login)> {
        self.0.lock().unwrap().logins.clone()
    }

    /// The other end of the session that began last.
    pub(crate) fn backend(&self) -> DuplexStream {
        self.0.lock().unwrap().sessions.pop().unwrap()
    }

    pub(crate) fn cancelled(&self) -> Vec<(String, i32, i32)> {
        self.0.lock().unwrap().cancelled.clone()
    }
}

impl Backends for Databases {
    fn connect<'a>(
        &'a self,
        database: &'a str,
        login: &'a Login,
    ) -> Answer<'a, Result<Session, Error>> {
        Box::pin(async move {
            if self.0.lock().unwrap().hang {
                std::future::pending::<()>().await;
            }
            let mut state = self.0.lock().unwrap();
            if let Some(failure) = state.failure {
                return Err(failure());
            }
            let (stream, other) = tokio::io::duplex(65_536);
            state.sessions.push(other);
            state.logins.push((database.to_owned(), login.clone()));
            let parameters = [
                ("server_version", "16.14 (Debian)"),
                ("is_superuser", "on"),
                ("session_authorization", "treeline"),
                ("TimeZone", "UTC"),
            ];
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Ok(Session {
                stream: Box::new(stream),
                parameters: parameters.map(owned).to_vec(),
                process: 4_711,
                secret: 815,
                lease: Box::new(()),
            })
        })
    }

    fn is_mapped<'a>(
        &'a self,
        _database: &'a str,
        role: &'a str,
        arn: &'a str,
    ) -> Answer<'a, Result<bool, Error>> {
        Box::pin(async move {
            let state = self.0.lock().unwrap();
            match state.failure {
                Some(failure) => Err(failure()),
                None => Ok(state.mapped.contains(&(role.to_owned(), arn.to_owned()))),
            }
        })
    }

    fn cancel<'a>(&'a self, database: &'a str, process: i32, secret: i32) -> Answer<'a, ()> {
        Box::pin(async move {
            let cancelled = (database.to_owned(), process, secret);
            self.0.lock().unwrap().cancelled.push(cancelled);
        })
    }

    fn jobs_submitted(&self, _database: &str) {}

    fn blockers<'a>(&'a self, _: &'a str, _: i32) -> Answer<'a, Result<Vec<i32>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn shadow_key<'a>(&'a self, _: &'a str) -> Answer<'a, Result<String, Error>> {
        Box::pin(async { Ok("the key".to_owned()) })
    }

    fn shadow_make<'a>(
        &'a self,
        _: &'a str,
        relation: u32,
        _: i32,
    ) -> Answer<'a, Result<Vec<u32>, Error>> {
        Box::pin(async move { Ok(vec![relation]) })
    }

    fn shadow_drop<'a>(&'a self, _: &'a str) -> Answer<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn keys<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, Result<Keys, Error>> {
        Box::pin(async { Ok(Keys::default()) })
    }

    fn keys_make<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn strong_keys<'a>(
        &'a self,
        _: &'a str,
        _: &'a Changes,
    ) -> Answer<'a, Result<Vec<(u32, String)>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn references_since<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a [String],
    ) -> Answer<'a, Result<Option<String>, Error>> {
        Box::pin(async { Ok(None) })
    }
}
