use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Directory, IssuedCredentials, NewSession, issue};
use super::{NOW, ROLE, Seeded, at, entropy, issued, key, plain};
use crate::account::Accounts;
use crate::condition_keys::{Facts, Network};
use crate::policy::{Outcome, Request, decide};
use crate::{Credential, Keys, PrincipalKind};

const FILE: &str = r#"{
  "AccountId": "111122223333",
  "AccessKeys": [
    { "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "a", "UserName": "alice" },
    { "AccessKeyId": "ASIA_OF_THE_FILE0000", "SecretAccessKey": "b", "Root": true }
  ],
  "UserDetailList": [
    { "UserName": "alice", "UserId": "AIDA1", "Arn": "arn:aws:iam::111122223333:user/alice" }
  ],
  "RoleDetailList": [
    { "RoleName": "app", "Path": "/team/", "RoleId": "AROA1",
      "Arn": "arn:aws:iam::111122223333:role/team/app",
      "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "sts:AssumeRole" } ] },
      "RolePolicyList": [ { "PolicyName": "inline", "PolicyDocument": {
        "Version": "2012-10-17", "Statement": [] } } ],
      "Tags": [ { "Key": "Team", "Value": "blue" } ] }
  ],
  "Policies": [
    { "PolicyName": "own", "Arn": "arn:aws:iam::111122223333:policy/own",
      "PolicyVersionList": [ { "IsDefaultVersion": true,
        "Document": { "Version": "2012-10-17", "Statement": [] } } ] }
  ]
}"#;

fn directory(file: &str) -> Directory {
    let accounts = Accounts::parse(file).unwrap_or_else(|error| panic!("{error}"));
    Directory::new(accounts, Arc::new(key()))
}

fn find(directory: &Directory, credentials: &IssuedCredentials) -> Option<Arc<Credential>> {
    let token = Some(credentials.session_token.as_str());
    directory.find(&credentials.access_key_id, token)
}

#[test]
fn a_session_acts_as_its_role() {
    let credentials = issued(&plain());
    let found = find(&directory(FILE), &credentials).unwrap();
    assert_eq!(*found.access_key_id, *credentials.access_key_id);
    let secret = credentials.secret_access_key.expose();
    assert!(found.secret.matches(secret));
    assert!(found.accepts_token(Some(&credentials.session_token)));
    assert!(!found.accepts_token(None));
    let principal = &found.principal;
    assert_eq!(
        principal.arn,
        "arn:aws:sts::111122223333:assumed-role/app/nightly"
    );
    assert_eq!(principal.user_id, "AROA1:nightly");
    assert_eq!(
        principal.kind,
        PrincipalKind::AssumedRole {
            role_arn: ROLE.to_owned(),
            session_name: "nightly".to_owned()
        }
    );
    assert_eq!(principal.tags["Team"], "blue");
    assert_eq!(principal.policies.identity.len(), 1);
    assert!(principal.policies.session.is_none());
}

#[test]
fn session_policies_and_tags_come_from_the_token() {
    let credentials = issued(&NewSession {
        policy: Some(r#"{"Version":"2012-10-17","Statement":[]}"#),
        policy_arns: vec![
            "arn:aws:iam::111122223333:policy/own".to_owned(),
            "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess".to_owned(),
        ],
        tags: BTreeMap::from([("team".to_owned(), "red".to_owned())]),
        ..plain()
    });
    let found = find(&directory(FILE), &credentials).unwrap();
    let session = found.principal.policies.session.as_ref().unwrap();
    let names: Vec<_> = session.iter().map(|policy| &*policy.name).collect();
    assert_eq!(
        names,
        [
            "session/nightly: inline",
            "arn:aws:iam::111122223333:policy/own",
            "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess",
        ]
    );
    let tags = BTreeMap::from([("team".to_owned(), "red".to_owned())]);
    assert_eq!(found.principal.tags, tags);
}

#[test]
fn a_session_policy_limits_its_role() {
    let may_do_all = r#""Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" }"#;
    let directory = directory(&FILE.replace(r#""Statement": []"#, may_do_all));
    let network = Network {
        source_ip: "192.0.2.1".parse().unwrap(),
        secure_transport: true,
        vpc: None,
        vpce: None,
    };
    let read = r#"{"Version":"2012-10-17","Statement":
        {"Effect":"Allow","Action":"dsql:Get*","Resource":"*"}}"#;
    let owned = || vec!["arn:aws:iam::111122223333:policy/own".to_owned()];
    for (policy, policy_arns, action, outcome) in [
        (None, Vec::new(), "dsql:DeleteCluster", Outcome::Allow),
        (Some(read), Vec::new(), "dsql:GetCluster", Outcome::Allow),
        (
            Some(read),
            Vec::new(),
            "dsql:DeleteCluster",
            Outcome::ImplicitDeny,
        ),
        (Some(read), owned(), "dsql:DeleteCluster", Outcome::Allow),
    ] {
        let credentials = issued(&NewSession {
            policy,
            policy_arns,
            ..plain()
        });
        let session = find(&directory, &credentials).unwrap();
        let request = Request {
            principal: &session.principal,
            action,
            resource: "arn:aws:dsql:us-east-1:111122223333:cluster/abc",
            resource_account: "111122223333",
            context: &Facts::new(&session.principal, &network, at(NOW)),
        };
        assert_eq!(decide(&request, None).outcome, outcome, "{action}");
    }
}

#[test]
fn a_session_without_its_role_or_policies_is_gone() {
    let with = |policy: Option<&'static str>, arns: &[&str]| NewSession {
        policy,
        policy_arns: arns.iter().map(|arn| (*arn).to_owned()).collect(),
        ..plain()
    };
    for (what, session) in [
        (
            "another role",
            NewSession {
                role_arn: "arn:aws:iam::111122223333:role/app",
                ..plain()
            },
        ),
        (
            "a new role of the same name",
            NewSession {
                role_id: "AROA2",
                ..plain()
            },
        ),
        ("a policy that is none", with(Some("{"), &[])),
        (
            "no such policy",
            with(None, &["arn:aws:iam::111122223333:policy/other"]),
        ),
        (
            "another account's policy",
            with(None, &["arn:aws:iam::444455556666:policy/own"]),
        ),
    ] {
        let credentials = issued(&session);
        assert!(find(&directory(FILE), &credentials).is_none(), "{what}");
    }
}

#[test]
fn a_new_reading_of_the_file_counts_at_once() {
    let credentials = issued(&plain());
    let policies = |file: &str| {
        let found = find(&directory(file), &credentials);
        found.map(|found| found.principal.policies.identity.len())
    };
    assert_eq!(policies(FILE), Some(1));
    assert_eq!(policies(&FILE.replace("RolePolicyList", "Former")), Some(0));
    assert_eq!(policies(&FILE.replace("RoleDetailList", "Former")), None);
}

#[test]
fn long_term_keys_are_found_as_before() {
    let directory = directory(FILE);
    let token = issued(&plain()).session_token;
    for (id, token, found, accepted) in [
        ("AKIAIOSFODNN7EXAMPLE", None, true, true),
        ("AKIAIOSFODNN7EXAMPLE", Some(token.as_str()), true, false),
        ("ASIA_OF_THE_FILE0000", None, true, true),
        ("ASIA_OF_THE_FILE0000", Some(token.as_str()), true, false),
        ("AKIAUNKNOWN000000000", None, false, false),
        ("AKIAUNKNOWN000000000", Some(token.as_str()), false, false),
    ] {
        let credential = directory.find(id, token);
        assert_eq!(credential.is_some(), found, "{id}");
        let is_accepted = credential.is_some_and(|credential| credential.accepts_token(token));
        assert_eq!(is_accepted, accepted, "{id}");
    }
}

#[test]
fn a_session_needs_its_token_every_time() {
    let directory = directory(FILE);
    let (one, two) = (issued(&plain()), {
        issue(&key(), &Seeded(50.into()), &plain()).unwrap()
    });
    // Before and after it is kept ready.
    for _ in 0..2 {
        let (id, token) = (&one.access_key_id, &one.session_token);
        assert!(directory.find(id, None).is_none());
        assert!(directory.find(id, Some("")).is_none());
        assert!(directory.find(id, token.get(1..)).is_none());
        assert!(directory.find(id, Some(&two.session_token)).is_none());
        assert!(directory.find(&two.access_key_id, Some(token)).is_none());
        assert!(find(&directory, &one).is_some());
    }
}

#[test]
fn sessions_are_kept_ready_but_not_without_end() {
    let (directory, entropy, key) = (directory(FILE), entropy(), key());
    let session = || issue(&key, &entropy, &plain()).unwrap();
    let first = session();
    let found = || find(&directory, &first).unwrap();
    let kept = found();
    assert!(Arc::ptr_eq(&kept, &found()));
    let mut others: Vec<_> = (0..1_024).map(|_| session()).collect();
    let last = others.pop().unwrap();
    for other in &others {
        assert!(find(&directory, other).is_some());
    }
    assert!(Arc::ptr_eq(&kept, &found()));
    assert!(find(&directory, &last).is_some());
    assert!(!Arc::ptr_eq(&kept, &found()));
}

#[test]
fn a_session_ends() {
    let found = find(&directory(FILE), &issued(&plain())).unwrap();
    for (seconds, expired) in [(NOW, false), (NOW + 3_599, false), (NOW + 3_600, true)] {
        assert_eq!(found.expired(at(seconds)), expired, "{seconds}");
    }
}
