//! One task per database that runs its jobs, for as long as there are any.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Engine, jobs};

/// How often the jobs of a database may fail to be run before they wait for its next start.
const ATTEMPTS: u32 = 8;

/// The databases whose jobs are being run, and whether there may be more than the task knows of.
#[derive(Debug, Default)]
pub(crate) struct Runners(Mutex<HashMap<String, bool>>);

impl Runners {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, bool>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the caller has to start a task, as there is none that could look again.
    fn ask(&self, database: &str) -> bool {
        self.with(|all| match all.get_mut(database) {
            Some(again) => {
                *again = true;
                false
            }
            None => all.insert(database.to_owned(), false).is_none(),
        })
    }

    /// Whether the task has to look again; it is forgotten if not.
    fn again(&self, database: &str) -> bool {
        self.with(|all| {
            let again = all.get_mut(database).is_some_and(std::mem::take);
            if !again {
                all.remove(database);
            }
            again
        })
    }
}

/// Runs the jobs of `database`, now or as soon as the task that does so already has time.
pub(crate) fn submit(engine: &Arc<Engine>, database: &str) {
    if engine.runners.ask(database) {
        tokio::spawn(run(Arc::clone(engine), database.to_owned()));
    }
}

async fn run(engine: Arc<Engine>, database: String) {
    loop {
        // An instance with unfinished jobs is not idle.
        let lease = engine.place.hold(&database);
        attempt(&engine, &database).await;
        drop(lease);
        if !engine.runners.again(&database) {
            return;
        }
    }
}

async fn attempt(engine: &Arc<Engine>, database: &str) {
    let mut pause = Duration::from_millis(500);
    for _ in 0..ATTEMPTS {
        let Err(error) = jobs::run_pending(engine, database).await else {
            return;
        };
        // The next start of the instance begins anew.
        if !engine.place.is_running(database) {
            return;
        }
        tracing::warn!(database, %error, "the jobs of a database could not be run");
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
