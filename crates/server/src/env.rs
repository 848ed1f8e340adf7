//! `treeline env`: the shell commands that point AWS clients at the server.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base::AccountId;
use iam::account::Accounts;
use iam::{Credential, PrincipalKind};

use crate::account_file;
use crate::config::Config;
use crate::data_dir::ServerFile;
use crate::error::Error;

/// How long the server has to accept a connection before it counts as not running.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Variables that would take the clients elsewhere: they come before those that are exported, or
/// would be sent along with the wrong key.
const UNSET: &str = "AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE \
                     AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// Whose access key is wanted; the first of the account file when nothing is said.
#[derive(Clone, Default, Debug, clap::Args)]
pub(crate) struct Owner {
    /// Use an access key of this user
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Use an access key of this account
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<AccountId>,
}

/// Which keys were given as flags of this very command: they win over what the running server says
/// of itself, which wins over the environment and the file.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Typed {
    pub(crate) http: bool,
    pub(crate) region: bool,
    pub(crate) iam_file: bool,
}

/// Writes the commands to `out`, and to `notes` that no server seems to run. It does not open the
/// database, which the server has locked.
pub(crate) fn run(
    config: &Config,
    typed: Typed,
    owner: &Owner,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> Result<(), Error> {
    let server = ServerFile::read(&config.data_dir)?;
    let known = server.is_some() || typed.http;
    let mut target = ServerFile {
        http: config.http,
        region: config.region.to_string(),
        iam_file: config.iam_file.clone(),
        postgres: None,
        tls_authority: None,
    };
    if let Some(server) = server {
        let configured = std::mem::replace(&mut target, server);
        if typed.http {
            target.http = configured.http;
        }
        if typed.region {
            target.region = configured.region;
        }
        if typed.iam_file {
            target.iam_file = configured.iam_file;
        }
    }
    let http = reachable(target.http);
    if http.port() == 0 {
        return Err(Error::NoPort {
            path: config.data_dir.clone(),
        });
    }
    let accounts = account_file::read(&target.iam_file)?;
    let key = find_key(&accounts, owner).ok_or_else(|| Error::NoKey {
        path: target.iam_file.clone(),
        user: owner.user.clone(),
        account: owner.account.clone(),
    })?;
    if !known || TcpStream::connect_timeout(&http, CONNECT_TIMEOUT).is_err() {
        let dir = config.data_dir.display();
        // The commands are right all the same, as soon as the server runs.
        let _ = writeln!(
            notes,
            "treeline: no server seems to run at {} on the data directory {dir}",
            url(http)
        );
    }
    out.write_all(commands(http, &target, key).as_bytes())
        .and_then(|()| out.flush())
        .map_err(Error::process("write to standard output"))
}

/// The URL of a server that listens on `http`.
pub(crate) fn url(http: SocketAddr) -> String {
    format!("http://{}", reachable(http))
}

/// An address of this machine, if `http` stands for all of them.
fn reachable(http: SocketAddr) -> SocketAddr {
    let ip = match http.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, http.port())
}

fn find_key<'a>(accounts: &'a Accounts, owner: &Owner) -> Option<&'a Arc<Credential>> {
    if owner.user.is_none() && owner.account.is_none() {
        return accounts.first_key();
    }
    let wanted = |id: &AccountId| owner.account.as_ref().is_none_or(|account| account == id);
    accounts
        .accounts()
        .iter()
        .filter(|account| wanted(account.id()))
        .find_map(|account| {
            let key_of = |user: Option<&str>| accounts.key_of(account.id(), user);
            match &owner.user {
                Some(user) => key_of(Some(user)),
                None => {
                    let mut users = account.users().iter();
                    let key = users.find_map(|user| match &user.kind {
                        PrincipalKind::User { name } => key_of(Some(name)),
                        PrincipalKind::Root | PrincipalKind::AssumedRole { .. } => None,
                    });
                    key.or_else(|| key_of(None))
                }
            }
        })
}

/// The commands, for any POSIX shell.
///
/// `PGHOSTADDR` and `PGPORT` take every connection of libpq to the server, whatever the cluster's
/// name resolves to.
fn commands(http: SocketAddr, server: &ServerFile, key: &Credential) -> String {
    let (endpoint, region) = (url(http), server.region.as_str());
    let exports = [
        ("AWS_ENDPOINT_URL_VERIFIEDPERMISSIONS", endpoint.as_str()),
        ("AWS_ENDPOINT_URL_DSQL", &endpoint),
        ("AWS_ENDPOINT_URL_STS", &endpoint),
        ("AWS_ACCESS_KEY_ID", &key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", key.secret.expose()),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ];
    let export = |(name, value): (&str, &str)| format!("export {name}={}\n", quoted(value));
    let exports = exports.map(export).concat();
    let postgres = postgres(server);
    let postgres = postgres.iter().map(|(name, value)| export((name, value)));
    let postgres: String = postgres.collect();
    format!("{exports}{postgres}unset {UNSET}\n")
}

/// What takes PostgreSQL clients to the clusters: libpq, and the certificate for Node.js as well.
fn postgres(server: &ServerFile) -> Vec<(&'static str, String)> {
    let mut exports = Vec::new();
    if let Some(address) = server.postgres.map(reachable) {
        exports.push(("PGHOSTADDR", address.ip().to_string()));
        exports.push(("PGPORT", address.port().to_string()));
        exports.push(("PGSSLMODE", "verify-full".to_owned()));
    }
    if let Some(authority) = &server.tls_authority {
        let authority = authority.display().to_string();
        exports.push(("PGSSLROOTCERT", authority.clone()));
        exports.push(("NODE_EXTRA_CA_CERTS", authority));
    }
    exports
}

/// `value` as one word of a POSIX shell, quoted only if it must be.
pub(crate) fn shell_word(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        value.to_owned()
    } else {
        quoted(value)
    }
}

/// `value` between single quotes, in which a POSIX shell changes nothing.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
