//! Databases on the external server, in SQL. A cluster has the database `dsql_<id>` and roles
//! whose names end with `@<id>`. The role `@<id>`, as which nobody can log in, comes first and
//! goes last: its comment says whose database it is, and its members may connect.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::managed::places::is_database;
use crate::schema::{self, Site, identifier, literal};
use crate::{Error, Options};

/// The versions whose rules of `CREATEROLE` keep the roles of clusters apart, and whose catalogs
/// the schema knows.
const VERSIONS: std::ops::Range<i32> = 160_000..190_000;

/// What sessions find, as an instance of the engine's own has it in its configuration file.
const SETTINGS: &[(&str, &str)] = &[
    ("default_transaction_isolation", "'repeatable read'"),
    ("search_path", "\"$user\", public"),
    ("timezone", "'UTC'"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("default_text_search_config", "'pg_catalog.english'"),
    ("lc_messages", "'C'"),
    ("lc_monetary", "'C'"),
    ("lc_numeric", "'C'"),
    ("lc_time", "'C'"),
    ("deadlock_timeout", "'10ms'"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("max_parallel_maintenance_workers", "0"),
    ("temp_file_limit", "'131072kB'"),
    ("synchronous_commit", "on"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("standard_conforming_strings", "on"),
    ("row_security", "on"),
];

/// How `CREATE DATABASE` says that there is one of that name, now or since it began.
const TAKEN: [SqlState; 2] = [SqlState::DUPLICATE_DATABASE, SqlState::UNIQUE_VIOLATION];

/// What follows the names of a cluster's roles on a server that it shares.
pub(crate) fn suffix(database: &str) -> String {
    format!("@{database}")
}

/// The name of a cluster's database.
pub(crate) fn name(database: &str) -> String {
    format!("dsql_{database}")
}

/// What has to run in a database of the cluster before it is let in.
pub(crate) fn script(options: &Options, database: &str) -> String {
    let lock = format!("'{}ms'", options.lock_wait.as_millis());
    let settings = SETTINGS.iter().copied();
    let settings = settings.chain([("lock_timeout", lock.as_str())]);
    let settings: String = settings
        .map(|(setting, value)| {
            let name = identifier(&name(database));
            format!("ALTER DATABASE {name} SET {setting} = {value};\n")
        })
        .collect();
    settings + &schema::script(options, Site::Shared(&suffix(database)))
}

/// Whether the server will do; answers with its version.
///
/// # Errors
/// [`Error::Instance`], [`Error::Sql`].
pub(crate) async fn check_server(client: &Client) -> Result<String, Error> {
    let sql =
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                      (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
                      pg_is_in_recovery(), current_setting('standard_conforming_strings') = 'on'";
    let row = client.query_one(sql, &[]).await?;
    let (number, version): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    if !VERSIONS.contains(&number) {
        let reason = format!("the server is PostgreSQL {version}, and 16 to 18 are supported");
        return Err(super::failure(reason));
    }
    if !row.try_get::<_, bool>(2)? {
        return Err(super::failure("the user is not a superuser of the server"));
    }
    if row.try_get(3)? {
        return Err(super::failure("the server is a standby"));
    }
    if !row.try_get::<_, bool>(4)? {
        return Err(super::failure("standard_conforming_strings is off"));
    }
    Ok(version)
}

/// Whether there is a database of the cluster, or was begun.
///
/// # Errors
/// [`Error::Instance`]: there is, and it belongs to somebody else.
pub(crate) async fn exists(client: &Client, database: &str, mark: &str) -> Result<bool, Error> {
    let sql = "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles
                WHERE rolname = $1";
    let Some(row) = client.query_opt(sql, &[&suffix(database)]).await? else {
        return Ok(false);
    };
    if row.try_get::<_, &str>(0)? == mark {
        return Ok(true);
    }
    let reason = "it belongs to another server's data directory".to_owned();
    let database = database.to_owned();
    Err(Error::Instance { database, reason })
}

/// Makes the roles and the database, or what of them a kill in between has left out.
///
/// # Errors
/// [`Error::Sql`], [`Error::Instance`].
pub(crate) async fn make(client: &Client, database: &str, mark: &str) -> Result<(), Error> {
    if !exists(client, database, mark).await? {
        let members = identifier(&suffix(database));
        let admin = identifier(&format!("admin{}", suffix(database)));
        let roles = format!(
            "CREATE ROLE {members} NOLOGIN NOINHERIT;
             COMMENT ON ROLE {members} IS {};
             CREATE ROLE {admin};
             GRANT {members} TO {admin} WITH INHERIT TRUE, SET FALSE",
            literal(mark)
        );
        // One transaction.
        client.batch_execute(&roles).await?;
    }
    let sql = "SELECT FROM pg_database WHERE datname = $1";
    if client.query_opt(sql, &[&name(database)]).await?.is_none() {
        let sql = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'",
            identifier(&name(database))
        );
        match client.batch_execute(&sql).await {
            // An attempt that was given up has come to its end after all.
            Err(error) if error.code().is_some_and(|code| TAKEN.contains(code)) => {}
            result => result?,
        }
    }
    Ok(())
}

/// Brings the schema up to date; `client` is in the database.
///
/// # Errors
/// [`Error::Sql`].
pub(crate) async fn bring_up_to_date(
    client: &Client,
    options: &Options,
    database: &str,
) -> Result<(), Error> {
    let script = script(options, database);
    let fingerprint = schema::fingerprint(&script);
    let sql = "SELECT obj_description(to_regnamespace('pg_treeline'), 'pg_namespace')";
    let present: Option<String> = client.query_one(sql, &[]).await?.try_get(0)?;
    if present.as_deref() == Some(fingerprint.as_str()) {
        return Ok(());
    }
    let note = format!("COMMENT ON SCHEMA pg_treeline IS {}", literal(&fingerprint));
    // One transaction; an attempt that was given up may still be at it.
    let sql = format!("SELECT pg_catalog.pg_advisory_xact_lock(7455);\n{script};\n{note}");
    Ok(client.batch_execute(&sql).await?)
}

/// Lets a role log in with the password; `false` when there is no such role that may.
///
/// # Errors
/// [`Error::Sql`].
pub(crate) async fn admit(
    client: &Client,
    database: &str,
    role: &str,
    password: &str,
) -> Result<bool, Error> {
    let sql = "SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin AND NOT rolsuper";
    if client.query_opt(sql, &[&role]).await?.is_none() {
        return Ok(false);
    }
    // The server gets a hash, as its log may have statements.
    let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
    let sql = format!(
        "GRANT {} TO {role} WITH INHERIT TRUE, SET FALSE; ALTER ROLE {role} PASSWORD {}",
        identifier(&suffix(database)),
        literal(&verifier),
        role = identifier(role),
    );
    client.batch_execute(&sql).await?;
    Ok(true)
}

/// Removes the database, whoever is connected, and then its roles.
///
/// # Errors
/// [`Error::Sql`], [`Error::Instance`].
pub(crate) async fn remove(client: &Client, database: &str, mark: &str) -> Result<(), Error> {
    if !exists(client, database, mark).await? {
        return Ok(());
    }
    let drop = format!(
        "DROP DATABASE IF EXISTS {} WITH (FORCE)",
        identifier(&name(database))
    );
    client.batch_execute(&drop).await?;
    let sql = "SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles
                WHERE right(rolname, length($1)) = $1";
    let roles: Option<String> = client
        .query_one(sql, &[&suffix(database)])
        .await?
        .try_get(0)?;
    // One statement, as roles have granted each other to each other.
    if let Some(roles) = roles {
        client.batch_execute(&format!("DROP ROLE {roles}")).await?;
    }
    Ok(())
}

/// The clusters that have a database of this engine's.
///
/// # Errors
/// [`Error::Sql`].
pub(crate) async fn all(client: &Client, mark: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT substr(rolname, 2) FROM pg_roles
                WHERE rolname LIKE '@%' AND shobj_description(oid, 'pg_authid') = $1";
    let rows = client.query(sql, &[&mark]).await?;
    let names: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let mut names = names?;
    names.retain(|name| is_database(name));
    Ok(names)
}

/// Ends all sessions in the databases.
///
/// # Errors
/// [`Error::Sql`].
pub(crate) async fn end_sessions(client: &Client, databases: &[String]) -> Result<(), Error> {
    let names: Vec<String> = databases.iter().map(|database| name(database)).collect();
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = ANY ($1)";
    client.query(sql, &[&names]).await?;
    Ok(())
}
