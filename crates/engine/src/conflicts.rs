//! What the gateway needs of a database to settle conflicts between its sessions: who waits for
//! whom, the places where a transaction goes on that has lost its rows (`schema/shadow_*.sql`), and
//! what rows were locked that nobody has changed (`schema/keys*.sql`).

use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::{Engine, Error};

/// All that a session waits for, directly or through others.
const BLOCKERS: &str = "
    WITH RECURSIVE b(pid) AS (
      SELECT unnest(pg_blocking_pids($1))
      UNION SELECT unnest(pg_blocking_pids(b.pid)) FROM b)
    SELECT pid FROM b WHERE pid <> $1";

/// The tables that a slot has.
const RELATIONS: &str = "
    SELECT substr(c.relname, 2)::oid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'pg_treeline_hid_' || $1 AND c.relkind = 'r' AND c.relname ~ '^h[0-9]+$'";

/// The unique keys of a table, and who refers to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Foreign keys refer to the table.
    pub referenced: bool,
    /// A column of a unique index can change that one of the foreign keys does not refer to (or
    /// there are none): PostgreSQL does not look whether rows refer to the changed one then.
    pub several: bool,
    /// The columns of its unique indexes, without which no UPDATE changes keys; `None` if any may.
    pub columns: Option<Vec<String>>,
}

/// Changes of rows as the row trigger has noted them, in lists of the same length: the tables, the
/// `ctid`s from where the rows were changed, and what they are now, or `None` if they are deleted.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// OIDs.
    pub relations: Vec<u32>,
    /// `ctid`s.
    pub olds: Vec<String>,
    /// Rows as text in hexadecimal.
    pub images: Vec<Option<String>>,
}

/// A statement with its parameters and their types.
type Parameter<'p> = (&'p (dyn ToSql + Sync), Type);

impl Engine {
    /// The processes that a backend waits for, directly or because those wait for others.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn blockers(&self, database: &str, process: i32) -> Result<Vec<i32>, Error> {
        let parameters: [Parameter<'_>; 1] = [(&process, Type::INT4)];
        let rows = self.ask(database, BLOCKERS, &parameters).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The key of the functions that change rows on the gateway's behalf.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn shadow_key(&self, database: &str) -> Result<String, Error> {
        let rows = self
            .ask(database, "SELECT pg_treeline.shadow_key()", &[])
            .await?;
        let row = rows.first().ok_or_else(|| nothing(database))?;
        Ok(row.try_get(0)?)
    }

    /// Makes what a slot needs for a relation, if it is not there. The relations that the slot has
    /// then: this one, and those that it depends on or that depend on it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn shadow_make(
        &self,
        database: &str,
        relation: u32,
        slot: i32,
    ) -> Result<Vec<u32>, Error> {
        let parameters: [Parameter<'_>; 2] = [(&relation, Type::OID), (&slot, Type::INT4)];
        self.ask(
            database,
            "SELECT pg_treeline.shadow_make($1, $2)",
            &parameters,
        )
        .await?;
        let rows = self
            .ask(database, RELATIONS, &[(&slot, Type::INT4)])
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Removes what all slots have, on a session of its own: it may have to wait for locks.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn shadow_drop(&self, database: &str) -> Result<(), Error> {
        let (client, _lease) = self.superuser(database).await?;
        client
            .batch_execute("SET lock_timeout = '2s'; SELECT pg_treeline.shadow_drop()")
            .await?;
        Ok(())
    }

    /// The keys of a table. The answer is good until the catalog changes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn keys(&self, database: &str, relation: u32) -> Result<Keys, Error> {
        let sql = "SELECT referenced, several, columns FROM pg_treeline.keys_of($1)";
        let rows = self.ask(database, sql, &[(&relation, Type::OID)]).await?;
        let row = rows.first().ok_or_else(|| nothing(database))?;
        Ok(Keys {
            referenced: row.try_get(0)?,
            several: row.try_get(1)?,
            columns: row.try_get(2)?,
        })
    }

    /// Makes what `row_keys`, `strong_rows` and the functions for references need for a table, if
    /// it is not there. [`Engine::shadow_drop`] removes it.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn keys_make(&self, database: &str, relation: u32) -> Result<(), Error> {
        let sql = "SELECT pg_treeline.keys_make($1)";
        self.ask(database, sql, &[(&relation, Type::OID)]).await?;
        Ok(())
    }

    /// The tables and identities of those rows that changes delete, or give other keys.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn strong_keys(
        &self,
        database: &str,
        changes: &Changes,
    ) -> Result<Vec<(u32, String)>, Error> {
        let sql = "SELECT relation, row_key FROM pg_treeline.strong_keys($1, $2::text[]::tid[], $3)
                    WHERE row_key IS NOT NULL";
        let Changes {
            relations,
            olds,
            images,
        } = changes;
        let parameters: [Parameter<'_>; 3] = [
            (relations, Type::OID_ARRAY),
            (olds, Type::TEXT_ARRAY),
            (images, Type::TEXT_ARRAY),
        ];
        let rows = self.ask_aside(database, sql, &parameters).await?;
        let row = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(row).collect()
    }

    /// The references to rows, by what `row_keys` calls them, that are committed now and may not
    /// be in the snapshot `since`: something for `references_unseen`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn references_since(
        &self,
        database: &str,
        since: &str,
        keys: &[String],
    ) -> Result<Option<String>, Error> {
        let sql = "SELECT pg_treeline.references_since($1, $2)";
        let parameters: [Parameter<'_>; 2] = [(&since, Type::TEXT), (&keys, Type::TEXT_ARRAY)];
        let rows = self.ask_aside(database, sql, &parameters).await?;
        let row = rows.first().ok_or_else(|| nothing(database))?;
        Ok(row.try_get(0)?)
    }

    async fn ask(
        &self,
        database: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Error> {
        let shared = self.place.shared(database).await?;
        let (client, _lease): (Arc<Client>, _) = shared.ok_or_else(|| nothing(database))?;
        Ok(client.query_typed(sql, parameters).await?)
    }
}

fn nothing(database: &str) -> Error {
    Error::Instance {
        database: database.to_owned(),
        reason: "there is none".to_owned(),
    }
}
