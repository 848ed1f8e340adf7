//! AssumeRole: who may, for how long, and what the credentials are good for.

use std::time::Duration;

use aws_sdk_dsql::error::ProvideErrorMetadata;
use serde_json::{Value, json};
use testkit::{ADMIN, App, LIMITED, LIMITED_ARN, OTHER_ACCOUNT, REGION};

use crate::common::{
    APP_ROLE, ROOT, accounts, assume, credentials, element, refusal, trusting, trusts,
};

const ASSUME: &str = "sts:AssumeRole";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/nightly";

fn not_authorized(action: &str) -> String {
    format!("User: {LIMITED_ARN} is not authorized to perform: {action} on resource: {APP_ROLE}")
}

#[tokio::test]
async fn the_credentials_act_as_the_role_on_every_service() {
    let app = trusting();
    let answer = assume(&app, LIMITED, "").await;
    let xml = &answer.1;
    assert_eq!(element(xml, "Arn"), SESSION);
    assert_eq!(element(xml, "AssumedRoleId"), "AROAAPP:nightly");
    assert_eq!(element(xml, "Expiration"), "2026-01-01T01:00:00Z");
    assert!(!xml.contains("PackedPolicySize"), "{xml}");
    let session = credentials(&answer);
    let dsql = app.dsql_with(session.clone(), REGION);
    assert!(dsql.list_clusters().send().await.is_ok());
    let refused = app
        .client_with(session, REGION)
        .list_policy_stores()
        .send()
        .await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(
        refused.message(),
        Some(&*format!(
            "User: {SESSION} is not authorized to perform: verifiedpermissions:ListPolicyStores on \
             resource: * because no identity-based policy allows the \
             verifiedpermissions:ListPolicyStores action"
        ))
    );
}

#[tokio::test]
async fn both_sides_have_their_say() {
    let allow = json!([{ "Effect": "Allow", "Action": ASSUME, "Resource": APP_ROLE }]);
    let deny = json!([{ "Effect": "Deny", "Action": ASSUME, "Resource": "*" }]);
    let none = json!([]);
    let account = "arn:aws:iam::111122223333:root";
    let identity = format!(
        "{} because no identity-based policy allows the {ASSUME} action",
        not_authorized(ASSUME)
    );
    for (trusted, statements, message) in [
        (LIMITED_ARN, &none, None),
        (LIMITED_ARN, &allow, None),
        (
            LIMITED_ARN,
            &deny,
            Some(format!(
                "{} with an explicit deny in an identity-based policy",
                not_authorized(ASSUME)
            )),
        ),
        (account, &allow, None),
        (account, &none, Some(identity)),
        (
            "arn:aws:iam::111122223333:user/admin",
            &allow,
            Some(not_authorized(ASSUME)),
        ),
        (OTHER_ACCOUNT.account, &allow, Some(not_authorized(ASSUME))),
    ] {
        let app = App::with_accounts(&accounts(&trusts(trusted, &json!(ASSUME)), statements));
        let answer = assume(&app, LIMITED, "").await;
        match message {
            None => assert_eq!(answer.0, 200, "{trusted} {statements}: {}", answer.1),
            Some(message) => assert_eq!(refusal(&answer), (403, "AccessDenied", &*message)),
        }
    }
}

#[tokio::test]
async fn another_account_needs_both() {
    for (trusted, status) in [(OTHER_ACCOUNT.account, 200), (ADMIN.account, 403)] {
        let app = App::with_accounts(&accounts(&trusts(trusted, &json!(ASSUME)), &json!([])));
        assert_eq!(assume(&app, OTHER_ACCOUNT, "").await.0, status, "{trusted}");
    }
}

#[tokio::test]
async fn the_root_user_and_unknown_roles_are_refused() {
    let app = App::with_accounts(&accounts(&trusts("*", &json!(ASSUME)), &json!([])));
    let answer = assume(&app, ROOT, "").await;
    let message = "Roles may not be assumed by root accounts.";
    assert_eq!(refusal(&answer), (403, "AccessDenied", message));
    let form = "Action=AssumeRole&RoleArn=nothing-valid-in-here&RoleSessionName=n1";
    let answer = crate::common::send(&app, ADMIN, form).await;
    let message = "nothing-valid-in-here is invalid";
    assert_eq!(refusal(&answer), (400, "ValidationError", message));
    let form = "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/none&RoleSessionName=n1";
    let answer = crate::common::send(&app, ADMIN, form).await;
    let (status, code, message) = refusal(&answer);
    assert_eq!((status, code), (403, "AccessDenied"));
    assert!(
        message.contains("is not authorized to perform: sts:AssumeRole"),
        "{message}"
    );
}

#[tokio::test]
async fn a_session_policy_and_a_managed_one_narrow_the_role() {
    let app = trusting();
    let policy = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "dsql:GetCluster", "Resource": "*",
    } });
    let policy: String = policy
        .to_string()
        .bytes()
        .map(|b| format!("%{b:02X}"))
        .collect();
    let answer = assume(&app, LIMITED, &format!("&Policy={policy}")).await;
    assert_ne!(element(&answer.1, "PackedPolicySize"), "0");
    let list = |answer| {
        let dsql = app.dsql_with(credentials(answer), REGION);
        async move { dsql.list_clusters().send().await }
    };
    let refused = list(&answer).await.unwrap_err().into_service_error();
    let message = refused.message().unwrap();
    assert!(
        message.ends_with("because no session policy allows the dsql:ListClusters action"),
        "{message}"
    );
    let managed = "&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess";
    let answer = assume(&app, LIMITED, managed).await;
    assert!(list(&answer).await.is_ok());
    for (more, code) in [
        ("&Policy=%7B%7D", "MalformedPolicyDocument"),
        (
            "&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/None",
            "MalformedPolicyDocument",
        ),
        ("&DurationSeconds=899", "ValidationError"),
        ("&DurationSeconds=7201", "ValidationError"),
        (
            "&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=A&Tags.member.2.Value=2",
            "InvalidParameterValue",
        ),
        ("&TransitiveTagKeys.member.1=a", "InvalidParameterValue"),
        (
            "&PolicyArns.member.1.Arn=arn:aws:iam::aws:policy/ReadOnlyAccess",
            "ValidationError",
        ),
        (
            "&Tags.member.1.Key=aws:a&Tags.member.1.Value=1",
            "ValidationError",
        ),
    ] {
        let answer = assume(&app, LIMITED, more).await;
        let (status, found, message) = refusal(&answer);
        assert_eq!((status, found), (400, code), "{more}: {message}");
    }
}

#[tokio::test]
async fn an_external_id_and_session_tags_are_condition_keys() {
    let with = |condition: Value, actions: Value| {
        let mut trust = trusts(LIMITED_ARN, &actions);
        trust["Condition"] = condition;
        App::with_accounts(&accounts(&trust, &json!([])))
    };
    let app = with(
        json!({ "StringEquals": { "sts:ExternalId": "x1" } }),
        json!(ASSUME),
    );
    assert_eq!(assume(&app, LIMITED, "&ExternalId=x1").await.0, 200);
    for more in ["", "&ExternalId=x2"] {
        assert_eq!(assume(&app, LIMITED, more).await.0, 403, "{more}");
    }
    let tags = "&Tags.member.1.Key=team&Tags.member.1.Value=red";
    let app = with(json!({}), json!(ASSUME));
    let answer = assume(&app, LIMITED, tags).await;
    assert_eq!(
        refusal(&answer),
        (403, "AccessDenied", &*not_authorized("sts:TagSession"))
    );
    let red = json!({ "StringEquals": { "aws:RequestTag/team": "red" } });
    let app = with(red, json!([ASSUME, "sts:TagSession"]));
    assert_eq!(assume(&app, LIMITED, tags).await.0, 200);
    assert_eq!(
        assume(&app, LIMITED, &tags.replace("red", "blue")).await.0,
        403
    );
}

#[tokio::test]
async fn credentials_end_with_their_time_and_with_their_role() {
    let app = trusting();
    let session = credentials(&assume(&app, LIMITED, "&DurationSeconds=900").await);
    let code = || async {
        let listed = app
            .dsql_with(session.clone(), REGION)
            .list_clusters()
            .send()
            .await;
        listed
            .err()
            .and_then(|error| error.into_service_error().code().map(str::to_owned))
    };
    assert_eq!(code().await, None);
    app.clock().advance(Duration::from_secs(899));
    assert_eq!(code().await, None);
    app.clock().advance(Duration::from_secs(1));
    assert_eq!(code().await.as_deref(), Some("ExpiredTokenException"));

    let session = credentials(&assume(&app, LIMITED, "").await);
    let dsql = app.dsql_with(session, REGION);
    assert!(dsql.list_clusters().send().await.is_ok());
    app.reload(&testkit::limited_to(&json!([])));
    let gone = dsql
        .list_clusters()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(gone.code(), Some("UnrecognizedClientException"));
}

/// Role chaining: a session of the role may assume the role again.
#[tokio::test]
async fn a_chain_keeps_its_source_identity_and_its_transitive_tags() {
    let actions = json!([ASSUME, "sts:TagSession", "sts:SetSourceIdentity"]);
    let trust = json!([trusts(LIMITED_ARN, &actions), trusts(APP_ROLE, &actions)]);
    let app = App::with_accounts(&accounts(&trust, &json!([])));
    let more = "&SourceIdentity=ann&Tags.member.1.Key=team&Tags.member.1.Value=red\
                &Tags.member.2.Key=floor&Tags.member.2.Value=2&TransitiveTagKeys.member.1=Team";
    let first = assume(&app, LIMITED, more).await;
    assert_eq!(element(&first.1, "SourceIdentity"), "ann");
    let first = credentials(&first);
    let chained = |more: &str| {
        let (app, first, more) = (app.clone(), first.clone(), more.to_owned());
        async move { crate::common::assume_as(&app, &first, &more).await }
    };
    let second = chained("").await;
    assert_eq!(element(&second.1, "SourceIdentity"), "ann");
    assert_eq!(chained("&SourceIdentity=ann").await.0, 200);
    for (changed, code) in [
        ("&SourceIdentity=bob", "ValidationError"),
        (
            "&Tags.member.1.Key=TEAM&Tags.member.1.Value=blue",
            "InvalidParameterValue",
        ),
        ("&DurationSeconds=3601", "ValidationError"),
    ] {
        let answer = chained(changed).await;
        assert_eq!(refusal(&answer).1, code, "{changed}");
    }
    // The role's own tag `team` is `blue`; the chain's is `red`, and `floor` has been left behind.
    let seen = json!([{ "Effect": "Allow", "Action": "dsql:ListClusters", "Resource": "*",
        "Condition": {
            "StringEquals": { "aws:PrincipalTag/team": "red", "aws:SourceIdentity": "ann" },
            "Null": { "aws:PrincipalTag/floor": "true" },
        } }]);
    let mut file = accounts(&trust, &json!([]));
    file[0]["RoleDetailList"][0]["RolePolicyList"][0]["PolicyDocument"]["Statement"] = seen;
    app.reload(&file);
    let lists = |session| {
        let dsql = app.dsql_with(session, REGION);
        async move { dsql.list_clusters().send().await.is_ok() }
    };
    assert!(lists(credentials(&second)).await);
    assert!(!lists(first.clone()).await);
}
