//! The SQL that makes a database of PostgreSQL a cluster: `schema/*.sql`, one file per topic.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::Options;

/// In the order in which they build on each other.
const PARTS: [&str; 9] = [
    include_str!("schema/roles.sql"),
    include_str!("schema/functions.sql"),
    include_str!("schema/settings.sql"),
    include_str!("schema/rows.sql"),
    include_str!("schema/jobs.sql"),
    include_str!("schema/runner.sql"),
    include_str!("schema/ddl.sql"),
    include_str!("schema/iam.sql"),
    include_str!("schema/triggers.sql"),
];

/// The script for a database of an instance, new or set up by an earlier version. To be run as the
/// superuser `treeline` in database `postgres`, as one simple query, which is one transaction.
pub(crate) fn script(options: &Options) -> String {
    let version = options.server_version.as_str();
    let major = version.split('.').next().unwrap_or(version);
    PARTS
        .join("\n")
        .replace("{server_version}", &literal(version))
        .replace(
            "{server_version_num}",
            &literal(&options.server_version_num),
        )
        .replace("{version}", &literal(&format!("PostgreSQL {major}")))
}

/// What tells one script from another: the SHA-256 in hexadecimal.
pub(crate) fn fingerprint(options: &Options) -> String {
    let digest = Sha256::digest(script(options).as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A string constant of SQL, whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "").replace('\'', "''"))
}

#[cfg(test)]
mod tests;
