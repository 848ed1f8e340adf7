//! The configuration of all instances: one file for them all, written when the server starts, so
//! that a new version of the server needs to change nothing in the directories of databases.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::{Error, Options};

/// Sessions of the engine's own that always find a place: jobs, mappings, upgrades. As many places
/// again are for those of clients that are just ending.
const RESERVE: u32 = 6;

/// Settings with their reasons. Everything else is PostgreSQL's own default.
const FIXED: &[(&str, &str)] = &[
    // Nobody but the server reaches an instance: see `places` for the directories of sockets.
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    // Durable: what is acknowledged survives a loss of power.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    // Many small instances on one machine. Memory of `shared_buffers` costs when it is touched.
    ("shared_buffers", "16MB"),
    ("huge_pages", "off"),
    ("maintenance_work_mem", "32MB"),
    ("temp_file_limit", "131072kB"),
    ("max_worker_processes", "0"),
    ("max_parallel_workers", "0"),
    ("max_parallel_workers_per_gather", "0"),
    ("max_parallel_maintenance_workers", "0"),
    ("max_logical_replication_workers", "0"),
    ("max_wal_senders", "0"),
    ("max_prepared_transactions", "0"),
    ("wal_level", "minimal"),
    ("min_wal_size", "2MB"),
    ("max_wal_size", "64MB"),
    ("autovacuum", "on"),
    ("autovacuum_max_workers", "2"),
    ("jit", "off"),
    // The engine starts a dead instance itself, so there is one way to come back, not two.
    ("restart_after_crash", "off"),
    // What a session of Aurora DSQL finds.
    ("default_transaction_isolation", "repeatable read"),
    ("search_path", "\"$user\", public"),
    ("timezone", "UTC"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("default_text_search_config", "pg_catalog.simple"),
    ("lc_messages", "C"),
    ("lc_monetary", "C"),
    ("lc_numeric", "C"),
    ("lc_time", "C"),
    // Who waits for a lock gets an answer of `lock_timeout`; two who wait for each other need
    // not wait that long.
    ("deadlock_timeout", "10ms"),
    // Statements, their parameters and the values in errors are nobody's business.
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_min_duration_statement", "-1"),
    ("log_statement", "none"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_checkpoints", "off"),
    ("log_autovacuum_min_duration", "-1"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] "),
];

/// Who may connect: whoever gets at the socket.
const ACCESS: &str = "local all all trust\n";

/// The text of `postgresql.conf`.
fn text(options: &Options, access: &Path) -> String {
    let most = options.max_sessions.saturating_add(2 * RESERVE);
    let chosen = [
        ("hba_file", access.display().to_string()),
        ("max_connections", most.to_string()),
        ("superuser_reserved_connections", RESERVE.to_string()),
        (
            "lock_timeout",
            format!("{}ms", options.lock_wait.as_millis()),
        ),
    ];
    let fixed = FIXED
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let mut text = String::from("# Written by the server at every start.\n");
    for (name, value) in fixed.chain(chosen) {
        // Writing to a string does not fail.
        let _ok = writeln!(
            text,
            "{name} = '{}'",
            value.replace('\\', "\\\\").replace('\'', "''")
        );
    }
    text
}

/// Writes the files for instances to read, and returns the path of the configuration.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn write(options: &Options, directory: &Path) -> Result<PathBuf, Error> {
    let (settings, access) = (
        directory.join("postgresql.conf"),
        directory.join("pg_hba.conf"),
    );
    let files = [
        (&settings, text(options, &access)),
        (&access, ACCESS.to_owned()),
    ];
    for (path, text) in files {
        super::files::replace(path, &text)
            .map_err(Error::io(format!("write {}", path.display())))?;
    }
    Ok(settings)
}
