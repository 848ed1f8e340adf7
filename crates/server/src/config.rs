//! The configuration that a command runs with: every key has a value.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::Region;
use frontdoor::Listener;
use ipnet::IpNet;
use verified_permissions::{Options, Quotas};

use crate::config_file;
use crate::error::Error;
use crate::settings::{ConflictsAt, ConnectionString, LogFilter, LogFormat, Seconds, Settings};

const HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4100);
const POSTGRES: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5432);
/// After how long without activity clusters are IDLE and their PostgreSQL is stopped.
const IDLE: Duration = Duration::from_secs(600);
const INACTIVE: Duration = Duration::from_secs(3600);
const REGION: &str = "us-east-1";

/// Where the user's programs keep their data, as the environment says.
#[derive(Clone, Default, Debug)]
pub(crate) struct DataHome {
    /// `XDG_DATA_HOME`, which counts only if it is absolute (XDG Base Directory Specification).
    pub(crate) xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// Whether the user is root, whose home no other user may enter: PostgreSQL, which never runs
    /// as root, could not reach its data there.
    pub(crate) root: bool,
}

/// The configuration; paths are absolute.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    /// Whether `data_dir` is the one that is taken when nothing is said.
    pub(crate) default_data_dir: bool,
    pub(crate) http: SocketAddr,
    pub(crate) iam_file: PathBuf,
    /// Besides `http`.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) region: Region,
    /// The Regions that are served; `None` for all.
    pub(crate) regions: Option<Vec<Region>>,
    /// `None` when refusals are recorded nowhere.
    pub(crate) decision_log: Option<PathBuf>,
    pub(crate) log: LogFilter,
    pub(crate) log_format: LogFormat,
    pub(crate) options: Options,
    pub(crate) identity_providers: IdentityProviders,
    pub(crate) dsql: dsql::Options,
    pub(crate) postgres: Postgres,
}

/// How identity providers are reached.
#[derive(Clone, Default, Debug)]
pub(crate) struct IdentityProviders {
    pub(crate) networks: Vec<IpNet>,
    pub(crate) authorities: Option<PathBuf>,
}

/// How clusters are connected to, and what runs behind them.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    /// None when clusters cannot be connected to.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) binaries: Option<PathBuf>,
    pub(crate) user: Option<String>,
    /// The server that has the databases instead.
    pub(crate) external: Option<ConnectionString>,
    /// The operator's certificate and key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) connections: u32,
    pub(crate) connection_rate: u32,
    pub(crate) session_limit: Duration,
    pub(crate) transaction_limit: Duration,
    pub(crate) conflicts: ConflictsAt,
    pub(crate) lock_wait: Duration,
    pub(crate) job_delay: Duration,
    /// The conflicts that are brought about on purpose.
    pub(crate) faults: Vec<gateway::Rule>,
}

impl Config {
    /// Completes `settings` (flags and environment) from the file, then from the defaults.
    ///
    /// # Errors
    /// The file cannot be read or is wrong; there is no place for the data directory.
    pub(crate) fn load(
        settings: Settings,
        file: Option<&Path>,
        home: &DataHome,
    ) -> Result<Self, Error> {
        let settings = match file {
            Some(file) => settings.or(config_file::read(file)?),
            None => settings,
        };
        Self::resolve(settings, home)
    }

    fn resolve(mut settings: Settings, home: &DataHome) -> Result<Self, Error> {
        let default_data_dir = settings.data_dir.is_none();
        let data_dir = absolute(match &settings.data_dir {
            Some(dir) => dir.clone(),
            None => home.data_dir().ok_or(Error::NoDataHome)?,
        })?;
        let iam_file = match &settings.iam_file {
            Some(file) => absolute(file.clone())?,
            None => default_iam_file(&data_dir),
        };
        let decision_log = match settings.decision_log.take() {
            Some(file) if file == Path::new("off") => None,
            Some(file) => Some(absolute(file)?),
            None => Some(data_dir.join("decisions.jsonl")),
        };
        let (options, dsql) = (options(&settings), dsql_options(&settings));
        let postgres = postgres(&mut settings)?;
        let identity_providers = IdentityProviders {
            networks: settings
                .identity_provider_networks
                .map(|all| all.0)
                .unwrap_or_default(),
            authorities: settings.identity_provider_ca.map(absolute).transpose()?,
        };
        Ok(Self {
            data_dir,
            default_data_dir,
            http: settings.http.unwrap_or(HTTP),
            iam_file,
            region: settings.region.unwrap_or_else(default_region),
            log: settings.log.unwrap_or_default(),
            log_format: settings.log_format.unwrap_or_default(),
            options,
            identity_providers,
            dsql,
            postgres,
            decision_log,
            listeners: settings.listeners.map(|all| all.0).unwrap_or_default(),
            regions: settings.regions.map(|all| all.0),
        })
    }

    /// Whether the account file is the data directory's own, which the first start creates.
    pub(crate) fn owns_iam_file(&self) -> bool {
        self.iam_file == default_iam_file(&self.data_dir)
    }
}

impl DataHome {
    fn data_dir(&self) -> Option<PathBuf> {
        let xdg = self.xdg_data_home.clone().filter(|path| path.is_absolute());
        if xdg.is_none() && self.root {
            return Some("/var/lib/treeline".into());
        }
        let home = self.home.as_deref().filter(|path| path.is_absolute());
        Some(
            xdg.or_else(|| Some(home?.join(".local/share")))?
                .join("treeline"),
        )
    }
}

/// A policy store that left memory sooner would be loaded for every decision.
const SHORTEST_IDLE: Duration = Duration::from_secs(1);

fn options(settings: &Settings) -> Options {
    let default = Options::default();
    let quotas = default.quotas;
    Options {
        quotas: Quotas {
            policy_stores: settings.quota_policy_stores.unwrap_or(quotas.policy_stores),
            policy_templates: settings
                .quota_policy_templates
                .unwrap_or(quotas.policy_templates),
            policy_store_aliases: settings
                .quota_policy_store_aliases
                .unwrap_or(quotas.policy_store_aliases),
            policy_bytes: settings.quota_policy_bytes.unwrap_or(quotas.policy_bytes),
            policy_bytes_per_resource: settings
                .quota_policy_bytes_per_resource
                .unwrap_or(quotas.policy_bytes_per_resource),
            schema_bytes: settings.quota_schema_bytes.unwrap_or(quotas.schema_bytes),
            schema_namespaces: settings
                .quota_schema_namespaces
                .unwrap_or(quotas.schema_namespaces),
        },
        allow_unconstrained_template_scope: settings
            .allow_unconstrained_template_scope
            .unwrap_or(default.allow_unconstrained_template_scope),
        request_rates: settings.request_rates.unwrap_or(default.request_rates),
        compiled_policy_bytes: settings
            .compiled_policy_bytes
            .unwrap_or(default.compiled_policy_bytes),
        policy_store_idle_after: settings
            .policy_store_idle_seconds
            .map_or(default.policy_store_idle_after, |seconds| {
                seconds.0.max(SHORTEST_IDLE)
            }),
        cognito_issuers: settings
            .cognito_issuers
            .as_ref()
            .map_or(default.cognito_issuers, |all| all.0.clone()),
    }
}

fn dsql_options(settings: &Settings) -> dsql::Options {
    let default = dsql::Options::default();
    let seconds = |setting: Option<Seconds>| setting.map(|seconds| seconds.0);
    let quotas = default.quotas;
    dsql::Options {
        quotas: dsql::Quotas {
            single_region_clusters: settings
                .quota_dsql_clusters
                .unwrap_or(quotas.single_region_clusters),
            multi_region_clusters: settings
                .quota_dsql_multi_region_clusters
                .unwrap_or(quotas.multi_region_clusters),
            streams_per_cluster: settings
                .quota_dsql_streams
                .unwrap_or(quotas.streams_per_cluster),
        },
        endpoint_suffix: settings
            .dsql_endpoint_suffix
            .as_ref()
            .map_or(default.endpoint_suffix, |domain| domain.0.clone()),
        creation_delay: seconds(settings.dsql_creation_seconds).unwrap_or(default.creation_delay),
        update_delay: seconds(settings.dsql_update_seconds).unwrap_or(default.update_delay),
        deletion_delay: seconds(settings.dsql_deletion_seconds).unwrap_or(default.deletion_delay),
        idle_after: seconds(settings.dsql_idle_seconds).or(Some(IDLE)),
        inactive_after: seconds(settings.dsql_inactive_seconds).or(Some(INACTIVE)),
    }
}

fn postgres(settings: &mut Settings) -> Result<Postgres, Error> {
    let main = settings.postgres.take();
    let main = main.map_or_else(|| Some(Listener::new(POSTGRES)), |main| main.0);
    let others = settings.postgres_listeners.take();
    let certificate = match (settings.tls_certificate.take(), settings.tls_key.take()) {
        (Some(certificate), Some(key)) => Some((absolute(certificate)?, absolute(key)?)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(Error::CertificateWithoutKey),
    };
    let seconds = |setting: Option<Seconds>, default: Duration| setting.map_or(default, |s| s.0);
    Ok(Postgres {
        listeners: main
            .into_iter()
            .chain(others.map(|all| all.0).unwrap_or_default())
            .collect(),
        binaries: settings
            .postgres_binaries
            .take()
            .map(absolute)
            .transpose()?,
        user: settings.postgres_user.take(),
        external: settings.postgres_external.take(),
        certificate,
        connections: settings.dsql_connections.unwrap_or(200),
        connection_rate: settings.dsql_connection_rate.unwrap_or(100),
        session_limit: seconds(settings.dsql_session_seconds, Duration::from_secs(3600)),
        transaction_limit: seconds(settings.dsql_transaction_seconds, Duration::from_secs(300)),
        conflicts: settings.dsql_conflicts.unwrap_or_default(),
        lock_wait: seconds(settings.dsql_lock_seconds, Duration::from_millis(100)),
        job_delay: seconds(settings.dsql_job_seconds, Duration::from_secs(1)),
        faults: settings.dsql_faults.take().unwrap_or_default().0,
    })
}

fn default_iam_file(data_dir: &Path) -> PathBuf {
    data_dir.join("iam.json")
}

#[expect(clippy::expect_used, reason = "a constant that the tests parse")]
fn default_region() -> Region {
    REGION.parse().expect("the default Region is one")
}

fn absolute(path: PathBuf) -> Result<PathBuf, Error> {
    std::path::absolute(&path).map_err(Error::io("find", path))
}

#[cfg(test)]
mod tests;
