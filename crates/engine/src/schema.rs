//! The SQL that makes a database of PostgreSQL a cluster: `schema/*.sql`, one file per topic.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::Options;

/// In the order in which they build on each other.
const PARTS: [&str; 19] = [
    include_str!("schema/roles.sql"),
    include_str!("schema/functions.sql"),
    include_str!("schema/settings.sql"),
    include_str!("schema/rows.sql"),
    include_str!("schema/jobs.sql"),
    include_str!("schema/runner.sql"),
    include_str!("schema/ddl.sql"),
    include_str!("schema/iam.sql"),
    include_str!("schema/shadow_names.sql"),
    include_str!("schema/shadow_code.sql"),
    include_str!("schema/shadow_references.sql"),
    include_str!("schema/shadow_apply.sql"),
    include_str!("schema/shadow_images.sql"),
    include_str!("schema/shadow_make.sql"),
    include_str!("schema/keys_make.sql"),
    include_str!("schema/keys.sql"),
    include_str!("schema/shadow_enter.sql"),
    include_str!("schema/snapshot.sql"),
    include_str!("schema/triggers.sql"),
];

/// Where a database is, as far as the script is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Site<'s> {
    /// In an instance of its own.
    Alone,
    /// Among others in a server that has roles for all of them: what follows the names of this
    /// database's roles. The role that has just the suffix for a name may connect, and so may its
    /// members.
    Shared(&'s str),
}

/// The script for a database, new or set up by an earlier version. To be run as a superuser in
/// that database, as one simple query, which is one transaction.
pub(crate) fn script(options: &Options, site: Site<'_>) -> String {
    let version = options.server_version.as_str();
    let major = version.split('.').next().unwrap_or(version);
    let (suffix, members) = match site {
        Site::Alone => ("", "PUBLIC".to_owned()),
        Site::Shared(suffix) => (suffix, identifier(suffix)),
    };
    let admin = format!("admin{suffix}");
    PARTS
        .join("\n")
        .replace("{server_version}", &literal(version))
        .replace(
            "{server_version_num}",
            &literal(&options.server_version_num),
        )
        .replace("{version}", &literal(&format!("PostgreSQL {major}")))
        .replace("{suffix}", &literal(suffix))
        .replace("{admin}", &literal(&admin))
        .replace("{admin_role}", &identifier(&admin))
        .replace("{members}", &members)
}

/// What tells one script from another: the SHA-256 in hexadecimal.
pub(crate) fn fingerprint(script: &str) -> String {
    let digest = Sha256::digest(script.as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An identifier of SQL.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant of SQL, whatever `standard_conforming_strings` is.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "").replace('\'', "''"))
}

#[cfg(test)]
mod shadow_tests;
#[cfg(test)]
mod tests;
