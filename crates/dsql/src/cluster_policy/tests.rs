use serde_json::json;
use store::Store;

use super::*;
use crate::cluster::ClusterRecord;
use base::Timestamp;
use model::dsql::types::ClusterStatus;

const ADMIN: &str = "arn:aws:iam::111122223333:user/admin";

/// The reason, the field and the message of a refusal.
fn fault(text: &str) -> (Reason, Option<&'static str>, String) {
    match check(text).err() {
        Some(Error::Validation {
            reason,
            field,
            message,
        }) => (reason, field, message),
        other => panic!("{text}: {other:?}"),
    }
}

fn with_action(action: &Value) -> String {
    let statement = json!({
        "Sid": "Here", "Effect": "Allow", "Principal": { "AWS": ADMIN },
        "Action": action, "Resource": "*",
    });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

#[test]
fn documents_of_the_user_guides_kind_are_accepted() {
    let blocking = json!({
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "NoInternet", "Effect": "Deny", "Principal": { "AWS": "*" },
            "Action": ["dsql:DbConnect", "dsql:DbConnectAdmin"], "Resource": "*",
            "Condition": { "Null": { "aws:SourceVpc": "true" } },
        },
    });
    let from_vpc = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "dsql:*", "Resource": "*",
            "Condition": { "StringEquals": { "aws:SourceVpc": "vpc-1" } },
        }],
    });
    let not_action = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny", "Principal": "*", "NotAction": ["dsql:Get*"], "Resource": "*",
        }],
    });
    for document in [blocking, from_vpc, not_action] {
        assert!(check(&document.to_string()).is_ok(), "{document}");
    }
    for action in [
        json!("*"),
        json!("DSQL:getcluster"),
        json!(["dsql:Db*", "dsql:?etCluster"]),
    ] {
        assert!(check(&with_action(&action)).is_ok(), "{action}");
    }
}

#[test]
fn what_is_no_json_cannot_be_parsed() {
    for text in ["", " ", "{", "policy", "{\"Version\": \"2012-10-17\",}"] {
        let (reason, field, _) = fault(text);
        assert_eq!(
            (reason, field),
            (Reason::CannotParse, Some("policy")),
            "{text:?}"
        );
    }
    let deep = "[".repeat(10_000);
    assert_eq!(fault(&deep).0, Reason::CannotParse);
}

#[test]
fn a_document_that_is_no_policy_names_the_place() {
    for (text, part) in [
        ("[]", ""),
        ("{}", "Statement"),
        (r#"{"Version": "2020-01-01", "Statement": []}"#, "Version"),
        (
            r#"{"Statement": [{"Sid": "A", "Effect": "Permit", "Principal": "*", "Action": "*", "Resource": "*"}]}"#,
            "Statement[0] (\"A\")",
        ),
        (
            r#"{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#,
            "Statement[0]",
        ),
    ] {
        let (reason, field, message) = fault(text);
        assert_eq!(
            (reason, field),
            (Reason::FieldValidationFailed, Some("policy")),
            "{text}"
        );
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn an_action_that_is_not_of_the_service_names_statement_and_action() {
    for (action, part) in [
        (
            json!("s3:GetObject"),
            "Statement[0] (\"Here\"): Action: `s3:GetObject` is not an action",
        ),
        (
            json!(["dsql:GetCluster", "dsql:Fly"]),
            "Action: unknown action `dsql:Fly`",
        ),
    ] {
        let (reason, _, message) = fault(&with_action(&action));
        assert_eq!(reason, Reason::FieldValidationFailed, "{action}");
        assert!(message.contains(part), "{message}");
    }
    let single = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "NotAction": "iam:*", "Resource": "*"}}"#;
    assert!(fault(single).2.contains("Statement: NotAction: `iam:*`"));
}

#[test]
fn a_slip_in_a_condition_is_told() {
    let with = |condition: Value| {
        json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "Here", "Effect": "Deny", "Principal": "*", "Action": "dsql:DbConnect",
            "Resource": "*", "Condition": condition,
        }] })
        .to_string()
    };
    for (condition, part) in [
        (
            json!({ "StringNotEquals": { "SourceVpc": "vpc-1" } }),
            "Statement[0] (\"Here\"): Condition: StringNotEquals: \"SourceVpc\" is no condition key",
        ),
        (
            json!({ "BoolIfExists": { "aws:SecureTransport": ["true", "flase"] } }),
            "BoolIfExists: aws:SecureTransport: \"flase\" is neither true nor false",
        ),
        (
            json!({ "Null": { "aws:SourceVpc": "yes" } }),
            "Null: aws:SourceVpc: \"yes\" is neither true nor false",
        ),
    ] {
        let (reason, _, message) = fault(&with(condition));
        assert_eq!(reason, Reason::FieldValidationFailed);
        assert!(message.contains(part), "{message}");
    }
    for good in [
        json!({ "Null": { "aws:SourceVpc": true } }),
        json!({ "Bool": { "aws:SecureTransport": "FALSE" } }),
    ] {
        assert!(check(&with(good)).is_ok());
    }
}

#[test]
fn a_public_policy_is_blocked_and_its_statement_named() {
    let public = |condition: &Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Deny", "Principal": "*", "Action": "dsql:DeleteCluster", "Resource": "*" },
                { "Sid": "Open", "Effect": "Allow", "Principal": { "AWS": "*" },
                  "Action": "dsql:DbConnect", "Resource": "*", "Condition": condition },
            ],
        })
        .to_string()
    };
    for condition in [
        json!({}),
        json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } }),
        json!({ "StringLike": { "aws:SourceVpc": "vpc-*" } }),
    ] {
        let (reason, field, message) = fault(&public(&condition));
        assert_eq!((reason, field), (Reason::Other, None), "{condition}");
        assert!(message.contains("Statement[1] (\"Open\")"), "{message}");
    }
    let private = json!({ "StringEquals": { "aws:PrincipalAccount": "111122223333" } });
    assert!(check(&public(&private)).is_ok());
}

fn cluster() -> Cluster {
    Cluster {
        scope: frontdoor::Scope {
            region: "us-east-1".parse().unwrap(),
            account: "111122223333".parse().unwrap(),
        },
        id: "abcdefghijklmnopqrstuvwxyz".to_owned(),
        record: ClusterRecord::new(Timestamp::from_unix_micros(0)),
        status: ClusterStatus::Active,
    }
}

#[tokio::test]
async fn versions_count_on_after_a_deletion() {
    let store = Store::memory();
    let write = store.write(|tx| {
        let mut cluster = cluster();
        let text = || with_action(&json!("dsql:*"));
        let mut versions = vec![
            put(tx, &mut cluster, text())?,
            put(tx, &mut cluster, text())?,
        ];
        versions.push(delete(tx, &mut cluster)?);
        assert!(matches!(
            delete(tx, &mut cluster),
            Err(Error::NotFound(ResourceType::ClusterPolicy, _))
        ));
        versions.push(put(tx, &mut cluster, text())?);
        Ok::<_, Error>(versions)
    });
    assert_eq!(write.await.unwrap(), [1, 2, 2, 3]);
}

#[test]
fn an_expected_version_must_be_the_one_that_there_is() {
    let mut cluster = cluster();
    for (current, expected, good) in [
        (None, None, true),
        (None, Some("0"), false),
        (None, Some("1"), false),
        (Some(7), None, true),
        (Some(7), Some("7"), true),
        (Some(7), Some("07"), false),
        (Some(7), Some(""), false),
        (Some(7), Some("6"), false),
    ] {
        cluster.record.policy_version = current;
        let found = check_version(&cluster, expected);
        assert_eq!(found.is_ok(), good, "{current:?} {expected:?}");
    }
}

#[tokio::test]
async fn the_cache_follows_the_version_and_is_bounded() {
    let (store, cache) = (Store::memory(), Arc::new(PolicyCache::default()));
    let shared = Arc::clone(&cache);
    let write = store.write(move |tx| {
        let mut first = cluster();
        assert!(shared.of(tx, &first)?.is_none());
        put(tx, &mut first, with_action(&json!("dsql:GetCluster")))?;
        let old = first.clone();
        let one = shared.of(tx, &first)?.map(|it| it.document);
        let again = shared.of(tx, &first)?.map(|it| it.document);
        assert!(one.iter().zip(&again).all(|(a, b)| Arc::ptr_eq(a, b)));
        put(tx, &mut first, with_action(&json!("dsql:*")))?;
        let two = shared.of(tx, &first)?;
        assert!(
            two.iter()
                .zip(&one)
                .all(|(a, b)| !Arc::ptr_eq(&a.document, b))
        );
        // Who still reads the old version does not displace the new one.
        shared.of(tx, &old)?;
        assert_eq!(shared.0.lock().unwrap()["abcdefghijklmnopqrstuvwxyz"].0, 2);
        for number in 0..2 * CACHED {
            let mut other = cluster();
            other.id = format!("{number:026}");
            put(tx, &mut other, with_action(&json!("*")))?;
            shared.of(tx, &other)?;
        }
        Ok::<_, Error>(two.map(|it| it.name.to_string()))
    });
    let name = write.await.unwrap();
    let arn = "arn:aws:dsql:us-east-1:111122223333:cluster/abcdefghijklmnopqrstuvwxyz";
    assert_eq!(name, Some(format!("cluster policy of {arn}")));
    assert_eq!(cache.0.lock().unwrap().len(), CACHED);
}
