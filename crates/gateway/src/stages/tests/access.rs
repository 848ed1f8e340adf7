//! What policies say about connecting.

use std::net::IpAddr;

use iam::condition_keys::Network;

use super::{DENIED, error};
use crate::gateway::Options;
use crate::testing::{
    Clusters, ID, Token, User, World, admin, bounded, cluster, limited, other_account, role_session,
};

const ARN: &str = "arn:aws:dsql:us-east-1:111122223333:cluster/abcdefghijklmnopqrstuvwxyz";

/// `AllowNNN: …` or the reason of the refusal.
async fn outcome(user: User, action: &str, own: &str, of_cluster: &str, network: &str) -> String {
    let clusters = Clusters::of(vec![cluster(ID, of_cluster)]);
    let mut world = World::with(Options::default(), clusters, own);
    let (source_ip, vpc) = network.split_once(' ').unwrap_or((network, ""));
    world.network = Network {
        source_ip: source_ip.parse().unwrap(),
        secure_transport: false,
        vpc: (!vpc.is_empty()).then(|| vpc.to_owned()),
        vpce: None,
    };
    for arn in [
        "role/team/app",
        "user/limited",
        "user/bounded",
        "user/admin",
    ] {
        let arn = format!("arn:aws:iam::111122223333:{arn}");
        world.databases.map("app", &arn);
    }
    let query = format!("Action={action}");
    let token = Token {
        query: &query,
        ..Token::connect(user)
    };
    let role = if action == "DbConnect" {
        "app"
    } else {
        "admin"
    };
    let messages = world.login(role, &token.sign()).await;
    let refusals = world.refusals.0.lock().unwrap();
    if messages.last().unwrap().tag == 'Z' {
        assert!(refusals.is_empty());
        return "allowed".to_owned();
    }
    assert_eq!(refusals.len(), 1);
    let logged = refusals.first().unwrap();
    assert_eq!(logged["action"], format!("dsql:{action}"));
    assert_eq!(logged["resource"], ARN);
    assert_eq!(
        logged["sourceAddress"],
        source_ip.parse::<IpAddr>().unwrap().to_string()
    );
    let error = error(&messages);
    error.strip_prefix(DENIED).unwrap().to_owned()
}

const CONNECT: &str = r#"{"Effect":"Allow","Action":"dsql:DbConnect","Resource":"*"}"#;
const DENY: &str = r#"{"Effect":"Deny","Principal":"*","Action":"dsql:DbConnect*","Resource":"*"}"#;
const HERE: &str = "192.0.2.1";

/// A statement of a cluster's policy with a condition.
fn unless(condition: &str) -> String {
    DENY.replace(
        r#""Resource":"*""#,
        &format!(r#""Resource":"*","Condition":{{{condition}}}"#),
    )
}

/// AWS's sentence.
fn sentence(who: &str, action: &str, end: &str) -> String {
    format!(
        "User: arn:aws:{who} is not authorized to perform: dsql:{action} on resource: {ARN} {end}"
    )
}

#[tokio::test]
async fn policies_of_the_caller_decide() {
    let limited_arn = "iam::111122223333:user/limited";
    let lacks = |action: &str| {
        let end = format!("because no identity-based policy allows the dsql:{action} action");
        sentence(limited_arn, action, &end)
    };
    let on_tag = CONNECT.replace(
        r#""Resource":"*""#,
        r#""Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/env":"test"}}"#,
    );
    let on_other_tag = on_tag.replace("test", "production");
    let in_region = on_tag.replace("aws:ResourceTag/env", "aws:RequestedRegion");
    let in_region = in_region.replace("\"test\"", "\"us-east-1\"");
    let secure = CONNECT.replace(
        r#""Resource":"*""#,
        r#""Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
    );
    let denied = format!(r#"{CONNECT},{{"Effect":"Deny","Action":"dsql:*","Resource":"*"}}"#);
    for (own, action, expected) in [
        ("", "DbConnect", lacks("DbConnect")),
        (CONNECT, "DbConnect", "allowed".to_owned()),
        (CONNECT, "DbConnectAdmin", lacks("DbConnectAdmin")),
        (
            &*denied,
            "DbConnect",
            sentence(
                limited_arn,
                "DbConnect",
                "with an explicit deny in an identity-based policy",
            ),
        ),
        (&*on_tag, "DbConnect", "allowed".to_owned()),
        (&*on_other_tag, "DbConnect", lacks("DbConnect")),
        (&*in_region, "DbConnect", "allowed".to_owned()),
        (&*secure, "DbConnect", "allowed".to_owned()),
    ] {
        assert_eq!(
            outcome(limited(), action, own, "", HERE).await,
            expected,
            "{own}"
        );
    }
}

#[tokio::test]
async fn boundaries_and_session_policies_limit() {
    let end = "because no permissions boundary allows the dsql:DbConnect action";
    let expected = sentence("iam::111122223333:user/bounded", "DbConnect", end);
    assert_eq!(
        outcome(bounded(), "DbConnect", "", "", HERE).await,
        expected
    );

    let policy = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Action":"dsql:{action}","Resource":"*"}}]}}"#
        )
    };
    let session = role_session(Some(&policy("DbConnect")));
    assert_eq!(outcome(session, "DbConnect", "", "", HERE).await, "allowed");
    let session = role_session(Some(&policy("GetCluster")));
    let end = "because no session policy allows the dsql:DbConnect action";
    let expected = sentence("sts::111122223333:assumed-role/app/test", "DbConnect", end);
    assert_eq!(outcome(session, "DbConnect", "", "", HERE).await, expected);
}

#[tokio::test]
async fn the_policy_of_the_cluster_decides_as_well() {
    let admin_arn = "iam::111122223333:user/admin";
    let denied = || {
        let end = "with an explicit deny in a resource-based policy";
        sentence(admin_arn, "DbConnectAdmin", end)
    };
    let allow = DENY.replace("Deny", "Allow");
    let vpc = unless(r#""StringNotEquals":{"aws:SourceVpc":"vpc-1"}"#);
    let no_vpc = unless(r#""Null":{"aws:SourceVpc":"true"}"#);
    let address = unless(r#""NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}"#);
    let tag = unless(r#""StringEquals":{"aws:ResourceTag/env":"test"}"#);
    let plain = unless(r#""Bool":{"aws:SecureTransport":"false"}"#);
    for (user, policy, network, expected) in [
        (admin(), DENY, HERE, denied()),
        (limited(), &*allow, HERE, "allowed".to_owned()),
        (admin(), &*vpc, HERE, denied()),
        (admin(), &*vpc, "10.0.0.1 vpc-2", denied()),
        (admin(), &*vpc, "10.0.0.1 vpc-1", "allowed".to_owned()),
        (admin(), &*no_vpc, HERE, denied()),
        (admin(), &*no_vpc, "10.0.0.1 vpc-2", "allowed".to_owned()),
        (admin(), &*address, HERE, "allowed".to_owned()),
        (admin(), &*address, "198.51.100.7", denied()),
        (admin(), &*tag, HERE, denied()),
        (admin(), &*plain, HERE, "allowed".to_owned()),
    ] {
        let found = outcome(user, "DbConnectAdmin", "", policy, network).await;
        assert_eq!(found, expected, "{policy} {network}");
    }
}

#[tokio::test]
async fn no_policy_opens_a_cluster_to_other_accounts() {
    let allow = DENY.replace("Deny", "Allow");
    let expected =
        "User: arn:aws:iam::444455556666:user/admin is not authorized to access this resource";
    for policy in ["", &*allow, DENY] {
        let found = outcome(other_account(), "DbConnectAdmin", "", policy, HERE).await;
        assert_eq!(found, expected);
    }
}
