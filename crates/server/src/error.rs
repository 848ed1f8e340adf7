use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use base::AccountId;
use iam::account::AccountFileError;
use store::StoreError;

/// Why a command failed: each text is the one line that the user sees after `treeline: `.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no place for the data directory: give --data-dir, or set HOME")]
    NoDataHome,
    #[error("cannot {attempt} {}: {cause}", path.display())]
    Io {
        /// What was tried, for instance `read the account file`.
        attempt: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    #[error("configuration file {}, line {line}: {reason}", path.display())]
    ConfigFile {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    #[error("account file {}: {cause}", path.display())]
    AccountFile {
        path: PathBuf,
        cause: AccountFileError,
    },
    #[error("{} is not what a server writes: {cause}; remove it", path.display())]
    ServerFile {
        path: PathBuf,
        cause: serde_json::Error,
    },
    #[error("{} is no key of 32 bytes: remove it, which ends all sessions", path.display())]
    SessionKey { path: PathBuf },
    #[error("the data directory {} is in use by another server", path.display())]
    InUse { path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {http}: {cause}")]
    Listen { http: SocketAddr, cause: io::Error },
    #[error(
        "cannot listen on {address} for PostgreSQL clients: {cause}; choose another address with --postgres, or none with --postgres off"
    )]
    ListenPostgres {
        address: SocketAddr,
        cause: io::Error,
    },
    #[error("--tls-certificate and --tls-key belong together: give both or none")]
    CertificateWithoutKey,
    #[error("--identity-provider-ca {}: {reason}", path.display())]
    IdentityProviderAuthorities { path: PathBuf, reason: String },
    #[error(
        "--cognito-issuers {url}: plain HTTP is only for loopback addresses in --identity-provider-networks"
    )]
    PlainCognitoIssuer { url: String },
    #[error("the listener {address} is not for PostgreSQL clients: {reason}")]
    PostgresListener {
        address: SocketAddr,
        reason: &'static str,
    },
    #[error("certificates: {0}")]
    Certificates(String),
    #[error("databases: {0}; to serve without them: --postgres off")]
    Engine(String),
    #[error("cannot {attempt}: {cause}")]
    Process {
        attempt: &'static str,
        cause: io::Error,
    },
    #[error("account file {} has no active access key{}", path.display(), of(user.as_deref(), account.as_ref()))]
    NoKey {
        path: PathBuf,
        user: Option<String>,
        account: Option<AccountId>,
    },
    #[error("account file {} has no principal {arn}", path.display())]
    UnknownPrincipal { path: PathBuf, arn: String },
    #[error("{0}")]
    Refused(String),
    #[error("no server runs on the data directory {}", path.display())]
    NoServer { path: PathBuf },
    #[error("no server runs on the data directory {}, and port 0 means that it chooses its port when it starts", path.display())]
    NoPort { path: PathBuf },
}

impl Error {
    /// For `map_err`: an operation on the file or directory `path` failed.
    pub(crate) fn io(
        attempt: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io {
            attempt,
            path,
            cause,
        }
    }

    /// For `map_err`: the operating system refused something that has no path.
    pub(crate) fn process(attempt: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Process { attempt, cause }
    }
}

fn of(user: Option<&str>, account: Option<&AccountId>) -> String {
    let user = user
        .map(|name| format!(" of user `{name}`"))
        .unwrap_or_default();
    let account = account
        .map(|id| format!(" in account {id}"))
        .unwrap_or_default();
    user + &account
}
