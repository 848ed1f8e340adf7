//! Which statements [`explain`] lists, and why they applied or not.

use iam::policy::{DocumentKind, Effect, Outcome, PolicyType, decide, explain};
use serde_json::{Value, json};

use crate::support::{Watched, alice, get_cluster, named};

fn statement(sid: &str, effect: &str, action: &str, condition: &Value) -> Value {
    json!({ "Sid": sid, "Effect": effect, "Action": action, "Resource": "*", "Condition": condition })
}

fn for_principal(mut statement: Value, principal: &Value) -> Value {
    statement["Principal"] = principal.clone();
    statement
}

#[test]
fn every_statement_that_matches_is_listed_with_its_first_failing_condition() {
    let none = json!({});
    let mut principal = alice(&json!({ "Statement": [
        statement("Other", "Allow", "s3:*", &none),
        statement("Tag", "Allow", "dsql:*", &json!({ "StringEquals": { "aws:PrincipalTag/Team": "blue" } })),
        statement("Plain", "Allow", "DSQL:Get*", &none),
    ] }));
    let boundary = json!({ "Statement": statement("Limit", "Allow", "*", &none) });
    principal.policies.boundary = Some(vec![named("boundary", DocumentKind::Identity, &boundary)]);
    let session = json!({ "Statement": statement("Late", "Deny", "*", &json!({ "Bool": { "aws:SecureTransport": false } })) });
    principal.policies.session = Some(vec![named("session", DocumentKind::Identity, &session)]);
    let everyone = json!("*");
    let bob = json!({ "AWS": "arn:aws:iam::111122223333:user/bob" });
    let resource = json!({ "Statement": [
        for_principal(statement("Bob", "Allow", "*", &none), &bob),
        for_principal(statement("All", "Deny", "*", &json!({ "Null": { "aws:TokenIssueTime": true } })), &everyone),
    ] });
    let resource = named("cluster policy", DocumentKind::Resource, &resource);
    let context = Watched {
        keys: [("aws:tokenissuetime", "0"), ("aws:securetransport", "true")].into(),
        ..Watched::default()
    };
    let request = get_cluster(&principal, &context);
    let explanation = explain(&request, Some(&resource));
    assert_eq!(explanation.decision, decide(&request, Some(&resource)));
    assert_eq!(explanation.decision.outcome, Outcome::ImplicitDeny);
    let listed: Vec<_> = explanation
        .statements
        .iter()
        .map(|explained| {
            let failed = explained.failed_condition.as_ref();
            (
                explained.statement.policy_type,
                &*explained.statement.policy,
                explained.statement.index,
                explained.statement.sid.as_deref().unwrap(),
                explained.effect,
                failed.map(|failed| format!("{} {}", failed.operator, failed.key)),
                explained.applies(),
            )
        })
        .collect();
    let failed = |text: &str| Some(text.to_owned());
    let (identity, boundary) = (PolicyType::Identity, PolicyType::Boundary);
    let (session, resource) = (PolicyType::Session, PolicyType::Resource);
    assert_eq!(
        listed,
        [
            (
                identity,
                "inline",
                1,
                "Tag",
                Effect::Allow,
                failed("StringEquals aws:PrincipalTag/Team"),
                false
            ),
            (identity, "inline", 2, "Plain", Effect::Allow, None, true),
            (boundary, "boundary", 0, "Limit", Effect::Allow, None, true),
            (
                session,
                "session",
                0,
                "Late",
                Effect::Deny,
                failed("Bool aws:SecureTransport"),
                false
            ),
            (
                resource,
                "cluster policy",
                1,
                "All",
                Effect::Deny,
                failed("Null aws:TokenIssueTime"),
                false
            ),
        ]
    );
}
