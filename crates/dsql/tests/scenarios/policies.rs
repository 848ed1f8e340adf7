//! Cluster policies: putting, getting, deleting, and their versions.

use aws_sdk_dsql::Client;
use serde_json::json;

use crate::common::{
    ADMIN_ARN, Failure, UNKNOWN, active, cluster, denying, failure, outcome, pass, policy, start,
};

async fn put(client: &Client, id: &str, text: &str) -> String {
    let call = client.put_cluster_policy().identifier(id).policy(text);
    call.send().await.unwrap().policy_version
}

async fn get(client: &Client, id: &str) -> Result<(String, String), Failure> {
    let call = client.get_cluster_policy().identifier(id);
    outcome(call.send().await).map(|found| (found.policy, found.policy_version))
}

async fn delete(client: &Client, id: &str) -> String {
    let call = client.delete_cluster_policy().identifier(id);
    call.send().await.unwrap().policy_version
}

#[tokio::test]
async fn a_policy_is_given_back_byte_for_byte() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let missing = get(&client, &id).await.unwrap_err();
    assert_eq!(missing.missing(), ("clusterPolicy", id.as_str()));
    let text = denying(&["dsql:DbConnect"])
        .replace(",", " ,\n\t\u{e9}")
        .replace("\u{e9}", "");
    assert_eq!(put(&client, &id, &text).await, "1");
    assert_eq!(get(&client, &id).await.unwrap(), (text, "1".to_owned()));
}

#[tokio::test]
async fn versions_count_on_and_never_repeat() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let (one, two) = (
        denying(&["dsql:DbConnect"]),
        denying(&["dsql:DbConnectAdmin"]),
    );
    assert_eq!(put(&client, &id, &one).await, "1");
    assert_eq!(put(&client, &id, &two).await, "2");
    assert_eq!(put(&client, &id, &two).await, "3");
    assert_eq!(delete(&client, &id).await, "3");
    let call = client.delete_cluster_policy().identifier(&id);
    let missing = failure(call.send().await);
    assert_eq!(missing.missing(), ("clusterPolicy", id.as_str()));
    assert_eq!(put(&client, &id, &one).await, "4");
    // Another cluster counts for itself.
    let other = cluster(&client).await;
    assert_eq!(put(&client, &other, &one).await, "1");
}

#[tokio::test]
async fn a_stale_expectation_is_a_conflict() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let text = denying(&["dsql:DbConnect"]);
    let put_expecting = |version: &str| {
        let call = client.put_cluster_policy().identifier(&id).policy(&text);
        let call = call.expected_policy_version(version);
        async move { outcome(call.send().await).map(|put| put.policy_version) }
    };
    let delete_expecting = |version: &str| {
        let call = client.delete_cluster_policy().identifier(&id);
        let call = call.expected_policy_version(version);
        async move { outcome(call.send().await).map(|deleted| deleted.policy_version) }
    };
    let conflict = ("clusterPolicy", id.as_str());
    assert_eq!(put_expecting("1").await.unwrap_err().conflict(), conflict);
    let missing = delete_expecting("1").await.unwrap_err();
    assert_eq!(missing.missing(), conflict);
    put(&client, &id, &text).await;
    assert_eq!(put_expecting("0").await.unwrap_err().conflict(), conflict);
    assert_eq!(put_expecting("1").await.unwrap(), "2");
    assert_eq!(put_expecting("1").await.unwrap_err().conflict(), conflict);
    assert_eq!(
        delete_expecting("1").await.unwrap_err().conflict(),
        conflict
    );
    assert_eq!(delete_expecting("2").await.unwrap(), "2");
    assert_eq!(put_expecting("2").await.unwrap_err().conflict(), conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_writers_that_expect_one_version_one_wins() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    put(&client, &id, &denying(&["dsql:DbConnect"])).await;
    let writers: Vec<_> = (0..100)
        .map(|number| {
            let statements = json!([{
                "Sid": format!("Writer{number}"), "Effect": "Deny", "Principal": "*",
                "Action": "dsql:DbConnect", "Resource": "*",
            }]);
            let text = policy(&statements);
            let call = client.put_cluster_policy().identifier(&id).policy(&text);
            let call = call.expected_policy_version("1");
            tokio::spawn(async move { (text, outcome(call.send().await)) })
        })
        .collect();
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            (text, Ok(put)) => winners.push((text, put.policy_version)),
            (_, Err(failure)) => {
                assert_eq!(failure.conflict(), ("clusterPolicy", id.as_str()));
            }
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(winners[0].1, "2");
    assert_eq!(get(&client, &id).await.unwrap(), winners[0]);
}

#[tokio::test]
async fn policies_that_break_a_rule_are_refused() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let open = policy(&json!([{
        "Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "dsql:*", "Resource": "*",
        "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } },
    }]));
    let long = format!("{}{}", denying(&["dsql:DbConnect"]), " ".repeat(20_480));
    for (text, reason, field, part) in [
        ("nothing", "cannotParse", Some("policy"), "JSON"),
        ("{}", "fieldValidationFailed", Some("policy"), "Statement"),
        (
            &denying(&["s3:*"]),
            "fieldValidationFailed",
            Some("policy"),
            "Statement[0] (\"Deny\")",
        ),
        (
            &denying(&["dsql:Fly"]),
            "fieldValidationFailed",
            Some("policy"),
            "unknown action",
        ),
        (&open, "other", None, "Statement[0] (\"Open\")"),
        (&long, "fieldValidationFailed", Some("policy"), "20480"),
        ("", "fieldValidationFailed", Some("policy"), ""),
    ] {
        // The flag is for the lockout only.
        for bypass in [None, Some(true)] {
            let call = client.put_cluster_policy().identifier(&id).policy(text);
            let call = call.set_bypass_policy_lockout_safety_check(bypass);
            let refused = failure(call.send().await);
            assert_eq!(refused.invalid(), (reason, field), "{text}: {refused:?}");
            assert!(
                refused.message.contains(part),
                "{text}: {}",
                refused.message
            );
            let call = client.create_cluster().policy(text);
            let call = call.set_bypass_policy_lockout_safety_check(bypass);
            assert_eq!(
                failure(call.send().await).invalid(),
                (reason, field),
                "{text}"
            );
        }
    }
    assert_eq!(
        get(&client, &id).await.unwrap_err().missing().0,
        "clusterPolicy"
    );
    let listed = client.list_clusters().send().await.unwrap();
    assert_eq!(listed.clusters.len(), 1);
}

#[tokio::test]
async fn a_policy_of_the_longest_size_is_taken() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let text = denying(&["dsql:DbConnect"]);
    let text = format!("{text}{}", " ".repeat(20_480 - text.len()));
    assert_eq!(put(&client, &id, &text).await, "1");
    assert_eq!(get(&client, &id).await.unwrap().0, text);
}

#[tokio::test]
async fn nobody_locks_themselves_out_by_accident() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    let text = denying(&["dsql:PutClusterPolicy"]);
    let put = || client.put_cluster_policy().identifier(&id).policy(&text);
    let refused = failure(put().send().await);
    assert_eq!(refused.invalid(), ("other", None));
    assert!(
        refused.message.contains("bypassPolicyLockoutSafetyCheck"),
        "{}",
        refused.message
    );
    // The lockout is told before the version.
    let refused = failure(put().expected_policy_version("7").send().await);
    assert_eq!(refused.invalid(), ("other", None));
    let create = || client.create_cluster().policy(&text);
    assert_eq!(failure(create().send().await).invalid(), ("other", None));
    assert_eq!(
        get(&client, &id).await.unwrap_err().missing().0,
        "clusterPolicy"
    );

    put()
        .bypass_policy_lockout_safety_check(true)
        .send()
        .await
        .unwrap();
    let denied = failure(put().bypass_policy_lockout_safety_check(true).send().await);
    denied.assert_denied("dsql:PutClusterPolicy");
    assert!(
        denied
            .message
            .ends_with("with an explicit deny in a resource-based policy")
    );
    // The way out that this policy leaves.
    delete(&client, &id).await;
    let created = create()
        .bypass_policy_lockout_safety_check(true)
        .send()
        .await
        .unwrap();
    assert_eq!(
        get(&client, &created.identifier).await.unwrap(),
        (text.clone(), "1".to_owned())
    );
}

#[tokio::test]
async fn the_lockout_is_judged_by_the_callers_own_circumstances() {
    let (_, client) = start();
    let call = client.create_cluster().tags("stage", "test");
    let id = call.send().await.unwrap().identifier;
    let deny_unless = |condition: serde_json::Value| {
        policy(&json!([{
            "Effect": "Deny", "Principal": "*", "Action": "dsql:*", "Resource": "*",
            "Condition": condition,
        }]))
    };
    for (condition, good) in [
        (
            json!({ "NotIpAddress": { "aws:SourceIp": "127.0.0.0/8" } }),
            true,
        ),
        (
            json!({ "NotIpAddress": { "aws:SourceIp": "10.0.0.0/8" } }),
            false,
        ),
        (
            json!({ "StringNotEquals": { "aws:PrincipalArn": ADMIN_ARN } }),
            true,
        ),
        (
            json!({ "StringNotEquals": { "aws:PrincipalArn": "arn:aws:iam::111122223333:user/x" } }),
            false,
        ),
        (
            json!({ "StringNotEquals": { "aws:ResourceTag/stage": "test" } }),
            true,
        ),
        (
            json!({ "StringNotEquals": { "aws:ResourceTag/stage": "live" } }),
            false,
        ),
        (json!({ "Null": { "aws:SourceVpc": "true" } }), false),
    ] {
        let text = deny_unless(condition.clone());
        let call = client.put_cluster_policy().identifier(&id).policy(text);
        assert_eq!(call.send().await.is_ok(), good, "{condition}");
    }
}

#[tokio::test]
async fn a_cluster_may_be_created_with_a_policy() {
    let (app, client) = start();
    let text = denying(&["dsql:DeleteCluster"]);
    let call = client
        .create_cluster()
        .policy(&text)
        .deletion_protection_enabled(false);
    let id = call.send().await.unwrap().identifier;
    assert_eq!(get(&client, &id).await.unwrap(), (text, "1".to_owned()));
    pass(&app, 2_000);
    let denied = failure(client.delete_cluster().identifier(&id).send().await);
    denied.assert_denied("dsql:DeleteCluster");
    delete(&client, &id).await;
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn policies_of_unknown_clusters_are_not_found() {
    let (_, client) = start();
    let missing = ("cluster", UNKNOWN);
    assert_eq!(get(&client, UNKNOWN).await.unwrap_err().missing(), missing);
    let call = client.put_cluster_policy().identifier(UNKNOWN);
    let refused = failure(call.policy(denying(&["dsql:DbConnect"])).send().await);
    assert_eq!(refused.missing(), missing);
    let call = client.delete_cluster_policy().identifier(UNKNOWN);
    assert_eq!(failure(call.send().await).missing(), missing);
}

/// Also where the cluster that had it is gone: the next write removes what is left.
#[tokio::test]
async fn a_policy_goes_with_its_cluster() {
    let (app, client) = start();
    let id = active(&app, &client).await;
    put(&client, &id, &denying(&["dsql:DbConnect"])).await;
    client
        .delete_cluster()
        .identifier(&id)
        .send()
        .await
        .unwrap();
    assert!(get(&client, &id).await.is_ok());
    pass(&app, 2_000);
    assert_eq!(
        get(&client, &id).await.unwrap_err().missing(),
        ("cluster", id.as_str())
    );
    cluster(&client).await;
    assert_eq!(
        get(&client, &id).await.unwrap_err().missing(),
        ("cluster", id.as_str())
    );
}
