//! What the gateway asks of the databases; [`engine::Engine`] is what answers.

use std::pin::Pin;
use std::sync::Arc;

use engine::{Changes, Engine, Error, Keys, Login, Session};

/// An answer under way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The databases behind the clusters: see the functions of [`Engine`] with the same names.
pub trait Backends: Send + Sync {
    /// Logs a client in.
    fn connect<'a>(
        &'a self,
        database: &'a str,
        login: &'a Login,
    ) -> Answer<'a, Result<Session, Error>>;

    /// Whether the IAM principal may log in as the role.
    fn is_mapped<'a>(
        &'a self,
        database: &'a str,
        role: &'a str,
        arn: &'a str,
    ) -> Answer<'a, Result<bool, Error>>;

    /// Cancels what a session runs.
    fn cancel<'a>(&'a self, database: &'a str, process: i32, secret: i32) -> Answer<'a, ()>;

    /// Says that a transaction that may have started jobs has ended.
    fn jobs_submitted(&self, database: &str);

    /// The processes that a backend waits for.
    fn blockers<'a>(
        &'a self,
        database: &'a str,
        process: i32,
    ) -> Answer<'a, Result<Vec<i32>, Error>>;

    /// The key of the functions that change rows on the gateway's behalf.
    fn shadow_key<'a>(&'a self, database: &'a str) -> Answer<'a, Result<String, Error>>;

    /// Makes what a slot needs for a relation. The relations that the slot has then.
    fn shadow_make<'a>(
        &'a self,
        database: &'a str,
        relation: u32,
        slot: i32,
    ) -> Answer<'a, Result<Vec<u32>, Error>>;

    /// Removes what all slots have, and what was made for keys.
    fn shadow_drop<'a>(&'a self, database: &'a str) -> Answer<'a, Result<(), Error>>;

    /// The keys of a table.
    fn keys<'a>(&'a self, database: &'a str, relation: u32) -> Answer<'a, Result<Keys, Error>>;

    /// Makes what it takes to look at the keys of rows.
    fn keys_make<'a>(&'a self, database: &'a str, relation: u32) -> Answer<'a, Result<(), Error>>;

    /// The rows that changes delete or give other keys.
    fn strong_keys<'a>(
        &'a self,
        database: &'a str,
        changes: &'a Changes,
    ) -> Answer<'a, Result<Vec<(u32, String)>, Error>>;

    /// References to rows that may not be in a snapshot.
    fn references_since<'a>(
        &'a self,
        database: &'a str,
        snapshot: &'a str,
        rows: &'a [String],
    ) -> Answer<'a, Result<Option<String>, Error>>;
}

impl Backends for Arc<Engine> {
    fn connect<'a>(
        &'a self,
        database: &'a str,
        login: &'a Login,
    ) -> Answer<'a, Result<Session, Error>> {
        Box::pin(Engine::connect(self, database, login))
    }

    fn is_mapped<'a>(
        &'a self,
        database: &'a str,
        role: &'a str,
        arn: &'a str,
    ) -> Answer<'a, Result<bool, Error>> {
        Box::pin(Engine::is_mapped(self, database, role, arn))
    }

    fn cancel<'a>(&'a self, database: &'a str, process: i32, secret: i32) -> Answer<'a, ()> {
        Box::pin(Engine::cancel(self, database, process, secret))
    }

    fn jobs_submitted(&self, database: &str) {
        Engine::jobs_submitted(self, database);
    }

    fn blockers<'a>(
        &'a self,
        database: &'a str,
        process: i32,
    ) -> Answer<'a, Result<Vec<i32>, Error>> {
        Box::pin(Engine::blockers(self, database, process))
    }

    fn shadow_key<'a>(&'a self, database: &'a str) -> Answer<'a, Result<String, Error>> {
        Box::pin(Engine::shadow_key(self, database))
    }

    fn shadow_make<'a>(
        &'a self,
        database: &'a str,
        relation: u32,
        slot: i32,
    ) -> Answer<'a, Result<Vec<u32>, Error>> {
        Box::pin(Engine::shadow_make(self, database, relation, slot))
    }

    fn shadow_drop<'a>(&'a self, database: &'a str) -> Answer<'a, Result<(), Error>> {
        Box::pin(Engine::shadow_drop(self, database))
    }

    fn keys<'a>(&'a self, database: &'a str, relation: u32) -> Answer<'a, Result<Keys, Error>> {
        Box::pin(Engine::keys(self, database, relation))
    }

    fn keys_make<'a>(&'a self, database: &'a str, relation: u32) -> Answer<'a, Result<(), Error>> {
        Box::pin(Engine::keys_make(self, database, relation))
    }

    fn strong_keys<'a>(
        &'a self,
        database: &'a str,
        changes: &'a Changes,
    ) -> Answer<'a, Result<Vec<(u32, String)>, Error>> {
        Box::pin(Engine::strong_keys(self, database, changes))
    }

    fn references_since<'a>(
        &'a self,
        database: &'a str,
        snapshot: &'a str,
        rows: &'a [String],
    ) -> Answer<'a, Result<Option<String>, Error>> {
        Box::pin(Engine::references_since(self, database, snapshot, rows))
    }
}
