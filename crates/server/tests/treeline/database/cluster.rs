//! A cluster of a server of its own, and how a Rust program connects to it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_dsql::auth_token::{AuthTokenGenerator, Config};
use aws_sdk_dsql::config::Region;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_async::time::SystemTimeSource;
use aws_types::SdkConfig;
use tempfile::TempDir;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};

use super::tls::Tls;
use crate::process::{Server, key, treeline};

const REGION: &str = "us-east-1";

/// A cluster that is ACTIVE. Its server ends when it is dropped.
pub(crate) struct Cluster {
    /// Its host name.
    pub(crate) host: String,
    /// Where clients connect to.
    pub(crate) address: SocketAddr,
    credentials: Credentials,
    directory: TempDir,
    server: Option<Server>,
}

impl Cluster {
    /// The cluster of all tests that run at the moment.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let cluster = Arc::new(Self::new());
            *shared = Arc::downgrade(&cluster);
            cluster
        })
    }

    fn new() -> Self {
        // PostgreSQL does not run as root, and whom it runs as must be able to reach its files.
        let open = std::fs::Permissions::from_mode(0o711);
        let directory = tempfile::Builder::new()
            .permissions(open)
            .tempdir()
            .unwrap();
        let data = directory.path().join("data");
        let mut command = treeline(directory.path(), &["serve", "--http=127.0.0.1:0"]);
        command
            .args(["--postgres=127.0.0.1:0", "--dsql-creation-seconds=0"])
            .arg("--postgres-binaries")
            .arg(binaries())
            .arg("--data-dir")
            .arg(&data);
        let server = Server::start_with(&mut command, &data);
        let address = server
            .ready
            .split(' ')
            .find_map(|w| w.strip_prefix("postgres="));
        let address = address.expect("an address for PostgreSQL clients").parse();
        let (id, secret) = key(&data);
        let credentials = Credentials::new(id, secret, None, None, "the account file");
        Self {
            host: create_cluster(&server, &credentials),
            address: address.unwrap(),
            credentials,
            directory,
            server: Some(server),
        }
    }

    /// The certificate that clients have to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory.path().join("data/tls/ca.pem")
    }

    /// A password for `user`, which the AWS SDK makes.
    pub(crate) async fn token(&self, user: &str) -> String {
        let config = SdkConfig::builder()
            .time_source(SystemTimeSource::new())
            .build();
        let generator = Config::builder()
            .hostname(&self.host)
            .region(Region::from_static(REGION))
            .credentials(self.credentials.clone())
            .build();
        let generator = AuthTokenGenerator::new(generator.unwrap());
        let token = if user == "admin" {
            generator.db_connect_admin_auth_token(&config).await
        } else {
            generator.db_connect_auth_token(&config).await
        };
        token.unwrap().to_string()
    }

    /// The parameters of a connection of `user`.
    pub(crate) async fn parameters(&self, user: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host(&self.host)
            .hostaddr(self.address.ip())
            .port(self.address.port())
            .user(user)
            .password(self.token(user).await)
            .dbname("postgres")
            .ssl_mode(SslMode::Require);
        config
    }

    /// A connection as `admin`, which a task of its own drives.
    pub(crate) async fn connect(&self) -> Client {
        let parameters = self.parameters("admin").await;
        self.connect_with(&parameters).await.unwrap()
    }

    pub(crate) async fn connect_with(
        &self,
        parameters: &tokio_postgres::Config,
    ) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = parameters.connect(Tls::trusting(&self.authority())).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// What a connection without TLS ends with.
    pub(crate) async fn connect_in_plaintext(&self) -> tokio_postgres::Error {
        let mut parameters = self.parameters("admin").await;
        parameters.ssl_mode(SslMode::Disable);
        parameters.connect(NoTls).await.err().unwrap()
    }
}

impl Drop for Cluster {
    /// Lets the server end its PostgreSQL.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("TERM");
            server.wait();
        }
    }
}

/// The `bin` directory of the PostgreSQL that tests use.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line of their own"
)]
fn binaries() -> PathBuf {
    let told = std::env::var_os("TREELINE_TEST_POSTGRES");
    told.expect("set TREELINE_TEST_POSTGRES to the bin directory of a PostgreSQL 16")
        .into()
}

/// Calls `CreateCluster`; gives the endpoint.
fn create_cluster(server: &Server, credentials: &Credentials) -> String {
    let url = format!("http://{}/cluster", server.http);
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("dsql")
        .time(now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let (body, kind) = ("{}", ("content-type", "application/json"));
    let bytes = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", &url, [kind].into_iter(), bytes);
    let (signature, _) = sign(request.unwrap(), &parameters).unwrap().into_parts();
    let headers: HashMap<_, _> = signature.headers().chain([kind]).collect();
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let request = format!(
        "POST /cluster HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n{body}",
        server.http,
        body.len(),
        headers.collect::<String>(),
    );
    let (mut stream, mut answer) = (server.connect(), String::new());
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).expect(&answer);
    body["endpoint"].as_str().expect(&answer).to_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server that runs here has the system's clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
