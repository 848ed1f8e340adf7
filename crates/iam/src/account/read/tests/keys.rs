use super::{SAMPLE, parse};
use crate::{Keys, PrincipalKind};

#[test]
fn the_documented_sample_is_read() {
    for text in [SAMPLE.to_owned(), format!("\u{feff}[{SAMPLE}]")] {
        let accounts = parse(&text);
        let [account] = accounts.accounts() else {
            panic!("one account")
        };
        assert_eq!(account.id().as_str(), "111122223333");
        assert_eq!(account.organization_id(), Some("o-a1b2c3d4e5"));
        assert_eq!(
            account.organization_path(),
            Some("o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/")
        );
        assert_eq!(account.users().len(), 1);

        let alice = accounts.find("AKIAIOSFODNN7EXAMPLE", None).unwrap();
        assert_eq!(alice.principal, account.users()[0]);
        assert_eq!(alice.principal.arn, "arn:aws:iam::111122223333:user/alice");
        assert_eq!(alice.principal.user_id, "AIDAEXAMPLEALICE00001");
        assert_eq!(
            alice.principal.kind,
            PrincipalKind::User {
                name: "alice".to_owned()
            }
        );
        assert!(alice.secret.matches("…"));

        let root = accounts.find("AKIAROOTEXAMPLE00001", None).unwrap();
        assert_eq!(root.principal.arn, "arn:aws:iam::111122223333:root");
        assert_eq!(root.principal.user_id, "111122223333");
        assert_eq!(root.principal.kind, PrincipalKind::Root);

        assert!(accounts.find("AKIAIOSFODNN7EXAMPLf", None).is_none());
    }
}

const TWO_ACCOUNTS: &str = r#"[
  { "AccountId": "111122223333",
    "AccessKeys": [
      { "AccessKeyId": "AKIA_ALICE_INACTIVE", "SecretAccessKey": "a", "UserName": "alice", "Status": "Inactive" },
      { "AccessKeyId": "AKIA_ALICE_ACTIVE00", "SecretAccessKey": "b", "UserName": "alice", "Root": false, "Status": "Active" } ],
    "UserDetailList": [
      { "UserName": "alice", "Path": "/team/blue/", "UserId": "AIDA1", "Arn": "arn:aws-cn:iam::111122223333:user/team/blue/alice" } ] },
  { "AccountId": "444455556666",
    "AccessKeys": [ { "AccessKeyId": "AKIA_ROOT_OF_SECOND", "SecretAccessKey": "c", "Root": true } ],
    "UserDetailList": [ { "UserName": "alice", "UserId": "AIDA1", "Arn": "arn:aws:iam::444455556666:user/alice" } ] },
  { "AccountId": "777788889999", "AccessKeys": null }
]"#;

#[test]
fn keys_are_found_by_id_and_by_owner() {
    let accounts = parse(TWO_ACCOUNTS);
    let first = accounts.first_key().unwrap();
    assert_eq!(&*first.access_key_id, "AKIA_ALICE_ACTIVE00");
    assert_eq!(
        first.principal.arn,
        "arn:aws-cn:iam::111122223333:user/team/blue/alice"
    );
    for (account, user, key) in [
        ("111122223333", Some("alice"), Some("AKIA_ALICE_ACTIVE00")),
        ("111122223333", Some("bob"), None),
        ("111122223333", None, None),
        ("444455556666", Some("alice"), None),
        ("444455556666", None, Some("AKIA_ROOT_OF_SECOND")),
        ("777788889999", None, None),
        ("000000000000", None, None),
    ] {
        let found = accounts.key_of(&account.parse().unwrap(), user);
        assert_eq!(
            found.map(|key| &*key.access_key_id),
            key,
            "{account} {user:?}"
        );
    }
}

#[test]
fn an_inactive_key_is_unknown() {
    let accounts = parse(TWO_ACCOUNTS);
    assert!(accounts.find("AKIA_ALICE_INACTIVE", None).is_none());
    assert!(accounts.find("AKIA_ALICE_ACTIVE00", None).is_some());
}
