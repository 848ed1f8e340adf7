use std::time::Duration;

use super::*;
use crate::testing::{HOST, ID, NOW, Token, World, admin, role_session};

fn routed(user: &str, region: Option<&str>) -> Routed {
    Routed {
        requested: Requested {
            user: user.to_owned(),
            settings: Vec::new(),
            cluster: None,
        },
        cluster: ID.to_owned(),
        region: region.map(|region| region.parse().unwrap()),
    }
}

fn prove(world: &World, routed: Routed, token: &str) -> Result<Proven, String> {
    let (keys, now) = (world.gateway.keys.as_ref(), base::Clock::now(&world.clock));
    let proven = routed.prove(token, keys, &world.gateway.endpoints, now);
    proven.map_err(|refusal| {
        assert_eq!(refusal.severity, "FATAL");
        assert_eq!(refusal.sqlstate, "08006");
        assert_eq!(
            refusal.message,
            "unable to accept connection, access denied"
        );
        refusal.hint.unwrap()
    })
}

#[test]
fn a_token_says_who_connects_to_which_cluster() {
    let world = World::new();
    let private = HOST.replace(".dsql.", ".dsql-fnh4.");
    let abroad = HOST.replace("us-east-1", "eu-west-1");
    let session = "arn:aws:sts::111122223333:assumed-role/app/test";
    let user = "arn:aws:iam::111122223333:user/admin";
    for (token, role, region, arn) in [
        (Token::admin(), "admin", Some("us-east-1"), user),
        (Token::admin(), "admin", None, user),
        (Token::connect(admin()), "app", Some("us-east-1"), user),
        (Token::connect(admin()), "Admin", Some("us-east-1"), user),
        (Token::connect(role_session(None)), "app", None, session),
        (
            Token {
                host: &private,
                ..Token::admin()
            },
            "admin",
            Some("us-east-1"),
            user,
        ),
        (
            Token {
                host: &abroad,
                region: "eu-west-1",
                ..Token::admin()
            },
            "admin",
            None,
            user,
        ),
        (
            Token {
                at: NOW.plus(Duration::from_secs(299)),
                expires: 604_800,
                ..Token::admin()
            },
            "admin",
            None,
            user,
        ),
    ] {
        let expected = token.region.to_owned();
        let proven = prove(&world, routed(role, region), &token.sign()).unwrap();
        assert_eq!(proven.caller.principal.arn, arn);
        assert_eq!(proven.region.as_str(), expected);
        assert_eq!(proven.cluster, ID);
    }
}

const OTHER_HOST: &str = "The authentication token is not made for the host name of this cluster.";
const OTHER_ACTION: &str =
    "The action of the authentication token must be DbConnect or DbConnectAdmin.";

/// What is wrong with a token for `admin`, and how its hint begins.
type Fault = (fn(&mut Token<'static>), &'static str);

const FAULTS: [Fault; 14] = [
    (
        |token| token.user.key = "AKIAUNKNOWN000000001".to_owned(),
        "The security token included in the request is invalid.",
    ),
    (
        |token| token.user.secret = "another".to_owned(),
        "The request signature we calculated does not match",
    ),
    (
        |token| token.host = "xyzdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws",
        OTHER_HOST,
    ),
    (
        |token| token.host = "abcdefghijklmnopqrstuvwxyz.dsql.eu-west-1.on.aws",
        OTHER_HOST,
    ),
    (|token| token.host = "localhost", OTHER_HOST),
    (
        |token| token.region = "eu-west-1",
        "Credential should be scoped to a valid region. ",
    ),
    (
        |token| token.service = "rds-db",
        "Credential should be scoped to correct service: 'dsql'. ",
    ),
    (|token| token.query = "Action=Connect", OTHER_ACTION),
    (|token| token.query = "", OTHER_ACTION),
    (
        |token| token.query = "Action=DbConnect&Action=DbConnectAdmin",
        OTHER_ACTION,
    ),
    (
        |token| token.query = "Action=DbConnect",
        "Wrong user to action mapping. user: admin, action: DbConnect",
    ),
    (|token| token.at = after(-901), "Signature expired: "),
    (|token| token.at = after(301), "Signature not yet current: "),
    (
        |token| token.expires = 604_801,
        "X-Amz-Expires must be less than a week (in seconds)",
    ),
];

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(NOW.unix_micros() + seconds * 1_000_000)
}

#[test]
fn the_hint_says_what_is_wrong_with_a_token() {
    let world = World::new();
    for (fault, hint) in FAULTS {
        let mut token = Token::admin();
        fault(&mut token);
        let found = prove(&world, routed("admin", Some("us-east-1")), &token.sign()).unwrap_err();
        assert!(found.starts_with(hint), "{found}");
    }
}

#[test]
fn a_token_that_was_changed_or_is_none_is_refused() {
    let world = World::new();
    let token = Token::connect(role_session(None)).sign();
    let signature = "The request signature we calculated does not match";
    for (token, hint) in [
        (String::new(), NO_TOKEN),
        ("secret".to_owned(), NO_TOKEN),
        (format!("https://{token}"), OTHER_HOST),
        (token.replace(".aws/?", ".aws:5432/?"), OTHER_HOST),
        (token.replace("/?", "/x?"), NO_TOKEN),
        (token.replace("Expires=900", "Expires=901"), signature),
        (token.replace("DbConnect", "DbConnectAdmin"), signature),
        (format!("{token}&x=y"), signature),
        (
            token.replace("X-Amz-Security-Token", "X-Amz-Other"),
            "The security token included in the request is invalid.",
        ),
        (
            token.replace("X-Amz-Date", "X-Amz-Other"),
            "AWS query-string parameters must include 'X-Amz-Date'. ",
        ),
        (
            format!("{HOST}/?Action=DbConnect"),
            "Missing Authentication Token",
        ),
    ] {
        let found = prove(&world, routed("app", None), &token).unwrap_err();
        assert!(found.starts_with(hint), "{token}: {found}");
        let signature = token.rsplit("Signature=").next().unwrap_or_default();
        assert!(token.is_empty() || !found.contains(signature), "{found}");
    }
}

#[test]
fn a_token_of_a_session_ends_with_it() {
    let world = World::new();
    let token = Token {
        expires: 604_800,
        ..Token::connect(role_session(None))
    };
    let token = token.sign();
    assert!(prove(&world, routed("app", None), &token).is_ok());
    world.clock.advance(Duration::from_secs(3_600));
    let hint = prove(&world, routed("app", None), &token).unwrap_err();
    assert_eq!(
        hint,
        "The security token included in the request is expired"
    );
}

#[test]
fn admin_needs_the_other_action() {
    let world = World::new();
    let hint = prove(&world, routed("app", None), &Token::admin().sign()).unwrap_err();
    let wrong = "Wrong user to action mapping. user: app, action: DbConnectAdmin";
    assert_eq!(hint, wrong);
}
