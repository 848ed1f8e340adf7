//! Runs the jobs of a database: index builds, constraint validations, ANALYZE.
//!
//! What a job has to run, and what its end means, is decided in SQL (`schema/runner.sql`); a job
//! that was interrupted is `processing`, and is run again.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::{Engine, Error};

/// The runner's own session. A job may call functions of clients, and must not hold up the others
/// for ever. One runner at a time: the next one waits for the lock, and then has
/// nothing left to do.
const SESSION: &str = "SET default_transaction_isolation = 'read committed';
    SET statement_timeout = '1h';
    SET idle_in_transaction_session_timeout = 0;
    SET client_min_messages = error;
    SELECT pg_catalog.pg_advisory_lock(7454)";

const NEXT: &str = "SELECT n.job_id, n.statements, n.wait FROM pg_treeline.next_job($1) n";

const FINISH: &str = "SELECT pg_treeline.finish_job($1, $2, $3)";

/// The longest sleep before it looks for jobs again.
const NAP: Duration = Duration::from_secs(1);

/// Runs until no unfinished job is left.
///
/// # Errors
/// When the instance cannot be reached, or goes; what it did not finish is run again the next time.
pub(crate) async fn run_pending(engine: &Arc<Engine>, database: &str) -> Result<(), Error> {
    let (client, _lease) = engine.superuser(database).await?;
    run(&client, engine.options.job_delay).await
}

async fn run(client: &Client, delay: Duration) -> Result<(), Error> {
    client.batch_execute(SESSION).await?;
    loop {
        let row = client.query_one(NEXT, &[&delay.as_secs_f64()]).await?;
        let (job, statements, wait): (Option<String>, Option<Vec<String>>, Option<f64>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match (job, wait) {
            (Some(job), _) => finish(client, &job, &statements.unwrap_or_default()).await?,
            (None, Some(wait)) => {
                tokio::time::sleep(Duration::try_from_secs_f64(wait).map_or(NAP, |d| d.min(NAP)))
                    .await;
            }
            (None, None) => return Ok(()),
        }
    }
}

/// Runs a job and records how it went.
async fn finish(client: &Client, job: &str, statements: &[String]) -> Result<(), Error> {
    let done = execute(client, statements).await;
    // Statements of a job may have made the session somebody else's.
    let own = client.batch_execute("RESET SESSION AUTHORIZATION").await;
    let (state, message) = match done.and(own) {
        Ok(()) => (None, None),
        Err(error) => match error.as_db_error() {
            // Operator intervention: the instance is being stopped.
            Some(db) if !db.code().code().starts_with("57P") => {
                (Some(db.code().clone()), Some(db.message().to_owned()))
            }
            _ => return Err(error.into()),
        },
    };
    let row = client
        .query_one(
            FINISH,
            &[&job, &state.as_ref().map(SqlState::code), &message],
        )
        .await?;
    let cleanup: Vec<String> = row.try_get(0)?;
    // Left over again at worst, and then removed by the next build on that table.
    if let Err(error) = execute(client, &cleanup).await {
        tracing::debug!(%error, "an index that a failed build left behind was not dropped");
    }
    Ok(())
}

/// Each in a transaction of its own: REINDEX CONCURRENTLY does not run inside one.
async fn execute(client: &Client, statements: &[String]) -> Result<(), tokio_postgres::Error> {
    for statement in statements {
        client.batch_execute(statement).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
