//! What is read is what decides.

use crate::account::Accounts;
use crate::condition_keys::{Facts, Network};
use crate::policy::{Decision, Outcome, Request, decide};

use super::{EXPORT, parse};

fn decision(accounts: &Accounts, principal: &str, action: &str) -> Decision {
    let principal = accounts.principal(principal).unwrap();
    let network = Network {
        source_ip: "192.0.2.1".parse().unwrap(),
        secure_transport: true,
        vpc: None,
        vpce: None,
    };
    let now = base::Timestamp::from_unix_micros(0);
    let request = Request {
        principal: &principal,
        action,
        resource: "*",
        resource_account: "111122223333",
        context: &Facts::new(&principal, &network, now),
    };
    decide(&request, None)
}

#[test]
fn policies_of_user_group_and_role_decide_within_the_boundary() {
    // The boundary of the export allows nothing; this one allows three actions to the blue team.
    let nothing = r#""Document": { "Version": "2012-10-17", "Statement": [] }"#;
    let boundary = r#""Document": { "Version": "2012-10-17", "Statement": { "Effect": "Allow",
        "Action": ["dsql:GetCluster", "dsql:ListClusters", "dsql:CreateCluster"], "Resource": "*",
        "Condition": { "StringEquals": { "aws:PrincipalTag/Team": "${aws:PrincipalTag/TEAM}",
                                         "aws:PrincipalOrgID": "o-a1b2c3d4e5" } } } }"#;
    assert!(EXPORT.contains(nothing));
    let export = parse(EXPORT);
    let bounded = parse(&EXPORT.replace(nothing, boundary));
    let alice = "arn:aws:iam::111122223333:user/alice";
    let bob = "arn:aws:iam::111122223333:user/bob";
    let session = "arn:aws:sts::111122223333:assumed-role/app/s";
    let root = "arn:aws:iam::111122223333:root";
    let (inline, group) = ("user/alice: inline", "group/developers: inline");
    let team = "arn:aws:iam::111122223333:policy/team/blue";
    let read_only = "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess";
    for (accounts, principal, action, allowed_by) in [
        (&export, alice, "dsql:GetCluster", None),
        (&bounded, alice, "dsql:GetCluster", Some(inline)),
        (&bounded, alice, "dsql:ListClusters", Some(group)),
        // Allowed by the managed policy, but not by the boundary.
        (&bounded, alice, "dsql:UpdateCluster", None),
        (&bounded, alice, "dsql:CreateCluster", None),
        (&export, bob, "dsql:UpdateCluster", Some(team)),
        (&export, bob, "dsql:GetCluster", None),
        (&export, session, "dsql:CreateCluster", None),
        (
            &bounded,
            session,
            "dsql:CreateCluster",
            Some("role/app: inline"),
        ),
        (&bounded, session, "dsql:DeleteCluster", None),
    ] {
        let decision = decision(accounts, principal, action);
        let policy = decision.statement.as_ref().map(|found| &*found.policy);
        let policy = policy.filter(|_| decision.outcome == Outcome::Allow);
        assert_eq!(policy, allowed_by, "{principal} {action}");
    }
    let readers = parse(&EXPORT.replace(r#""PermissionsBoundary""#, r#""Former""#));
    let found = decision(&readers, alice, "dsql:GetVpcEndpointServiceName");
    assert_eq!(&*found.statement.unwrap().policy, read_only);
    let found = decision(&export, root, "dsql:DeleteCluster");
    assert_eq!(found.outcome, Outcome::Allow);
}

#[test]
fn an_unknown_aws_managed_policy_grants_nothing() {
    let text = EXPORT.replace(r#""PermissionsBoundary""#, r#""Former""#);
    let alice = "arn:aws:iam::111122223333:user/alice";
    let found = decision(&parse(&text), alice, "s3:GetObject");
    assert_eq!(found.outcome, Outcome::ImplicitDeny);
}

#[test]
fn a_user_without_policies_may_do_nothing() {
    let text = r#"{ "AccountId": "111122223333", "UserDetailList": [ { "UserName": "eve",
        "UserId": "AIDA1", "Arn": "arn:aws:iam::111122223333:user/eve" } ] }"#;
    let eve = "arn:aws:iam::111122223333:user/eve";
    let found = decision(&parse(text), eve, "dsql:ListClusters");
    assert_eq!(found.outcome, Outcome::ImplicitDeny);
}
