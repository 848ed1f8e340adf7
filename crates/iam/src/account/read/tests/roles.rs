use std::collections::BTreeMap;
use std::time::Duration;

use super::{EXPORT, names, parse};
use crate::PrincipalKind;

#[test]
fn a_role_is_read_with_all_that_decides() {
    let accounts = parse(EXPORT);
    let role = accounts
        .role("arn:aws:iam::111122223333:role/team/app")
        .unwrap();
    assert_eq!(
        (&*role.name, &*role.path, &*role.id, role.account.as_str()),
        ("app", "/team/", "AROAEXAMPLEAPP0000001", "111122223333")
    );
    assert_eq!(&*role.trust.name, "role/app: trust policy");
    assert_eq!(
        names(&role.policies.identity),
        [
            "role/app: inline",
            "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess",
            "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
        ]
    );
    let boundary = role.policies.boundary.as_ref().unwrap();
    assert_eq!(
        names(boundary),
        ["arn:aws:iam::111122223333:policy/boundary"]
    );
    assert_eq!(role.tags["team"], "red");
    assert_eq!(role.max_session_duration, Duration::from_secs(43_200));

    let plain = accounts
        .role("arn:aws:iam::111122223333:role/plain")
        .unwrap();
    assert_eq!(plain.max_session_duration, Duration::from_secs(3_600));
    assert!(plain.policies.identity.is_empty());
    assert!(plain.policies.boundary.is_none());
    let all: Vec<_> = accounts.accounts()[0].roles().iter().collect();
    assert_eq!(all.len(), 2);
}

#[test]
fn a_session_is_the_role_with_the_tags_and_policies_of_the_session() {
    let accounts = parse(EXPORT);
    let role = accounts
        .role("arn:aws:iam::111122223333:role/team/app")
        .unwrap();
    let tags = BTreeMap::from([
        ("TEAM".to_owned(), "green".to_owned()),
        ("ticket".to_owned(), "7".to_owned()),
    ]);
    let session = role.session("nightly", &tags, Some(Vec::new()));
    assert_eq!(
        session.arn,
        "arn:aws:sts::111122223333:assumed-role/app/nightly"
    );
    assert_eq!(session.user_id, "AROAEXAMPLEAPP0000001:nightly");
    assert_eq!(
        session.principal_arn(),
        "arn:aws:iam::111122223333:role/team/app"
    );
    assert_eq!(session.tags, tags);
    assert_eq!(session.policies.session.as_ref().map(Vec::len), Some(0));
    assert_eq!(
        names(&session.policies.identity),
        names(&role.policies.identity)
    );
    assert!(session.policies.boundary.is_some());
}

#[test]
fn principals_are_found_by_arn() {
    let accounts = parse(EXPORT);
    let role = |session: &str| PrincipalKind::AssumedRole {
        role_arn: "arn:aws:iam::111122223333:role/team/app".to_owned(),
        session_name: session.to_owned(),
    };
    let alice = PrincipalKind::User {
        name: "alice".to_owned(),
    };
    for (arn, user_id, kind) in [
        (
            "arn:aws:iam::111122223333:user/alice",
            "AIDAEXAMPLEALICE00001",
            alice,
        ),
        (
            "arn:aws:iam::111122223333:root",
            "111122223333",
            PrincipalKind::Root,
        ),
        (
            "arn:aws:iam::111122223333:role/team/app",
            "AROAEXAMPLEAPP0000001:",
            role(""),
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/app/a=b,c",
            "AROAEXAMPLEAPP0000001:a=b,c",
            role("a=b,c"),
        ),
    ] {
        let found = accounts.principal(arn).unwrap();
        assert_eq!(found.arn, arn);
        assert_eq!(found.user_id, user_id, "{arn}");
        assert_eq!(found.kind, kind, "{arn}");
        assert!(found.policies.session.is_none(), "{arn}");
    }
    for arn in [
        "",
        "alice",
        "arn:aws:iam::111122223333:user/Alice",
        "arn:aws:iam::444455556666:user/alice",
        "arn:aws:iam::444455556666:root",
        "arn:aws-cn:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/app",
        "arn:aws:sts::111122223333:assumed-role/app",
        "arn:aws:sts::111122223333:assumed-role/app/",
        "arn:aws:sts::111122223333:assumed-role/team/app/s",
        "arn:aws:iam::111122223333:assumed-role/app/s",
        "arn:aws:sts:us-east-1:111122223333:assumed-role/app/s",
        "arn:aws:iam::111122223333:group/developers",
    ] {
        assert_eq!(accounts.principal(arn), None, "{arn}");
    }
}
