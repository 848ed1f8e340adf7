//! Sessions of the engine's own for questions that may take a while: nobody else waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::{Engine, Error};

/// How many such questions a database answers at once.
const MOST: usize = 2;

/// By database.
#[derive(Debug, Default)]
pub(crate) struct Aside(Mutex<HashMap<String, Arc<Sessions>>>);

#[derive(Debug)]
struct Sessions {
    turns: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

/// A session that nobody uses.
struct Idle(Client);

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idle")
    }
}

impl Aside {
    fn of(&self, database: &str) -> Arc<Sessions> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Sessions {
                turns: Semaphore::new(MOST),
                idle: Mutex::default(),
            })
        };
        Arc::clone(all.entry(database.to_owned()).or_insert_with(new))
    }

    /// Ends the sessions of a database, which goes.
    pub(crate) fn forget(&self, database: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(database);
    }
}

impl Sessions {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Asks a question that may take a while. The caller has a session of its own in the database,
    /// which keeps it running.
    ///
    /// # Errors
    /// Any [`Error`].
    pub(crate) async fn ask_aside(
        &self,
        database: &str,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        let sessions = self.aside.of(database);
        // It is never closed.
        let _turn = sessions.turns.acquire().await.ok();
        let idle = sessions.idle().pop();
        let client = match idle.filter(|Idle(client)| !client.is_closed()) {
            Some(Idle(client)) => client,
            None => self.place.superuser(database).await?.0,
        };
        let rows = client.query_typed(sql, parameters).await;
        if !client.is_closed() {
            sessions.idle().push(Idle(client));
        }
        Ok(rows?)
    }
}
