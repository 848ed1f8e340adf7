use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::open::opening_failed;
use crate::StoreError;

/// What leads from each schema version to the next; version 0 is an empty database. Entries are
/// added at the end and never change.
///
/// The SQL is portable but for `WITHOUT ROWID`, which saves SQLite a second copy of tables that are
/// all key. Texts are compared byte by byte: another database needs `COLLATE "C"` for that.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (
        name TEXT NOT NULL PRIMARY KEY,
        value BIGINT NOT NULL
    );
    CREATE TABLE documents (
        parent TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        created BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        version BIGINT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (parent, kind, id)
    );
    CREATE INDEX documents_in_order ON documents (parent, kind, created, id);
    CREATE TABLE changes (
        revision BIGINT NOT NULL,
        parent TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (revision, parent, kind, id)
    ) WITHOUT ROWID;
",
    "
    ALTER TABLE documents ADD COLUMN keys TEXT NOT NULL DEFAULT '';
    CREATE TABLE document_keys (
        parent TEXT NOT NULL,
        list_key BIGINT NOT NULL,
        created BIGINT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (parent, list_key, created, id)
    ) WITHOUT ROWID;
",
];

/// Creates the tables or brings them up to date, in one transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let stored = stored_version(connection, path)?;
    if stored > known {
        return Err(StoreError::SchemaTooNew {
            path: path.to_owned(),
            stored,
            known,
        });
    }
    let done = usize::try_from(stored).unwrap_or(0);
    apply(
        connection,
        MIGRATIONS.get(done..).unwrap_or_default(),
        known,
    )
    .map_err(|error| opening_failed(path, error))
}

/// Refuses a database whose tables are not exactly those of this program.
pub(super) fn check_current(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match stored_version(connection, path)? {
        stored if stored == known => Ok(()),
        stored if stored > known => Err(StoreError::SchemaTooNew {
            path: path.to_owned(),
            stored,
            known,
        }),
        _ => Err(StoreError::NotADatabase {
            path: path.to_owned(),
            reason: "it is empty or of an older release: start the server once".to_owned(),
        }),
    }
}

fn apply(connection: &mut Connection, steps: &[&str], version: i64) -> rusqlite::Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps {
        tx.execute_batch(step)?;
    }
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ('schema', ?1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [version],
    )?;
    tx.commit()
}

fn stored_version(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let read = |sql| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .optional()
    };
    let failed = |error| opening_failed(path, error);
    if read("SELECT COUNT(*) FROM sqlite_master").map_err(failed)? == Some(0) {
        return Ok(0);
    }
    let ours = "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('meta', 'documents', 'changes')";
    let version = if read(ours).map_err(failed)? == Some(3) {
        read("SELECT value FROM meta WHERE name = 'schema'").map_err(failed)?
    } else {
        None
    };
    version.ok_or_else(|| StoreError::NotADatabase {
        path: path.to_owned(),
        reason: "it holds the tables of another program".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{keys, rows, scan};
    use super::*;

    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        for at in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(at, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get("detail").unwrap());
        }
        steps
    }

    #[test]
    fn every_statement_searches_an_index_and_sorts_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, MIGRATIONS, 1).unwrap();
        let document = "(parent=? AND kind=? AND id=?)";
        let in_list = "documents_in_order (parent=? AND kind=?";
        for (sql, expected) in [
            (rows::GET, document),
            (rows::DELETE, document),
            (rows::LIST, &format!("{in_list} AND (created,id)>(?,?))")),
            (scan::SCAN, &format!("{in_list})")),
            (
                keys::POSITIONS,
                "(parent=? AND list_key=? AND (created,id)>(?,?))",
            ),
            (keys::KEYS_OF, document),
            (
                keys::DROP,
                "(parent=? AND list_key=? AND created=? AND id=?)",
            ),
            (keys::DROP_CHILDREN, "(parent=?)"),
            (rows::COUNT, &format!("{in_list})")),
            (rows::DELETE_CHILDREN, "(parent=?)"),
            (rows::CHANGES, "(revision>? AND revision<?)"),
            (rows::TRIM, "(revision<?)"),
            (rows::NEWEST, "SEARCH changes"),
            (rows::FEED_RANGE, "SEARCH changes"),
            (rows::IS_LONG, "SEARCH changes"),
        ] {
            let steps = plan(&connection, sql);
            assert!(
                steps.iter().any(|step| step.contains(expected)),
                "{sql}: {steps:?}"
            );
            for step in steps {
                assert!(!step.contains("TEMP B-TREE"), "{sql}: {step}");
                assert!(
                    !step.starts_with("SCAN") || step == "SCAN CONSTANT ROW",
                    "{sql}: {step}"
                );
            }
        }
    }

    #[test]
    fn a_failed_migration_leaves_the_database_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        apply(&mut connection, &MIGRATIONS[..1], 1).unwrap();
        let step = [
            "CREATE TABLE other (a BIGINT)",
            "CREATE TABLE documents (a BIGINT)",
        ];
        apply(&mut connection, &step, 3).unwrap_err();
        let path = Path::new("store.db");
        assert_eq!(stored_version(&connection, path).unwrap(), 1);
        let count = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'other'";
        assert_eq!(
            connection
                .query_row(count, [], |row| row.get::<_, i64>(0))
                .unwrap(),
            0
        );
        migrate(&mut connection, path).unwrap();
        assert_eq!(
            stored_version(&connection, path).unwrap(),
            MIGRATIONS.len() as i64
        );
    }
}
