//! The one definition of every configuration key.
//!
//! A key `data-dir` is the flag `--data-dir`, the environment variable `TREELINE_DATA_DIR` and the
//! key `data-dir` of the TOML file: all three are this struct. A test compares them with each other
//! and with `docs/configuration.md`.

mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base::Region;
use frontdoor::Listener;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use verified_permissions::CognitoIssuer;

pub(crate) use values::{
    ConnectionString, Domain, FaultRules, LogFilter, PostgresListener, Seconds, Words,
};

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
    /// [default: `$XDG_DATA_HOME/treeline` or `~/.local/share/treeline`; root's is `/var/lib/treeline`]
    #[arg(long, env = "TREELINE_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,

    /// The address to serve HTTP on; with port 0 the system chooses the port
    /// [default: `127.0.0.1:4100`]
    #[arg(long, env = "TREELINE_HTTP", value_name = "ADDR")]
    http: SocketAddr,

    /// More addresses to serve HTTP on, separated by spaces, each with its tags: see *Listeners*
    /// [default: none]
    #[arg(long, env = "TREELINE_LISTENERS", value_name = "LISTENERS")]
    #[serde(deserialize_with = "from_text")]
    listeners: Words<Listener>,

    /// The accounts, users, groups, roles, policies and access keys
    /// [default: `iam.json` in the data directory, created if it is missing]
    #[arg(long, env = "TREELINE_IAM_FILE", value_name = "FILE")]
    iam_file: PathBuf,

    /// The AWS Region that `treeline env` sets for clients [default: `us-east-1`]
    #[arg(long, env = "TREELINE_REGION", value_name = "REGION")]
    #[serde(deserialize_with = "from_text")]
    region: Region,

    /// The AWS Regions that are served, separated by spaces; a request is for the one that its
    /// signature names [default: every Region]
    #[arg(long, env = "TREELINE_REGIONS", value_name = "REGIONS")]
    #[serde(deserialize_with = "from_text")]
    regions: Words<Region>,

    /// Where every refusal is recorded as a line of JSON; `off` for nowhere
    /// [default: `decisions.jsonl` in the data directory]
    #[arg(long, env = "TREELINE_DECISION_LOG", value_name = "FILE")]
    decision_log: PathBuf,

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

    /// After how many seconds without a decision, at most twice as many, a policy store leaves
    /// memory; the next decision loads it [default: `600`]
    #[arg(long, env = "TREELINE_POLICY_STORE_IDLE_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    policy_store_idle_seconds: Seconds,

    /// How many bytes of memory the compiled bodies of static policies may take
    /// [default: `134217728`]
    #[arg(long, env = "TREELINE_COMPILED_POLICY_BYTES", value_name = "N")]
    compiled_policy_bytes: u64,

    /// Networks, separated by spaces, in which identity providers may be although their addresses
    /// are not public; plain HTTP is only for loopback addresses in one of them [default: none]
    #[arg(long, env = "TREELINE_IDENTITY_PROVIDER_NETWORKS", value_name = "NETWORKS")]
    #[serde(deserialize_with = "from_text")]
    identity_provider_networks: Words<IpNet>,

    /// Certificate authorities, PEM, that identity providers may have beside the system's
    /// [default: none]
    #[arg(long, env = "TREELINE_IDENTITY_PROVIDER_CA", value_name = "FILE")]
    identity_provider_ca: PathBuf,

    /// Where the keys of Amazon Cognito user pools are, separated by spaces: `POOL=URL` for one
    /// pool, `URL` for all others, whose issuers are then `URL/POOL` [default: Amazon Cognito]
    #[arg(long, env = "TREELINE_COGNITO_ISSUERS", value_name = "ISSUERS")]
    #[serde(deserialize_with = "from_text")]
    cognito_issuers: Words<CognitoIssuer>,

    /// What the host names of Aurora DSQL clusters end with, after `<id>.dsql.<region>.`
    /// [default: `on.aws`]
    #[arg(long, env = "TREELINE_DSQL_ENDPOINT_SUFFIX", value_name = "DOMAIN")]
    #[serde(deserialize_with = "from_text")]
    dsql_endpoint_suffix: Domain,

    /// How many seconds a cluster is `CREATING` [default: `2`]
    #[arg(long, env = "TREELINE_DSQL_CREATION_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_creation_seconds: Seconds,

    /// How many seconds a cluster is `UPDATING` [default: `1`]
    #[arg(long, env = "TREELINE_DSQL_UPDATE_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_update_seconds: Seconds,

    /// How many seconds a cluster or stream is `DELETING` [default: `2`]
    #[arg(long, env = "TREELINE_DSQL_DELETION_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_deletion_seconds: Seconds,

    /// After how many seconds without activity a cluster shows `IDLE`; its PostgreSQL is stopped
    /// then, and started by the next connection [default: `600`]
    #[arg(long, env = "TREELINE_DSQL_IDLE_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_idle_seconds: Seconds,

    /// After how many seconds without activity a cluster shows `INACTIVE` [default: `3600`]
    #[arg(long, env = "TREELINE_DSQL_INACTIVE_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_inactive_seconds: Seconds,

    /// The address for PostgreSQL clients, with tags as a listener has them; `off` for none
    /// [default: `127.0.0.1:5432`]
    #[arg(long, env = "TREELINE_POSTGRES", value_name = "ADDR")]
    #[serde(deserialize_with = "from_text")]
    postgres: PostgresListener,

    /// More addresses for PostgreSQL clients, separated by spaces, each with its tags: see
    /// *Listeners* [default: none]
    #[arg(long, env = "TREELINE_POSTGRES_LISTENERS", value_name = "LISTENERS")]
    #[serde(deserialize_with = "from_text")]
    postgres_listeners: Words<Listener>,

    /// The `bin` directory of the PostgreSQL to run
    /// [default: a PostgreSQL 16 of this machine, or the one in the data directory]
    #[arg(long, env = "TREELINE_POSTGRES_BINARIES", value_name = "DIR")]
    postgres_binaries: PathBuf,

    /// The system user that PostgreSQL runs as when the server runs as root
    /// [default: `treeline`, `postgres` or `nobody`, the first that exists]
    #[arg(long, env = "TREELINE_POSTGRES_USER", value_name = "NAME")]
    postgres_user: String,

    /// The PostgreSQL server to have the databases in, as a connection string or URL with a superuser:
    /// see *An external PostgreSQL* [default: none, an instance is run for every cluster]
    #[arg(
        long, env = "TREELINE_POSTGRES_EXTERNAL", value_name = "URL", hide_env_values = true
    )]
    #[serde(deserialize_with = "from_text")]
    postgres_external: ConnectionString,

    /// The certificate chain for PostgreSQL clients, PEM; with `tls-key`
    /// [default: certificates of the data directory's own CA]
    #[arg(long, env = "TREELINE_TLS_CERTIFICATE", value_name = "FILE")]
    tls_certificate: PathBuf,

    /// The private key of `tls-certificate`, PEM [default: none]
    #[arg(long, env = "TREELINE_TLS_KEY", value_name = "FILE")]
    tls_key: PathBuf,

    /// The most connections to a cluster [default: `200`]
    #[arg(long, env = "TREELINE_DSQL_CONNECTIONS", value_name = "N")]
    dsql_connections: u32,

    /// How many new connections per second a cluster takes, after a burst of ten times as many
    /// [default: `100`]
    #[arg(long, env = "TREELINE_DSQL_CONNECTION_RATE", value_name = "N")]
    dsql_connection_rate: u32,

    /// After how many seconds a connection is ended [default: `3600`]
    #[arg(long, env = "TREELINE_DSQL_SESSION_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_session_seconds: Seconds,

    /// How many seconds old a transaction may become [default: `300`]
    #[arg(long, env = "TREELINE_DSQL_TRANSACTION_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_transaction_seconds: Seconds,

    /// Where conflicts between transactions show: at the `commit`, where the first to commit wins,
    /// or at the `statement`, where the first to write does, as in PostgreSQL [default: `commit`]
    #[arg(long, env = "TREELINE_DSQL_CONFLICTS", value_name = "WHERE")]
    dsql_conflicts: ConflictsAt,

    /// How many seconds a statement waits for another transaction before it is a conflict
    /// [default: `0.1`]
    #[arg(long, env = "TREELINE_DSQL_LOCK_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_lock_seconds: Seconds,

    /// How many seconds an asynchronous job waits before it runs [default: `1`]
    #[arg(long, env = "TREELINE_DSQL_JOB_SECONDS", value_name = "SECONDS")]
    #[serde(deserialize_with = "from_number")]
    dsql_job_seconds: Seconds,

    /// Conflicts that are brought about on purpose, separated by `;`, as in
    /// `oc000 every=3; oc001 next=1 table=orders`: see *Conflicts on purpose* [default: none]
    #[arg(long, env = "TREELINE_DSQL_FAULTS", value_name = "RULES")]
    #[serde(deserialize_with = "from_text")]
    dsql_faults: FaultRules,

    /// The most single-Region clusters of an account in a Region [default: `20`]
    #[arg(long, env = "TREELINE_QUOTA_DSQL_CLUSTERS", value_name = "N")]
    quota_dsql_clusters: usize,

    /// The most multi-Region clusters of an account in a Region [default: `5`]
    #[arg(long, env = "TREELINE_QUOTA_DSQL_MULTI_REGION_CLUSTERS", value_name = "N")]
    quota_dsql_multi_region_clusters: usize,

    /// The most streams of a cluster [default: `5`]
    #[arg(long, env = "TREELINE_QUOTA_DSQL_STREAMS", value_name = "N")]
    quota_dsql_streams: usize,

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

/// Where conflicts between transactions show.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConflictsAt {
    /// At COMMIT, as in Aurora DSQL: the first to commit wins.
    #[default]
    Commit,
    /// At the statement, as in PostgreSQL: the first to write wins.
    Statement,
}

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

/// Reads a number of the file as its flag is read.
fn from_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    let number = f64::deserialize(deserializer)?;
    number
        .to_string()
        .parse()
        .map(Some)
        .map_err(serde::de::Error::custom)
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
