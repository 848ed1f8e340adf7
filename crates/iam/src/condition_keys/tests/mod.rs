use std::sync::Arc;

use super::*;
use crate::policy::PrincipalPolicies;
use crate::{Inheritance, Organization};

mod tags;

const ALL: &[&str] = &[
    "aws:currenttime",
    "aws:epochtime",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltag/team",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/stage",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:resourcetag/owner",
    "aws:securetransport",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "aws:vpcsourceip",
    "dsql:witnessregion",
];

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn principal(kind: PrincipalKind, arn: &str, user_id: &str) -> Principal {
    Principal {
        account: "111122223333".parse().unwrap(),
        arn: arn.to_owned(),
        user_id: user_id.to_owned(),
        kind,
        tags: map(&[("Team", "blue"), ("team/sub", "x")]),
        organization: Some(Arc::new(Organization {
            id: "o-a1b2c3d4e5".to_owned(),
            path: Some("o-a1b2c3d4e5/r-ab12/".to_owned()),
        })),
        inheritance: Inheritance::default(),
        policies: PrincipalPolicies::default(),
    }
}

fn alice() -> Principal {
    let kind = PrincipalKind::User {
        name: "alice".to_owned(),
    };
    principal(kind, "arn:aws:iam::111122223333:user/alice", "AIDA1")
}

fn session() -> Principal {
    let kind = PrincipalKind::AssumedRole {
        role_arn: "arn:aws:iam::111122223333:role/team/app".to_owned(),
        session_name: "s".to_owned(),
    };
    let arn = "arn:aws:sts::111122223333:assumed-role/app/s";
    principal(kind, arn, "AROA1:s")
}

fn root() -> Principal {
    let arn = "arn:aws:iam::111122223333:root";
    principal(PrincipalKind::Root, arn, "111122223333")
}

fn network(source_ip: &str) -> Network {
    Network {
        source_ip: source_ip.parse().unwrap(),
        secure_transport: true,
        vpc: None,
        vpce: None,
    }
}

/// 2026-01-02T03:04:05.678Z
const NOW: Timestamp = Timestamp::from_unix_micros(1_767_323_045_678_000);

fn shown(facts: &Facts<'_>, key: &str) -> String {
    match facts.values(key) {
        None => "-".to_owned(),
        Some(Values::One(value)) => value.into_owned(),
        Some(Values::Many(values)) => format!("[{}]", values.join(",")),
    }
}

/// All keys that have a value, with it.
fn all(facts: &Facts<'_>) -> Vec<String> {
    let line = |key: &&str| format!("{key} = {}", shown(facts, key));
    ALL.iter()
        .filter(|key| facts.values(key).is_some())
        .map(line)
        .collect()
}

#[test]
fn a_bare_request_has_what_every_request_has() {
    let (alice, network) = (alice(), network("192.0.2.1"));
    let facts = Facts::new(&alice, &network, NOW);
    assert_eq!(
        all(&facts),
        [
            "aws:currenttime = 2026-01-02T03:04:05Z",
            "aws:epochtime = 1767323045",
            "aws:principalaccount = 111122223333",
            "aws:principalarn = arn:aws:iam::111122223333:user/alice",
            "aws:principalisawsservice = false",
            "aws:principalorgid = o-a1b2c3d4e5",
            "aws:principalorgpaths = [o-a1b2c3d4e5/r-ab12/]",
            "aws:principaltag/team = blue",
            "aws:principaltype = User",
            "aws:securetransport = true",
            "aws:sourceip = 192.0.2.1",
            "aws:userid = AIDA1",
            "aws:username = alice",
            "aws:viaawsservice = false",
        ]
    );
}

#[test]
fn a_full_request_has_every_key_of_its_kind() {
    let (session, network) = (session(), network("192.0.2.1"));
    let network = Network {
        secure_transport: false,
        vpc: Some("vpc-1".to_owned()),
        vpce: Some("vpce-1".to_owned()),
        ..network
    };
    let resource_tags = map(&[("Owner", "carol")]);
    let request_tags = map(&[("stage", "prod"), ("Zone", "")]);
    let removed = ["old".to_owned()];
    let facts = Facts {
        region: "us-east-1",
        user_agent: Some("Boto3/1.40"),
        referer: Some("https://example.com/"),
        resource_account: "111122223333",
        resource_tags: Some(&resource_tags),
        request_tags: Some(&request_tags),
        tag_keys: Some(&removed),
        extra: &[("dsql:witnessregion", "us-west-2".to_owned())],
        ..Facts::new(&session, &network, NOW)
    };
    assert_eq!(
        all(&facts),
        [
            "aws:currenttime = 2026-01-02T03:04:05Z",
            "aws:epochtime = 1767323045",
            "aws:multifactorauthpresent = false",
            "aws:principalaccount = 111122223333",
            "aws:principalarn = arn:aws:iam::111122223333:role/team/app",
            "aws:principalisawsservice = false",
            "aws:principalorgid = o-a1b2c3d4e5",
            "aws:principalorgpaths = [o-a1b2c3d4e5/r-ab12/]",
            "aws:principaltag/team = blue",
            "aws:principaltype = AssumedRole",
            "aws:referer = https://example.com/",
            "aws:requestedregion = us-east-1",
            "aws:requesttag/stage = prod",
            "aws:resourceaccount = 111122223333",
            "aws:resourceorgid = o-a1b2c3d4e5",
            "aws:resourceorgpaths = [o-a1b2c3d4e5/r-ab12/]",
            "aws:resourcetag/owner = carol",
            "aws:securetransport = false",
            "aws:sourcevpc = vpc-1",
            "aws:sourcevpce = vpce-1",
            "aws:tagkeys = [Zone,stage,old]",
            "aws:useragent = Boto3/1.40",
            "aws:userid = AROA1:s",
            "aws:viaawsservice = false",
            "aws:vpcsourceip = 192.0.2.1",
            "dsql:witnessregion = us-west-2",
        ]
    );
}

#[test]
fn keys_follow_the_principal() {
    let network = network("192.0.2.1");
    for (principal, expected) in [
        (
            alice(),
            [
                "User",
                "arn:aws:iam::111122223333:user/alice",
                "AIDA1",
                "alice",
                "-",
            ],
        ),
        (
            session(),
            [
                "AssumedRole",
                "arn:aws:iam::111122223333:role/team/app",
                "AROA1:s",
                "-",
                "false",
            ],
        ),
        (
            root(),
            [
                "Account",
                "arn:aws:iam::111122223333:root",
                "111122223333",
                "-",
                "-",
            ],
        ),
    ] {
        let facts = Facts::new(&principal, &network, NOW);
        let found = [
            "aws:principaltype",
            "aws:principalarn",
            "aws:userid",
            "aws:username",
            "aws:multifactorauthpresent",
        ];
        assert_eq!(found.map(|key| shown(&facts, key)), expected);
    }
}

#[test]
fn the_organization_may_be_unknown_and_is_not_that_of_other_accounts() {
    let network = network("192.0.2.1");
    let organization = |path: Option<&str>| {
        let path = path.map(str::to_owned);
        let id = "o-1".to_owned();
        Some(Arc::new(Organization { id, path }))
    };
    for (organization, resource_account, expected) in [
        (None, "111122223333", ["-", "-", "-", "-"]),
        (organization(None), "111122223333", ["o-1", "-", "o-1", "-"]),
        (
            organization(Some("o-1/r-1/")),
            "444455556666",
            ["o-1", "[o-1/r-1/]", "-", "-"],
        ),
    ] {
        let principal = Principal {
            organization,
            ..alice()
        };
        let facts = Facts {
            resource_account,
            ..Facts::new(&principal, &network, NOW)
        };
        let found = [
            "aws:principalorgid",
            "aws:principalorgpaths",
            "aws:resourceorgid",
            "aws:resourceorgpaths",
        ];
        assert_eq!(found.map(|key| shown(&facts, key)), expected);
    }
}

#[test]
fn the_address_is_shown_as_the_client_knows_it() {
    let alice = alice();
    let vpc = |source_ip, vpc: Option<&str>, vpce: Option<&str>| Network {
        vpc: vpc.map(str::to_owned),
        vpce: vpce.map(str::to_owned),
        ..network(source_ip)
    };
    for (network, source_ip, vpc_source_ip) in [
        (network("192.0.2.1"), "192.0.2.1", "-"),
        (network("::ffff:192.0.2.1"), "192.0.2.1", "-"),
        (network("2001:db8::1"), "2001:db8::1", "-"),
        (network("::1"), "::1", "-"),
        (vpc("::ffff:10.0.0.1", Some("vpc-1"), None), "-", "10.0.0.1"),
        (vpc("10.0.0.1", None, Some("vpce-1")), "-", "10.0.0.1"),
    ] {
        let facts = Facts::new(&alice, &network, NOW);
        let found = ["aws:sourceip", "aws:vpcsourceip"].map(|key| shown(&facts, key));
        assert_eq!(found, [source_ip, vpc_source_ip]);
    }
}

#[test]
fn the_services_own_keys_have_one_or_more_values() {
    let (alice, network) = (alice(), network("192.0.2.1"));
    let extra = |pairs: &[(&'static str, &str)]| -> Vec<_> {
        pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect()
    };
    let extra = extra(&[
        ("dsql:fisactionid", "a"),
        ("sts:externalid", ""),
        ("sts:transitivetagkeys", "team"),
        ("dsql:x", "y"),
        ("sts:transitivetagkeys", "stage"),
        ("aws:sourceidentity", "carol"),
        ("aws:principaltype", "Account"),
    ]);
    let facts = Facts {
        extra: &extra,
        ..Facts::new(&alice, &network, NOW)
    };
    for (key, value) in [
        ("dsql:fisactionid", "a"),
        ("sts:externalid", ""),
        ("sts:transitivetagkeys", "[team,stage]"),
        ("dsql:unknown", "-"),
        ("aws:sourceidentity", "carol"),
        // What the server knows itself cannot be overridden.
        ("aws:principaltype", "User"),
    ] {
        assert_eq!(shown(&facts, key), value, "{key}");
    }
    assert_eq!(
        facts.values("sts:externalid"),
        Some(Values::One(Cow::Borrowed("")))
    );
}

#[test]
fn names_that_are_no_keys_have_no_value() {
    let (alice, network) = (alice(), network("192.0.2.1"));
    let facts = Facts::new(&alice, &network, NOW);
    for key in [
        "",
        "aws:",
        "aws",
        "sourceip",
        "aws:tokenissuetime",
        "/",
        "aws:/",
    ] {
        assert_eq!(facts.values(key), None, "{key:?}");
    }
}
