//! Connections through all stages, over TLS that is real and databases that are none.

mod access;
mod opening;

use std::sync::atomic::Ordering;

use engine::Error;

use crate::catalog::Cluster;
use crate::gateway::Options;
use crate::quotas::Quota;
use crate::testing::{
    Client, Clusters, ID, Token, World, admin, cluster, limited, other_account, role_session,
    startup,
};

const DENIED: &str = "08006 unable to accept connection, access denied | ";

/// The error that the messages end with.
fn error(messages: &[crate::testing::Message]) -> String {
    messages.last().unwrap().error()
}

#[tokio::test]
async fn admin_logs_in_and_is_told_of_the_session() {
    let world = World::new();
    for (direct, alpn, trickle) in [
        (false, None, false),
        (true, None, false),
        (true, Some("postgresql"), false),
        (false, Some("postgresql"), true),
    ] {
        let mut client = Client::new(&world);
        client.direct = direct;
        client.trickle = trickle;
        let protocols = alpn.map(|name: &str| name.as_bytes().to_vec());
        client.tls.alpn_protocols = protocols.into_iter().collect();
        client.startup = startup(&[("user", "admin"), ("search_path", "a")]);
        client.password = Some(Token::admin().sign());
        let (messages, connected) = client.session(&world).await;
        let connected = connected.unwrap();
        let tags: String = messages.iter().map(|message| message.tag).collect();
        assert_eq!(tags, "RRSSSSKZ");
        let text = |at: usize| String::from_utf8(messages[at].body.clone()).unwrap();
        assert_eq!(messages[1].body, [0, 0, 0, 0]);
        assert_eq!(text(2), "server_version\u{0}16.15\u{0}");
        assert_eq!(text(3), "is_superuser\u{0}off\u{0}");
        assert_eq!(text(4), "session_authorization\u{0}admin\u{0}");
        assert_eq!(text(5), "TimeZone\u{0}UTC\u{0}");
        let (process, secret) = connected.cancel.key();
        let key = [process.to_be_bytes(), secret.to_be_bytes()].concat();
        assert_eq!(messages[6].body, key);
        assert_eq!(text(7), "I");
        assert_eq!((&*connected.cluster.id, &*connected.role), (ID, "admin"));
        assert_eq!(connected.backend.process, 4_711);
    }
    let logins = world.databases.logins();
    let (database, login) = logins.first().unwrap();
    assert_eq!((&**database, &*login.role), (ID, "admin"));
    let path = ("search_path".to_owned(), "a".to_owned());
    assert_eq!(login.parameters, [path]);
    assert_eq!(world.gateway.catalog.touched.load(Ordering::SeqCst), 4);
    assert!(world.refusals.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_role_is_for_whom_it_is_granted_to() {
    let world = World::new();
    world
        .databases
        .map("app", "arn:aws:iam::111122223333:role/team/app");
    world
        .databases
        .map("own", "arn:aws:iam::111122223333:user/admin");
    let session = Token::connect(role_session(None)).sign();
    let user = Token::connect(admin()).sign();
    let hint = |role: &str, arn: &str| {
        format!(
            "{DENIED}The database role {role} is not granted to \
             arn:aws:iam::111122223333:{arn}: see AWS IAM GRANT."
        )
    };
    for (role, token, expected) in [
        ("app", &session, None),
        ("own", &user, None),
        ("app", &user, Some(hint("app", "user/admin"))),
        ("own", &session, Some(hint("own", "role/team/app"))),
        ("treeline", &user, Some(hint("treeline", "user/admin"))),
    ] {
        let messages = world.login(role, token).await;
        match expected {
            None => assert_eq!(messages.last().unwrap().tag, 'Z'),
            Some(expected) => assert_eq!(error(&messages), expected),
        }
    }
    let logins = world.databases.logins();
    let roles: Vec<_> = logins.iter().map(|(_, login)| &*login.role).collect();
    assert_eq!(roles, ["app", "own"]);
}

#[tokio::test]
async fn the_cluster_may_be_named_by_the_options() {
    let world = World::new();
    let named = format!("-c amzn-cluster-id={ID}");
    let sni = "08006 unable to accept connection, sni was not received | Connect to the host \
               <cluster identifier>.dsql.<Region>.on.aws, or give the startup option \
               \"-c amzn-cluster-id=<cluster identifier>\".";
    for (sends_name, options, expected) in [
        (true, "", None),
        (false, &*named, None),
        (false, "", Some(sni)),
        (false, "-c amzn-cluster-id=x", Some(DENIED)),
    ] {
        let mut client = Client::new(&world);
        client.tls.enable_sni = sends_name;
        client.startup = startup(&[("user", "admin"), ("options", options)]);
        client.password = Some(Token::admin().sign());
        let messages = client.run(&world).await;
        match expected {
            None => assert_eq!(messages.last().unwrap().tag, 'Z', "{options}"),
            Some(expected) => assert!(error(&messages).starts_with(expected)),
        }
    }
    let logins = world.databases.logins();
    assert!(logins.iter().all(|(_, login)| login.parameters.is_empty()));
}

#[tokio::test]
async fn a_cluster_that_is_not_there_lets_nobody_in() {
    let at = |change: fn(&mut Cluster)| {
        let mut cluster = cluster(ID, "");
        change(&mut cluster);
        Clusters::of(vec![cluster])
    };
    let mine = "User: arn:aws:iam::111122223333:user/admin is not authorized to access this \
                resource";
    let others = "User: arn:aws:iam::444455556666:user/admin is not authorized to access this \
                  resource";
    for (clusters, user, expected) in [
        (Clusters::of(Vec::new()), admin(), format!("{DENIED}{mine}")),
        (
            Clusters::default(),
            other_account(),
            format!("{DENIED}{others}"),
        ),
        (
            at(|cluster| cluster.region = "us-east-2".parse().unwrap()),
            admin(),
            format!("{DENIED}{mine}"),
        ),
        (
            at(|cluster| (cluster.available, cluster.status) = (false, "CREATING")),
            admin(),
            format!("{DENIED}The cluster is CREATING."),
        ),
        (
            // Who may not connect does not hear how the cluster is.
            at(|cluster| (cluster.available, cluster.status) = (false, "DELETING")),
            other_account(),
            format!("{DENIED}{others}"),
        ),
        (
            Clusters {
                broken: true,
                ..Clusters::default()
            },
            admin(),
            "XX000 unable to accept connection, server unavailable".to_owned(),
        ),
    ] {
        let world = World::with(Options::default(), clusters, "");
        let token = Token {
            user,
            ..Token::admin()
        };
        assert_eq!(error(&world.login("admin", &token.sign()).await), expected);
        assert!(world.databases.logins().is_empty());
        assert_eq!(world.gateway.catalog.touched.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn what_fails_in_the_database_stays_there() {
    let unavailable = "XX000 unable to accept connection, server unavailable";
    type Failure = fn() -> Error;
    let cases: [(Failure, &str); 6] = [
        (
            || of_backend("53300"),
            "53300 Unable to accept connection, too many open connections.",
        ),
        (|| of_backend("22023"), "22023 what the backend says"),
        (|| of_backend("57P03"), unavailable),
        (|| of_backend("42501"), unavailable),
        (
            || of_backend("28000"),
            "08006 unable to accept connection, access denied | The database role admin is not \
             granted to arn:aws:iam::111122223333:user/admin: see AWS IAM GRANT.",
        ),
        (|| Error::NoBinaries("/opt/inside".to_owned()), unavailable),
    ];
    for (failure, expected) in cases {
        let world = World::new();
        world.databases.fail(failure);
        let messages = world.login("admin", &Token::admin().sign()).await;
        assert_eq!(error(&messages), expected);
    }
    let world = World::new();
    world.databases.fail(|| of_backend("42P01"));
    let messages = world.login("app", &Token::connect(admin()).sign()).await;
    assert_eq!(error(&messages), unavailable);
}

fn of_backend(sqlstate: &str) -> Error {
    Error::Refused {
        sqlstate: sqlstate.to_owned(),
        message: "what the backend says".to_owned(),
    }
}

#[tokio::test]
async fn a_cluster_has_quotas() {
    let options = Options {
        quota: Quota {
            connections: 2,
            rate: 1,
            burst: 4,
        },
        ..Options::default()
    };
    let world = World::with(options, Clusters::default(), "");
    let login = async || {
        let mut client = Client::new(&world);
        client.password = Some(Token::admin().sign());
        client.session(&world).await
    };
    let (first, second) = (login().await, login().await);
    assert!(first.1.is_some() && second.1.is_some());
    let many = "53300 Unable to accept connection, too many open connections.";
    assert_eq!(error(&login().await.0), many);
    drop(first);
    assert!(login().await.1.is_some());
    let often = "53400 Unable to accept connection, rate exceeded.";
    assert_eq!(error(&login().await.0), often);
    world.clock.advance(std::time::Duration::from_secs(1));
    assert!(login().await.1.is_some());
    // Who has no business there does not use the quota up.
    let token = Token {
        user: limited(),
        ..Token::admin()
    };
    assert!(error(&world.login("admin", &token.sign()).await).starts_with(DENIED));
}
