use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_verifiedpermissions::config::retry::RetryConfig;
use aws_sdk_verifiedpermissions::config::{BehaviorVersion, Region as SdkRegion};
use aws_sdk_verifiedpermissions::{Client, Config};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use base::Timestamp;
use bytes::Bytes;
use dsql::Dsql;
use frontdoor::{FrontDoor, Health};
use iam::account::Accounts;
use iam::condition_keys::Network;
use iam::decision_log::{DecisionLog, Refusal};
use iam::session::{Directory, LiveDirectory, SessionKey};
use serde_json::{Value, json};
use store::Store;
use sts::Sts;
use verified_permissions::{Options, VerifiedPermissions};

use crate::accounts::{ADMIN, OTHER_ACCOUNT, User, account_file};
use crate::clock::ManualClock;
use crate::connector::InProcess;
use crate::entropy::SeededEntropy;
use crate::signer::{HOST, Signer, signed_request};

/// The Region of the services.
pub const REGION: &str = "us-east-1";

/// The Regions that are served.
const REGIONS: [&str; 4] = [REGION, "us-east-2", "us-west-2", "ap-northeast-1"];

/// A front door whose health is always good.
pub(crate) type Door = FrontDoor<Arc<LiveDirectory>, AlwaysHealthy>;

pub(crate) struct AlwaysHealthy;

impl Health for AlwaysHealthy {
    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What an [`App`] is made of.
pub struct Setup {
    /// Where the services keep their records.
    pub store: Store,
    /// How Verified Permissions departs from its defaults.
    pub options: Options,
    /// How Aurora DSQL departs from its defaults.
    pub dsql: dsql::Options,
    /// The text of the account file.
    pub accounts: String,
    /// Other ids for another seed: for a second server over the same store.
    pub seed: u64,
}

impl Default for Setup {
    /// An empty store in memory, default options, and the two administrators.
    fn default() -> Self {
        Self {
            store: Store::memory(),
            options: Options::default(),
            dsql: dsql::Options::default(),
            accounts: account_file(&[ADMIN, OTHER_ACCOUNT]),
            seed: 1,
        }
    }
}

/// The keys of identity providers, which may be on this machine.
pub fn identity_providers(clock: &ManualClock) -> jwt::Providers {
    let loopback = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network"));
    let options = jwt::Options {
        networks: loopback.to_vec(),
        ..jwt::Options::default()
    };
    jwt::Providers::new(options, Arc::new(clock.clone())).expect("no certificate is given")
}

/// The services in process. Clones are the same services.
#[derive(Clone)]
pub struct App {
    door: Arc<Door>,
    clock: ManualClock,
    directory: Arc<LiveDirectory>,
    refusals: Arc<Refusals>,
    network: Arc<Network>,
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// The decision log of a test.
#[derive(Default)]
struct Refusals(Mutex<Vec<Value>>);

impl DecisionLog for Refusals {
    fn refused(&self, refusal: &Refusal<'_>) {
        let line = serde_json::from_str(&refusal.to_json_line()).expect("a line of JSON");
        self.0.lock().expect("no test panics here").push(line);
    }
}

impl App {
    /// The services over an empty store in memory, with the default options.
    pub fn new() -> Self {
        Self::start(Setup::default())
    }

    /// The services over `store`.
    pub fn over(store: Store, options: Options) -> Self {
        Self::seeded(store, options, 1)
    }

    /// [`App::over`] with other ids: for a second server over the same store.
    pub fn seeded(store: Store, options: Options, seed: u64) -> Self {
        Self::start(Setup {
            store,
            options,
            seed,
            ..Setup::default()
        })
    }

    /// The services with an account file of the test's own.
    pub fn with_accounts(accounts: &Value) -> Self {
        Self::start(Setup {
            accounts: accounts.to_string(),
            ..Setup::default()
        })
    }

    /// The services as `setup` says.
    pub fn start(setup: Setup) -> Self {
        // 2026-01-01T00:00:00.123456Z
        let clock = ManualClock::new(Timestamp::from_unix_micros(1_767_225_600_123_456));
        let entropy = Arc::new(SeededEntropy::new(setup.seed));
        let store = setup.store;
        let permissions = VerifiedPermissions::new(
            store.clone(),
            Arc::clone(&entropy) as _,
            identity_providers(&clock),
            setup.options,
        );
        let dsql = Arc::new(Dsql::new(store, Arc::clone(&entropy) as _, setup.dsql));
        let directory = Arc::new(LiveDirectory::new(directory(&setup.accounts)));
        let sts = Arc::new(Sts::new(Arc::clone(&directory), Arc::clone(&entropy) as _));
        let refusals = Arc::new(Refusals::default());
        let door = FrontDoor {
            regions: Some(
                REGIONS
                    .map(|region| region.parse().expect("a Region"))
                    .to_vec(),
            ),
            clock: Arc::new(clock.clone()),
            entropy,
            keys: Arc::clone(&directory),
            decisions: Arc::clone(&refusals) as _,
            services: vec![
                verified_permissions::service(&Arc::new(permissions)),
                dsql::service(&dsql),
                sts::service(&sts),
            ],
            health: AlwaysHealthy,
        };
        Self {
            door: Arc::new(door),
            clock,
            directory,
            refusals,
            network: Arc::new(local()),
        }
    }

    /// The same services, for requests that come from elsewhere.
    #[must_use]
    pub fn from(&self, network: Network) -> Self {
        Self {
            network: Arc::new(network),
            ..self.clone()
        }
    }

    /// Puts another account file in force.
    pub fn reload(&self, accounts: &Value) {
        self.directory.replace(directory(&accounts.to_string()));
    }

    /// The decision log so far.
    pub fn refusals(&self) -> Vec<Value> {
        self.refusals.0.lock().expect("no test panics here").clone()
    }

    /// A request of Verified Permissions, signed by `user` now: see [`signed_request`].
    pub fn request(&self, user: User, operation: &str, body: &Value) -> http::Request<Bytes> {
        signed_request(
            user,
            TimeSource::now(&self.clock),
            operation,
            body.to_string(),
        )
    }

    /// The clock that services and clients share.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The official client, signing as `user`.
    pub fn client(&self, user: User) -> Client {
        self.client_with(credentials(user), REGION)
    }

    /// The official client with any credentials, signing for any Region.
    pub fn client_with(&self, credentials: Credentials, region: &'static str) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::from_static(region))
            .endpoint_url(format!("http://{HOST}"))
            .credentials_provider(credentials)
            .http_client(self.connector())
            .time_source(SharedTimeSource::new(self.clock.clone()))
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    /// The official client of Aurora DSQL, signing as `user`.
    pub fn dsql(&self, user: User) -> aws_sdk_dsql::Client {
        self.dsql_in(user, REGION)
    }

    /// [`App::dsql`] for another Region.
    pub fn dsql_in(&self, user: User, region: &'static str) -> aws_sdk_dsql::Client {
        self.dsql_with(credentials(user), region)
    }

    /// The official client of Aurora DSQL with any credentials.
    pub fn dsql_with(
        &self,
        credentials: Credentials,
        region: &'static str,
    ) -> aws_sdk_dsql::Client {
        let config = aws_sdk_dsql::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::from_static(region))
            .endpoint_url(format!("http://{HOST}"))
            .credentials_provider(credentials)
            .http_client(self.connector())
            .time_source(SharedTimeSource::new(self.clock.clone()))
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_dsql::Client::from_conf(config)
    }

    fn connector(&self) -> InProcess {
        InProcess {
            door: Arc::clone(&self.door),
            network: Arc::clone(&self.network),
        }
    }

    /// Signs raw requests as `user`, for the services' Region and at the present of their clock.
    pub fn signer(&self, user: User) -> Signer {
        Signer {
            user,
            service: "verifiedpermissions",
            region: REGION,
            at: TimeSource::now(&self.clock),
        }
    }

    /// Hands a raw request to the front door.
    pub async fn send(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.door.handle(request, &self.network).await
    }
}

fn credentials(user: User) -> Credentials {
    Credentials::new(user.access_key_id, user.secret, None, None, "testkit")
}

fn directory(accounts: &str) -> Directory {
    let accounts = Accounts::parse(accounts).expect("an account file");
    Directory::new(accounts, Arc::new(SessionKey::new([7; 32])))
}

/// A request from this machine, without TLS.
pub fn local() -> Network {
    Network {
        source_ip: Ipv4Addr::LOCALHOST.into(),
        secure_transport: false,
        vpc: None,
        vpce: None,
    }
}

/// The input of an IsAuthorized of the usual size: two entities and a small context.
pub fn question(user: &str, photo: &str) -> Value {
    let user = json!({ "entityType": "User", "entityId": user });
    let photo = json!({ "entityType": "Photo", "entityId": photo });
    json!({
        "policyStoreId": "PSEXAMPLEabcdefg111111",
        "principal": user,
        "action": { "actionType": "Action", "actionId": "view" },
        "resource": photo,
        "context": { "contextMap": { "mfa": { "boolean": true }, "ip": { "ipaddr": "10.0.0.7" } } },
        "entities": { "entityList": [
            { "identifier": user, "attributes": { "department": { "string": "hr" } } },
            { "identifier": photo, "attributes": { "owner": { "entityIdentifier": user } } },
        ] },
    })
}
