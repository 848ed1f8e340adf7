use super::{SAMPLE, error_after, parse};
use crate::account::Accounts;

#[test]
fn a_wrong_member_is_named_with_its_path() {
    let alice_key = r#""SecretAccessKey": "…", "UserName": "alice""#;
    for (from, to, error) in [
        (
            r#""AccountId": "111122223333""#,
            r#""AccountId": """#,
            "AccountId: must have exactly 12 digits",
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

/// An export as AWS prints it names its account in its ARNs only.
#[test]
fn an_export_without_an_account_id_has_that_of_its_arns() {
    let id = r#""AccountId": "111122223333","#;
    let accounts = parse(&SAMPLE.replace(id, ""));
    assert_eq!(accounts.accounts()[0].id().as_str(), "111122223333");
    assert_eq!(accounts.warnings(), [] as [&str; 0]);
    for nothing in ["{}", r#"{"UserDetailList": []}"#] {
        let error = Accounts::parse(nothing).err().unwrap().to_string();
        assert_eq!(error, "the file: needs `AccountId`");
    }
    let twice = format!("[{SAMPLE}, {}]", SAMPLE.replace(id, ""));
    let error = Accounts::parse(&twice).err().unwrap().to_string();
    assert!(
        error.ends_with("account 111122223333 occurs twice"),
        "{error}"
    );
}

#[test]
fn a_truncated_export_is_a_warning() {
    let truncated = SAMPLE.replace(r#""IsTruncated": false"#, r#""IsTruncated": true"#);
    assert_eq!(
        parse(&truncated).warnings(),
        ["the export of account 111122223333 is truncated: IsTruncated is true"]
    );
}
