use std::sync::Arc;

use super::{EXPORT, error_in, parse};
use crate::managed;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess";

/// The export with one more policy.
fn with_policy(policy: &str) -> String {
    EXPORT.replace("\"Policies\": [", &format!("\"Policies\": [ {policy},"))
}

#[test]
fn an_unknown_aws_managed_policy_is_a_warning_once() {
    let accounts = parse(EXPORT);
    assert_eq!(
        accounts.warnings(),
        ["UserDetailList[0].AttachedManagedPolicies[1].PolicyArn: \
             arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess is neither in `Policies` nor built in: \
             it grants nothing"]
    );
    let known = with_policy(
        r#"{ "PolicyName": "AmazonS3ReadOnlyAccess",
             "Arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "DefaultVersionId": "v3",
             "PolicyVersionList": [ { "VersionId": "v3", "IsDefaultVersion": true,
               "Document": { "Version": "2012-10-17", "Statement": [] } } ] }"#,
    );
    assert_eq!(parse(&known).warnings(), [""; 0]);
}

#[test]
fn a_boundary_that_is_an_unknown_aws_managed_policy_allows_nothing() {
    let text = EXPORT.replace(
        "arn:aws:iam::111122223333:policy/boundary\"\n      },\n      \"Tags\": [{ \"Key\": \"team\", \"Value\": \"red\"",
        "arn:aws:iam::aws:policy/Unknown\"\n      },\n      \"Tags\": [{ \"Key\": \"team\", \"Value\": \"red\"",
    );
    let accounts = parse(&text);
    let role = accounts.role("arn:aws:iam::111122223333:role/team/app");
    let boundary = role.unwrap().policies.boundary.as_ref().unwrap();
    assert_eq!(boundary.len(), 1);
    assert_eq!(
        accounts.warnings()[1],
        "RoleDetailList[0].PermissionsBoundary.PermissionsBoundaryArn: \
         arn:aws:iam::aws:policy/Unknown is neither in `Policies` nor built in: it grants nothing"
    );
}

#[test]
fn a_policy_of_the_file_wins_over_the_built_in_one() {
    let account = "111122223333".parse().unwrap();
    let document = |text: &str| {
        let found = parse(text).managed_policy(&account, READ_ONLY).unwrap();
        assert_eq!(&*found.name, READ_ONLY);
        found.document
    };
    let built_in = managed::document(READ_ONLY).unwrap();
    assert!(Arc::ptr_eq(&built_in, &document(EXPORT)));
    let own = with_policy(&format!(
        r#"{{ "PolicyName": "AmazonAuroraDSQLReadOnlyAccess", "Arn": "{READ_ONLY}",
              "PolicyVersionList": [ {{ "IsDefaultVersion": true,
                "Document": {{ "Version": "2012-10-17", "Statement": [] }} }} ] }}"#
    ));
    assert!(!Arc::ptr_eq(&built_in, &document(&own)));
}

#[test]
fn managed_policies_are_found_by_the_accounts_that_own_them() {
    let other = r#"{ "AccountId": "444455556666" }"#;
    let accounts = parse(&format!("[{EXPORT}, {other}]"));
    let customer = "arn:aws:iam::111122223333:policy/team/blue";
    for (account, arn, found) in [
        ("111122223333", customer, true),
        ("444455556666", customer, false),
        ("777788889999", customer, false),
        ("444455556666", READ_ONLY, true),
        (
            "111122223333",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            true,
        ),
        (
            "111122223333",
            "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            false,
        ),
        (
            "111122223333",
            "arn:aws:iam::111122223333:policy/other",
            false,
        ),
    ] {
        let policy = accounts.managed_policy(&account.parse().unwrap(), arn);
        assert_eq!(policy.is_some(), found, "{account} {arn}");
    }
}

#[test]
fn the_default_version_must_be_clear() {
    let version = |id: &str, default: &str| {
        format!(
            r#"{{ "VersionId": "{id}", "IsDefaultVersion": {default},
                  "Document": {{ "Version": "2012-10-17", "Statement": [] }} }}"#
        )
    };
    let versions = |default: &str, list: &[String]| {
        let list = list.join(",");
        with_policy(&format!(
            r#"{{ "PolicyName": "p", "Arn": "arn:aws:iam::111122223333:policy/p",
                  "DefaultVersionId": {default}, "PolicyVersionList": [{list}] }}"#
        ))
    };
    let (v1, v2) = (version("v1", "true"), version("v2", "false"));
    let both = [v1.clone(), v2.clone()];
    for text in [
        versions("\"v1\"", &both),
        versions("null", &both),
        versions("\"v2\"", &[version("v1", "null"), version("v2", "null")]),
    ] {
        parse(&text);
    }
    let list = "Policies[0].PolicyVersionList";
    for (text, error) in [
        (
            versions("\"v3\"", &[version("v1", "null")]),
            "Policies[0]: has no default version".to_owned(),
        ),
        (
            versions("null", std::slice::from_ref(&v2)),
            "Policies[0]: has no default version".to_owned(),
        ),
        (
            versions("null", &[]),
            "Policies[0]: has no default version".to_owned(),
        ),
        (
            versions("\"v2\"", &both),
            format!("{list}[0].IsDefaultVersion: contradicts `DefaultVersionId`, `v2`"),
        ),
        (
            versions("null", &[v1.clone(), version("v2", "true")]),
            format!("{list}[1]: is a second default version"),
        ),
        (
            versions("\"v1\"", &[v1.clone(), v1]),
            format!("{list}[1]: is a second default version"),
        ),
    ] {
        assert_eq!(error_in(&text), error);
    }
}
