//! A gateway in process, with databases that are none, and a client of PostgreSQL's protocol.

mod client;
mod parts;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base::Timestamp;
use iam::account::Accounts;
use iam::condition_keys::Network;
use iam::session::{Directory, LiveDirectory, SessionKey};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::faults::Faults;
use crate::gateway::{Gateway, Options, Parts};

pub(crate) use client::{
    Client, Message, cancel_request, framed, next, read, startup, tls_client, tls_client_of,
};
pub(crate) use parts::{Clusters, Databases, ManualClock, Refusals, SeededEntropy, cluster};

/// A cluster of the first account.
pub(crate) const ID: &str = "abcdefghijklmnopqrstuvwxyz";
/// Its host name.
pub(crate) const HOST: &str = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";
/// 2026-01-01T00:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_unix_micros(1_767_225_600_000_000);

/// Two accounts. In the first: `admin`, who may do everything, `limited`, who may do nothing, and
/// the role `app`, which may connect as other users than `admin`.
const ACCOUNTS: &str = r#"[
  { "AccountId": "111122223333",
    "AccessKeys": [
      { "AccessKeyId": "AKIATESTADMIN0000001", "SecretAccessKey": "secret/1", "UserName": "admin" },
      { "AccessKeyId": "AKIATESTLIMITED00003", "SecretAccessKey": "secret/3", "UserName": "limited" },
      { "AccessKeyId": "AKIATESTBOUNDED00004", "SecretAccessKey": "secret/4", "UserName": "bounded" } ],
    "UserDetailList": [
      { "UserName": "admin", "UserId": "AIDA1", "Arn": "arn:aws:iam::111122223333:user/admin",
        "AttachedManagedPolicies": [ { "PolicyName": "AdministratorAccess",
          "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess" } ] },
      { "UserName": "limited", "UserId": "AIDA3", "Arn": "arn:aws:iam::111122223333:user/limited",
        "UserPolicyList": [ { "PolicyName": "inline", "PolicyDocument": {
          "Version": "2012-10-17", "Statement": [STATEMENTS] } } ] },
      { "UserName": "bounded", "UserId": "AIDA4", "Arn": "arn:aws:iam::111122223333:user/bounded",
        "PermissionsBoundary": { "PermissionsBoundaryType": "Policy",
          "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/ReadOnlyAccess" },
        "AttachedManagedPolicies": [ { "PolicyName": "AdministratorAccess",
          "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess" } ] } ],
    "RoleDetailList": [
      { "RoleName": "app", "Path": "/team/", "RoleId": "AROA1",
        "Arn": "arn:aws:iam::111122223333:role/team/app",
        "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
          { "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" } ] },
        "RolePolicyList": [ { "PolicyName": "inline", "PolicyDocument": {
          "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "dsql:DbConnect", "Resource": "*" } ] } } ] } ] },
  { "AccountId": "444455556666",
    "AccessKeys": [
      { "AccessKeyId": "AKIATESTOTHER0000002", "SecretAccessKey": "secret/2", "UserName": "admin" } ],
    "UserDetailList": [
      { "UserName": "admin", "UserId": "AIDA2", "Arn": "arn:aws:iam::444455556666:user/admin",
        "AttachedManagedPolicies": [ { "PolicyName": "AdministratorAccess",
          "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess" } ] } ] }
]"#;

/// Somebody with an access key.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) session_token: Option<String>,
}

fn user(key: &str, secret: &str) -> User {
    User {
        key: key.to_owned(),
        secret: secret.to_owned(),
        session_token: None,
    }
}

pub(crate) fn admin() -> User {
    user("AKIATESTADMIN0000001", "secret/1")
}

pub(crate) fn other_account() -> User {
    user("AKIATESTOTHER0000002", "secret/2")
}

pub(crate) fn limited() -> User {
    user("AKIATESTLIMITED00003", "secret/3")
}

pub(crate) fn bounded() -> User {
    user("AKIATESTBOUNDED00004", "secret/4")
}

/// A session of the role `app`, with a session policy if there is one.
pub(crate) fn role_session(policy: Option<&str>) -> User {
    let session = iam::session::NewSession {
        role_arn: "arn:aws:iam::111122223333:role/team/app",
        role_id: "AROA1",
        session_name: "test",
        policy,
        policy_arns: Vec::new(),
        tags: std::collections::BTreeMap::default(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        expires: NOW.plus(Duration::from_secs(3_600)),
    };
    let key = SessionKey::new([7; 32]);
    let issued = iam::session::issue(&key, &SeededEntropy::default(), &session).unwrap();
    User {
        key: issued.access_key_id,
        secret: issued.secret_access_key.expose().to_owned(),
        session_token: Some(issued.session_token),
    }
}

/// What a token is made of.
#[derive(Clone)]
pub(crate) struct Token<'a> {
    pub(crate) user: User,
    pub(crate) host: &'a str,
    /// What follows `/?` before it is signed.
    pub(crate) query: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) expires: u64,
}

impl Token<'_> {
    /// For `admin` to connect to [`HOST`] as `admin`.
    pub(crate) fn admin() -> Self {
        Self {
            user: admin(),
            host: HOST,
            query: "Action=DbConnectAdmin",
            region: "us-east-1",
            service: "dsql",
            at: NOW,
            expires: 900,
        }
    }

    /// For a user to connect to [`HOST`] as another role than `admin`.
    pub(crate) fn connect(user: User) -> Self {
        Self {
            user,
            query: "Action=DbConnect",
            ..Self::admin()
        }
    }

    /// Signed with AWS's own signer, as the SDK's `auth_token` does.
    pub(crate) fn sign(&self) -> String {
        let User {
            key,
            secret,
            session_token,
        } = self.user.clone();
        let identity = Credentials::new(key, secret, session_token, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(self.expires));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(system_time(self.at))
            .settings(settings)
            .build()
            .unwrap();
        let uri = format!("https://{}/?{}", self.host, self.query);
        let body = SignableBody::Bytes(b"");
        let request = SignableRequest::new("GET", &uri, std::iter::empty(), body).unwrap();
        let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
        let mut request = http::Request::get(&uri).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        let uri = request.uri().to_string();
        uri.strip_prefix("https://").unwrap().to_owned()
    }
}

pub(crate) fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(at.unix_micros().try_into().unwrap())
}

/// A gateway and what it works with.
pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway<Clusters>>,
    pub(crate) clock: ManualClock,
    pub(crate) databases: Databases,
    pub(crate) refusals: Arc<Refusals>,
    /// Of the certificates: it lives as long as this.
    _directory: TempDir,
    pub(crate) network: Network,
}

impl World {
    /// With the cluster [`ID`].
    pub(crate) fn new() -> Self {
        Self::with(Options::default(), Clusters::default(), "")
    }

    /// With the statements of `limited`'s policy.
    pub(crate) fn with(options: Options, clusters: Clusters, statements: &str) -> Self {
        let (clock, directory) = (ManualClock::new(NOW), tempfile::tempdir().unwrap());
        let accounts = Accounts::parse(&ACCOUNTS.replace("STATEMENTS", statements));
        let accounts = accounts.map_err(|error| error.to_string()).unwrap();
        let keys = Directory::new(accounts, Arc::new(SessionKey::new([7; 32])));
        let certificates = Certificates::own(
            directory.path(),
            "on.aws",
            &"us-east-1".parse().unwrap(),
            Arc::new(clock.clone()),
        );
        let (databases, refusals) = (Databases::default(), Arc::new(Refusals::default()));
        let parts = Parts {
            backends: Arc::new(databases.clone()),
            keys: Arc::new(Arc::new(LiveDirectory::new(keys))),
            decisions: Arc::clone(&refusals) as _,
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::default()),
            catalog: clusters,
            certificates: certificates.unwrap(),
            faults: Arc::new(Faults::new(Vec::new(), Arc::new(SeededEntropy::default()))),
        };
        Self {
            gateway: Arc::new(Gateway::new(options, parts)),
            clock,
            databases,
            refusals,
            _directory: directory,
            network: Network {
                source_ip: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
                secure_transport: false,
                vpc: None,
                vpce: None,
            },
        }
    }

    /// What a client is answered that connects to [`HOST`] as `user` with this token.
    pub(crate) async fn login(&self, user: &str, token: &str) -> Vec<Message> {
        let mut client = Client::new(self);
        client.startup = startup(&[("user", user), ("database", "postgres")]);
        client.password = Some(token.to_owned());
        client.run(self).await
    }
}
