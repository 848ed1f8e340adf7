//! The users that tests act as.

use serde_json::{Value, json};

/// A user of the account file that the tests run with.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The account.
    pub account: &'static str,
    /// The access key id.
    pub access_key_id: &'static str,
    /// The secret access key.
    pub secret: &'static str,
}

/// The administrator of the first account.
pub const ADMIN: User = User {
    account: "111122223333",
    access_key_id: "AKIATESTADMIN0000001",
    secret: "secret/1",
};

/// The administrator of another account.
pub const OTHER_ACCOUNT: User = User {
    account: "444455556666",
    access_key_id: "AKIATESTOTHER0000002",
    secret: "secret/2",
};

/// A user of the administrator's account that may do only what a test gives it.
pub const LIMITED: User = User {
    account: "111122223333",
    access_key_id: "AKIATESTLIMITED00003",
    secret: "secret/3",
};

/// The ARN of [`LIMITED`].
pub const LIMITED_ARN: &str = "arn:aws:iam::111122223333:user/limited";

/// An account file with one account and its administrator for each of `users`.
pub fn account_file(users: &[User]) -> String {
    let account = |user: &User| {
        json!({
            "AccountId": user.account,
            "AccessKeys": [{
                "AccessKeyId": user.access_key_id,
                "SecretAccessKey": user.secret,
                "UserName": "admin",
            }],
            "UserDetailList": [{
                "UserName": "admin",
                "UserId": format!("AIDA{}", user.account),
                "Arn": format!("arn:aws:iam::{}:user/admin", user.account),
                "AttachedManagedPolicies": [{
                    "PolicyName": "AdministratorAccess",
                    "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
                }],
            }],
        })
    };
    json!(users.iter().map(account).collect::<Vec<_>>()).to_string()
}

/// An account file with both administrators and [`LIMITED`], whose only policy has these
/// statements.
pub fn limited_to(statements: &Value) -> Value {
    let mut file: Value =
        serde_json::from_str(&account_file(&[ADMIN, OTHER_ACCOUNT])).expect("JSON");
    let account = file.get_mut(0).expect("the first account");
    let key = json!({
        "AccessKeyId": LIMITED.access_key_id,
        "SecretAccessKey": LIMITED.secret,
        "UserName": "limited",
    });
    let user = json!({
        "UserName": "limited",
        "UserId": "AIDALIMITED",
        "Arn": LIMITED_ARN,
        "UserPolicyList": [{
            "PolicyName": "inline",
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        }],
    });
    for (list, item) in [("AccessKeys", key), ("UserDetailList", user)] {
        account
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .expect("a list")
            .push(item);
    }
    file
}
