use super::{SAMPLE, error_after, parse};
use crate::account::Accounts;

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
        (
            r#"{"AccountId": "111122223333", "AccountId": "444455556666"}"#,
            "line 1, column 58: member \"AccountId\" occurs twice",
        ),
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

#[test]
fn the_file_in_the_documentation_is_read() {
    let guide = include_str!("../../../../../../docs/account-file.md");
    let (_, sample) = guide.split_once("```json\n").unwrap();
    let (sample, _) = sample.split_once("```").unwrap();
    let accounts = parse(sample);
    assert_eq!(accounts.accounts()[0].users().len(), 1);
    assert_eq!(accounts.accounts()[0].roles().len(), 1);
    assert_eq!(accounts.warnings(), [""; 0]);
}
