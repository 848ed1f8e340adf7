use crate::account::Accounts;
use crate::{Keys, PrincipalKind};

/// The documented sample, with all the members that AWS prints.
const SAMPLE: &str = r#"{
  "AccountId": "111122223333",
  "OrganizationId": "o-a1b2c3d4e5",
  "OrganizationPath": "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/",
  "AccessKeys": [
    { "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "…", "UserName": "alice" },
    { "AccessKeyId": "AKIAROOTEXAMPLE00001", "SecretAccessKey": "…", "Root": true }
  ],
  "UserDetailList": [
    {
      "UserName": "alice", "Path": "/", "UserId": "AIDAEXAMPLEALICE00001",
      "Arn": "arn:aws:iam::111122223333:user/alice",
      "GroupList": ["developers"],
      "UserPolicyList": [
        { "PolicyName": "inline", "PolicyDocument": { "Version": "2012-10-17", "Statement": [
          { "Effect": "Allow", "Action": "verifiedpermissions:*", "Resource": "*" } ] } }
      ],
      "AttachedManagedPolicies": [ { "PolicyName": "AmazonAuroraDSQLReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess" } ],
      "PermissionsBoundary": { "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary" },
      "Tags": [ { "Key": "team", "Value": "blue" } ]
    }
  ],
  "GroupDetailList": [ { "GroupName": "developers", "Path": "/", "GroupId": "AGPA…", "Arn": "arn:aws:iam::111122223333:group/developers", "GroupPolicyList": [], "AttachedManagedPolicies": [] } ],
  "RoleDetailList": [
    {
      "RoleName": "app", "Path": "/", "RoleId": "AROA…", "Arn": "arn:aws:iam::111122223333:role/app",
      "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:user/alice" }, "Action": "sts:AssumeRole" } ] },
      "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": []
    }
  ],
  "Policies": [
    { "PolicyName": "boundary", "Arn": "arn:aws:iam::111122223333:policy/boundary", "DefaultVersionId": "v1",
      "PolicyVersionList": [ { "VersionId": "v1", "IsDefaultVersion": true, "Document": { "Version": "2012-10-17", "Statement": [] } } ] }
  ],
  "IsTruncated": false,
  "Marker": null
}"#;

fn parse(text: &str) -> Accounts {
    Accounts::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

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

        let alice = accounts.find("AKIAIOSFODNN7EXAMPLE").unwrap();
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

        let root = accounts.find("AKIAROOTEXAMPLE00001").unwrap();
        assert_eq!(root.principal.arn, "arn:aws:iam::111122223333:root");
        assert_eq!(root.principal.user_id, "111122223333");
        assert_eq!(root.principal.kind, PrincipalKind::Root);

        assert!(accounts.find("AKIAIOSFODNN7EXAMPLf").is_none());
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
    assert!(accounts.find("AKIA_ALICE_INACTIVE").is_none());
    assert!(accounts.find("AKIA_ALICE_ACTIVE00").is_some());
}

/// Replaces `from` in the sample and gives the error.
fn error_after(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    let text = SAMPLE.replacen(from, to, 1);
    Accounts::parse(&text)
        .map(|_| format!("{to} is accepted"))
        .unwrap_or_else(|e| e.to_string())
}

#[test]
fn a_wrong_member_is_named_with_its_path() {
    let alice_key = r#""SecretAccessKey": "…", "UserName": "alice""#;
    for (from, to, error) in [
        (
            r#""AccountId": "111122223333","#,
            "",
            "AccountId: is missing",
        ),
        (
            r#""AccountId": "111122223333""#,
            r#""AccountId": null"#,
            "AccountId: is missing",
        ),
        (
            r#""AccountId": "111122223333""#,
            r#""AccountId": 111122223333"#,
            "AccountId: must be a string, not a number",
        ),
        (
            r#""AccountId": "111122223333""#,
            r#""AccountId": "1111-2222-3333""#,
            "AccountId: must have exactly 12 digits",
        ),
        (
            r#""AccountId": "111122223333""#,
            r#""AccountId": "000000000000""#,
            "UserDetailList[0].Arn: belongs to account 111122223333, not to 000000000000",
        ),
        (
            r#""OrganizationId": "o-a1b2c3d4e5""#,
            r#""OrganizationId": {}"#,
            "OrganizationId: must be a string, not an object",
        ),
        (
            r#""AKIAIOSFODNN7EXAMPLE""#,
            r#""AKIA""#,
            "AccessKeys[0].AccessKeyId: must be 16 to 128 of the characters A-Z, a-z, 0-9 and _",
        ),
        (
            r#""AKIAIOSFODNN7EXAMPLE""#,
            r#""AKIAIOSFODNN7EXAMP/E""#,
            "AccessKeys[0].AccessKeyId: must be 16 to 128 of the characters A-Z, a-z, 0-9 and _",
        ),
        (
            "AKIAROOTEXAMPLE00001",
            "AKIAIOSFODNN7EXAMPLE",
            "AccessKeys[1].AccessKeyId: access key `AKIAIOSFODNN7EXAMPLE` occurs twice",
        ),
        (
            alice_key,
            r#""UserName": "alice""#,
            "AccessKeys[0].SecretAccessKey: is missing",
        ),
        (
            alice_key,
            r#""SecretAccessKey": "", "UserName": "alice""#,
            "AccessKeys[0].SecretAccessKey: must not be empty",
        ),
        (
            alice_key,
            r#""SecretAccessKey": "…""#,
            r#"AccessKeys[0]: needs `UserName` or `"Root": true`"#,
        ),
        (
            alice_key,
            r#""SecretAccessKey": "…", "UserName": "bob""#,
            "AccessKeys[0].UserName: no user `bob` in UserDetailList",
        ),
        (
            alice_key,
            r#""SecretAccessKey": "…", "UserName": ["alice"]"#,
            "AccessKeys[0].UserName: must be a string, not an array",
        ),
        (
            r#""Root": true"#,
            r#""Root": true, "UserName": "alice""#,
            "AccessKeys[1]: has both `UserName` and `Root`",
        ),
        (
            r#""Root": true"#,
            r#""Root": false"#,
            r#"AccessKeys[1]: needs `UserName` or `"Root": true`"#,
        ),
        (
            r#""Root": true"#,
            r#""Root": "yes""#,
            "AccessKeys[1].Root: must be true or false, not a string",
        ),
        (
            r#""Root": true"#,
            r#""Root": true, "Status": "active""#,
            "AccessKeys[1].Status: must be `Active` or `Inactive`",
        ),
        (
            r#""UserName": "alice", "Path""#,
            r#""Path""#,
            "UserDetailList[0].UserName: is missing",
        ),
        (
            r#""UserName": "alice", "Path""#,
            r#""UserName": "", "Path""#,
            "UserDetailList[0].UserName: must not be empty",
        ),
        (
            r#""UserId": "AIDAEXAMPLEALICE00001","#,
            "",
            "UserDetailList[0].UserId: is missing",
        ),
        (
            r#""AIDAEXAMPLEALICE00001""#,
            r#""""#,
            "UserDetailList[0].UserId: must not be empty",
        ),
        (
            r#""arn:aws:iam::111122223333:user/alice""#,
            r#""alice""#,
            "UserDetailList[0].Arn: must be the ARN of an IAM user",
        ),
        (
            r#""arn:aws:iam::111122223333:user/alice""#,
            r#""arn:aws:sqs::111122223333:user/alice""#,
            "UserDetailList[0].Arn: must be the ARN of an IAM user",
        ),
        (
            r#""arn:aws:iam::111122223333:user/alice""#,
            r#""arn:aws:iam::111122223333:role/alice""#,
            "UserDetailList[0].Arn: must be `arn:aws:iam::111122223333:user/alice`, after `Path` \
             and `UserName`",
        ),
        (
            r#""Path": "/", "UserId""#,
            r#""Path": "/team/", "UserId""#,
            "UserDetailList[0].Arn: must be `arn:aws:iam::111122223333:user/team/alice`, after \
             `Path` and `UserName`",
        ),
    ] {
        assert_eq!(error_after(from, to), error);
    }
}

#[test]
fn a_misspelt_member_is_named_with_its_right_spelling() {
    for (from, to, error) in [
        (
            "AccountId",
            "accountId",
            "accountId: unknown member, write `AccountId`",
        ),
        (
            "AccessKeys",
            "Access_Keys",
            "Access_Keys: unknown member, write `AccessKeys`",
        ),
        (
            "OrganizationPath",
            "organization-path",
            "organization-path: unknown member, write `OrganizationPath`",
        ),
        (
            "UserDetailList",
            "user_detail_list",
            "user_detail_list: unknown member, write `UserDetailList`",
        ),
        (
            "Policies",
            "policies",
            "policies: unknown member, write `Policies`",
        ),
        (
            "AccessKeyId",
            "AccessKeyID",
            "AccessKeys[0].AccessKeyID: unknown member, write `AccessKeyId`",
        ),
        (
            "UserName",
            "username",
            "AccessKeys[0].username: unknown member, write `UserName`",
        ),
        (
            "Root",
            "root",
            "AccessKeys[1].root: unknown member, write `Root`",
        ),
        (
            "UserPolicyList",
            "userPolicyList",
            "UserDetailList[0].userPolicyList: unknown member, write `UserPolicyList`",
        ),
    ] {
        assert_eq!(
            error_after(&format!("\"{from}\":"), &format!("\"{to}\":")),
            error
        );
    }
}

#[test]
fn a_file_of_another_shape_is_refused() {
    let user = |name: &str, id: &str| {
        format!(
            r#"{{"UserName":"{name}","UserId":"{id}","Arn":"arn:aws:iam::111122223333:user/{name}"}}"#
        )
    };
    let users = |one: &str, two: &str| {
        format!(r#"{{"AccountId":"111122223333","UserDetailList":[{one},{two}]}}"#)
    };
    let key = r#"[{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"x","Root":true}]"#;
    for (text, error) in [
        ("", "line 1, column 0: EOF while parsing a value"),
        ("{\n  \"AccountId\" 1\n}", "line 2, column 15: expected `:`"),
        ("{}{}", "line 1, column 3: trailing characters"),
        ("[]", "the file: holds no account"),
        ("17", "the file: must be an object, not a number"),
        (
            "[{\"AccountId\":\"111122223333\"},null]",
            "[1]: must be an object, not null",
        ),
        (
            "[{\"AccountId\":\"111122223333\"},{\"AccountId\":\"111122223333\"}]",
            "[1].AccountId: account 111122223333 occurs twice",
        ),
        (
            &format!(
                r#"[{{"AccountId":"111122223333","AccessKeys":{key}}},
                    {{"AccountId":"111122223334","AccessKeys":{key}}}]"#
            ),
            "[1].AccessKeys[0].AccessKeyId: access key `AKIAIOSFODNN7EXAMPLE` occurs twice",
        ),
        (
            "{\"AccountId\":\"111122223333\",\"AccessKeys\":{}}",
            "AccessKeys: must be an array, not an object",
        ),
        (
            "{\"AccountId\":\"111122223333\",\"UserDetailList\":[true]}",
            "UserDetailList[0]: must be an object, not a Boolean",
        ),
        (
            &users(&user("bob", "AIDA1"), &user("Bob", "AIDA2")),
            "UserDetailList[1].UserName: user `Bob` occurs twice",
        ),
        (
            &users(&user("bob", "AIDA1"), &user("eve", "AIDA1")),
            "UserDetailList[1].UserId: user id `AIDA1` occurs twice",
        ),
    ] {
        let found = Accounts::parse(text).err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), Some(error), "{text}");
    }
}

#[test]
fn no_error_repeats_a_secret() {
    let wrong = SAMPLE.replace('…', "TheSecret").replace("AKIAROOT", "-");
    let error = Accounts::parse(&wrong).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("TheSecret"));
    let broken = SAMPLE.replace("\"…\"", "\"TheSecret");
    let error = Accounts::parse(&broken).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("TheSecret"));
}
