//! The one definition of every configuration key.
//!
//! A key `data-dir` is the flag `--data-dir`, the environment variable `TREELINE_DATA_DIR` and the
//! key `data-dir` of the TOML file: all three are this struct. A test compares them with each other
//! and with `docs/configuration.md`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base::Region;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Defines [`Settings`] and the operations that must not forget a key.
macro_rules! settings {
    ($($(#[$attribute:meta])* $key:ident: $type:ty,)*) => {
        /// The keys that one layer (flags and environment, or the file) sets.
        #[derive(Clone, Default, Debug, PartialEq, clap::Args, serde::Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct Settings {
            $($(#[$attribute])* pub(crate) $key: Option<$type>,)*
        }

        impl Settings {
            /// These settings, and those of `lower` where these are silent.
            pub(crate) fn or(self, lower: Self) -> Self {
                Self { $($key: self.$key.or(lower.$key),)* }
            }
        }
    };
}

settings! {
    /// Where the database and the account file are
    /// [default: `$XDG_DATA_HOME/treeline` or `~/.local/share/treeline`]
    #[arg(long, env = "TREELINE_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,

    /// The address to serve HTTP on; with port 0 the system chooses the port
    /// [default: `127.0.0.1:4100`]
    #[arg(long, env = "TREELINE_HTTP", value_name = "ADDR")]
    http: SocketAddr,

    /// The accounts, users and access keys
    /// [default: `iam.json` in the data directory, created if it is missing]
    #[arg(long, env = "TREELINE_IAM_FILE", value_name = "FILE")]
    iam_file: PathBuf,

    /// The AWS Region that the server stands for [default: `us-east-1`]
    #[arg(long, env = "TREELINE_REGION", value_name = "REGION")]
    #[serde(deserialize_with = "from_text")]
    region: Region,

    /// What is logged on standard error: `off`, `error`, `warn`, `info`, `debug` or `trace`, also
    /// for single modules, as in `warn,frontdoor=info` [default: `info`]
    #[arg(long, env = "TREELINE_LOG", value_name = "LEVELS")]
    #[serde(deserialize_with = "from_text")]
    log: LogFilter,

    /// The form of the log: `text` or `json` [default: `text`]
    #[arg(long, env = "TREELINE_LOG_FORMAT", value_name = "FORMAT", hide_possible_values = true)]
    log_format: LogFormat,

    /// Accept templates whose scope leaves the principal or the resource open, which AWS refuses
    /// [default: `false`]
    #[arg(
        long, env = "TREELINE_ALLOW_UNCONSTRAINED_TEMPLATE_SCOPE", value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true
    )]
    allow_unconstrained_template_scope: bool,

    /// Enforce the service's request rates, as AWS does, with `ThrottlingException`
    /// [default: `false`]
    #[arg(
        long, env = "TREELINE_REQUEST_RATES", value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_missing_value = "true",
        hide_possible_values = true
    )]
    request_rates: bool,

    /// The most policy stores of an account [default: `30000`]
    #[arg(long, env = "TREELINE_QUOTA_POLICY_STORES", value_name = "N")]
    quota_policy_stores: usize,

    /// The most policy templates of a policy store [default: `40`]
    #[arg(long, env = "TREELINE_QUOTA_POLICY_TEMPLATES", value_name = "N")]
    quota_policy_templates: usize,

    /// The most aliases of a policy store [default: `10`]
    #[arg(long, env = "TREELINE_QUOTA_POLICY_STORE_ALIASES", value_name = "N")]
    quota_policy_store_aliases: usize,

    /// The most bytes of a policy's statement [default: `10000`]
    #[arg(long, env = "TREELINE_QUOTA_POLICY_BYTES", value_name = "N")]
    quota_policy_bytes: usize,

    /// The most bytes of all policies that name one resource, and of all that name none
    /// [default: `200000`]
    #[arg(long, env = "TREELINE_QUOTA_POLICY_BYTES_PER_RESOURCE", value_name = "N")]
    quota_policy_bytes_per_resource: usize,

    /// The most bytes of a schema [default: `100000`]
    #[arg(long, env = "TREELINE_QUOTA_SCHEMA_BYTES", value_name = "N")]
    quota_schema_bytes: usize,

    /// The most namespaces of a schema [default: `100`]
    #[arg(long, env = "TREELINE_QUOTA_SCHEMA_NAMESPACES", value_name = "N")]
    quota_schema_namespaces: usize,
}

/// What is logged: a level, and levels of modules.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogFilter(pub(crate) Targets);

/// The text was not a list of levels.
#[derive(Debug)]
pub(crate) struct InvalidLogFilter;

impl FromStr for LogFilter {
    type Err = InvalidLogFilter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `Targets` takes a word alone for a module, and so a misspelt level too; nothing for a level.
        let level = |part: &str| !part.is_empty() && part.parse::<LevelFilter>().is_ok();
        let clear = |part: &str| part.contains('=') || level(part);
        if !text.split(',').all(clear) {
            return Err(InvalidLogFilter);
        }
        text.parse().map(Self).map_err(|_| InvalidLogFilter)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl fmt::Display for InvalidLogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be levels like `debug` or `warn,frontdoor=info`")
    }
}

impl std::error::Error for InvalidLogFilter {}

/// The form of the log.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Reads a value of the file as its flag is read.
fn from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
