use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_verifiedpermissions::config::retry::RetryConfig;
use aws_sdk_verifiedpermissions::config::{BehaviorVersion, Region as SdkRegion};
use aws_sdk_verifiedpermissions::{Client, Config};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use base::Timestamp;
use bytes::Bytes;
use frontdoor::{FrontDoor, Health, OwnAccount};
use iam::account::Accounts;
use serde_json::{Value, json};
use store::Store;
use verified_permissions::{Options, VerifiedPermissions};

use crate::clock::ManualClock;
use crate::connector::InProcess;
use crate::entropy::SeededEntropy;
use crate::signer::{HOST, Signer, signed_request};

/// The Region of the services.
pub const REGION: &str = "us-east-1";

/// A user of the account file that the tests run with.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The account.
    pub account: &'static str,
    /// The access key id.
    pub access_key_id: &'static str,
    /// The secret access key.
    pub secret: &'static str,
}

/// The administrator of the first account.
pub const ADMIN: User = User {
    account: "111122223333",
    access_key_id: "AKIATESTADMIN0000001",
    secret: "secret/1",
};

/// The administrator of another account.
pub const OTHER_ACCOUNT: User = User {
    account: "444455556666",
    access_key_id: "AKIATESTOTHER0000002",
    secret: "secret/2",
};

/// A front door whose health is always good.
pub(crate) type Door = FrontDoor<Accounts, AlwaysHealthy>;

pub(crate) struct AlwaysHealthy;

impl Health for AlwaysHealthy {
    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The services in process.
pub struct App {
    door: Arc<Door>,
    clock: ManualClock,
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// The services over an empty store in memory, with the default options.
    pub fn new() -> Self {
        Self::over(Store::memory(), Options::default())
    }

    /// The services over `store`.
    pub fn over(store: Store, options: Options) -> Self {
        Self::seeded(store, options, 1)
    }

    /// [`App::over`] with other ids: for a second server over the same store.
    pub fn seeded(store: Store, options: Options, seed: u64) -> Self {
        // 2026-01-01T00:00:00.123456Z
        let clock = ManualClock::new(Timestamp::from_unix_micros(1_767_225_600_123_456));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let state = Arc::new(VerifiedPermissions::new(
            store,
            Arc::clone(&entropy) as _,
            options,
        ));
        let door = FrontDoor {
            region: REGION.parse().expect("a Region"),
            clock: Arc::new(clock.clone()),
            entropy,
            keys: Accounts::parse(&account_file(&[ADMIN, OTHER_ACCOUNT])).expect("an account file"),
            authority: Arc::new(OwnAccount),
            services: vec![verified_permissions::service(&state)],
            health: AlwaysHealthy,
        };
        Self {
            door: Arc::new(door),
            clock,
        }
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
        self.client_with(
            Credentials::new(user.access_key_id, user.secret, None, None, "testkit"),
            REGION,
        )
    }

    /// The official client with any credentials, signing for any Region.
    pub fn client_with(&self, credentials: Credentials, region: &'static str) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::from_static(region))
            .endpoint_url(format!("http://{HOST}"))
            .credentials_provider(credentials)
            .http_client(InProcess(Arc::clone(&self.door)))
            .time_source(SharedTimeSource::new(self.clock.clone()))
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    /// Signs raw requests as `user`, for the services' Region and at the present of their clock.
    pub fn signer(&self, user: User) -> Signer {
        Signer {
            user,
            region: REGION,
            at: TimeSource::now(&self.clock),
        }
    }

    /// Hands a raw request to the front door.
    pub async fn send(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.door.handle(request).await
    }
}

/// An account file with one account and its administrator for each of `users`.
pub fn account_file(users: &[User]) -> String {
    let account = |user: &User| {
        json!({
            "AccountId": user.account,
            "AccessKeys": [{
                "AccessKeyId": user.access_key_id,
                "SecretAccessKey": user.secret,
                "UserName": "admin",
            }],
            "UserDetailList": [{
                "UserName": "admin",
                "UserId": format!("AIDA{}", user.account),
                "Arn": format!("arn:aws:iam::{}:user/admin", user.account),
            }],
        })
    };
    json!(users.iter().map(account).collect::<Vec<_>>()).to_string()
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
