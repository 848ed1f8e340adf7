//! What [`decide`] looks at and answers, beyond its verdict.

use iam::policy::{DocumentKind, Missing, Outcome, PolicyType, decide};
use iam::{Principal, PrincipalKind};
use serde_json::{Value, json};

use crate::support::{Watched, alice, get_cluster, named};

fn asked(policy: &Value) -> Vec<String> {
    let context = Watched {
        keys: [("aws:username", "alice")].into(),
        ..Watched::default()
    };
    let principal = alice(policy);
    decide(&get_cluster(&principal, &context), None);
    context.asked.into_inner()
}

#[test]
fn keys_are_looked_up_only_when_the_rest_of_the_statement_matches() {
    let condition = json!({ "StringEquals": { "AWS:ResourceTag/Team": "blue" } });
    for (name, statement, wanted) in [
        (
            "another action",
            json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition }),
            vec![],
        ),
        (
            "another resource",
            json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::*", "Condition": condition }),
            vec![],
        ),
        (
            "a match",
            json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition }),
            vec!["aws:resourcetag/team"],
        ),
        (
            "a resource with a variable, after another action",
            json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}" }),
            vec![],
        ),
        (
            "a resource with a variable that does not match",
            json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}", "Condition": condition }),
            vec!["aws:username"],
        ),
    ] {
        let policy = json!({ "Version": "2012-10-17", "Statement": statement });
        assert_eq!(asked(&policy), wanted, "{name}");
    }
}

#[test]
fn after_an_allow_the_conditions_of_further_allows_are_not_evaluated() {
    let limited = |effect: &str, key: &str| json!({ "Effect": effect, "Action": "*", "Resource": "*", "Condition": { "Bool": { key: "true" } } });
    let open = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let policy = json!({ "Statement": [open, limited("Allow", "a"), limited("Deny", "b")] });
    assert_eq!(asked(&policy), ["b"]);
}

#[test]
fn an_implicit_deny_says_what_is_missing() {
    let nothing = json!({ "Statement": [] });
    let everything = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let context = Watched::default();
    let boundary = named("boundary", DocumentKind::Identity, &nothing);
    let with = |change: fn(&mut Principal, _)| {
        let mut principal = alice(&everything);
        change(&mut principal, vec![boundary.clone()]);
        principal
    };
    let foreign = "444455556666";
    for (principal, action, account, missing) in [
        (
            alice(&nothing),
            "rds:X",
            "111122223333",
            Missing::Allow(PolicyType::Identity),
        ),
        (
            with(|principal, policies| principal.policies.boundary = Some(policies)),
            "rds:X",
            "111122223333",
            Missing::Allow(PolicyType::Boundary),
        ),
        (
            with(|principal, policies| principal.policies.session = Some(policies)),
            "rds:X",
            "111122223333",
            Missing::Allow(PolicyType::Session),
        ),
        (
            alice(&everything),
            "rds:X",
            foreign,
            Missing::Allow(PolicyType::Resource),
        ),
        (alice(&everything), "dsql:X", foreign, Missing::CrossAccount),
    ] {
        let mut request = get_cluster(&principal, &context);
        (request.action, request.resource_account) = (action, account);
        let decision = decide(&request, None);
        assert_eq!(decision.outcome, Outcome::ImplicitDeny);
        assert_eq!(decision.missing, Some(missing));
        assert_eq!(decision.statement, None);
    }
}

#[test]
fn a_limit_without_policies_allows_nothing() {
    let everything = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let mut principal = alice(&everything);
    principal.policies.session = Some(Vec::new());
    let decision = decide(&get_cluster(&principal, &Watched::default()), None);
    assert_eq!(decision.missing, Some(Missing::Allow(PolicyType::Session)));
}

#[test]
fn a_trust_policy_must_let_the_principal_in() {
    let nothing = json!({ "Statement": [] });
    let everything = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let trust = |effect: &str, principal: &str| {
        let statement = json!({ "Effect": effect, "Action": "sts:AssumeRole", "Principal": { "AWS": principal } });
        named(
            "trust",
            DocumentKind::Trust,
            &json!({ "Statement": statement }),
        )
    };
    let (by_name, by_account) = ("arn:aws:iam::111122223333:user/alice", "111122223333");
    let another = "arn:aws:iam::111122223333:user/bob";
    let (allow, implicit) = (Outcome::Allow, Outcome::ImplicitDeny);
    let identity = Some(Missing::Allow(PolicyType::Identity));
    for (policy, effect, trusted, outcome, missing) in [
        (&nothing, "Allow", by_name, allow, None),
        (&nothing, "Allow", by_account, implicit, identity),
        (&nothing, "Allow", another, implicit, Some(Missing::Trust)),
        (&everything, "Allow", by_name, allow, None),
        (&everything, "Allow", by_account, allow, None),
        (
            &everything,
            "Allow",
            another,
            implicit,
            Some(Missing::Trust),
        ),
        (&everything, "Deny", by_name, Outcome::ExplicitDeny, None),
        (&everything, "Deny", another, implicit, Some(Missing::Trust)),
    ] {
        let principal = alice(policy);
        let context = Watched::default();
        let mut request = get_cluster(&principal, &context);
        request.action = "sts:AssumeRole";
        request.resource = "arn:aws:iam::111122223333:role/app";
        let decision = decide(&request, Some(&trust(effect, trusted)));
        assert_eq!(
            (decision.outcome, decision.missing),
            (outcome, missing),
            "{effect} {trusted}"
        );
        if missing == Some(Missing::Trust) {
            let wanted = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/app";
            assert_eq!(decision.refusal(&request).to_string(), wanted);
        }
    }
}

#[test]
fn the_root_user_named_by_its_account_is_allowed_from_another_account() {
    let root = Principal {
        arn: "arn:aws:iam::111122223333:root".to_owned(),
        user_id: "111122223333".to_owned(),
        kind: PrincipalKind::Root,
        ..alice(&json!({ "Statement": [] }))
    };
    let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Principal": { "AWS": "111122223333" } });
    let policy = named(
        "p",
        DocumentKind::Resource,
        &json!({ "Statement": statement }),
    );
    let context = Watched::default();
    let mut request = get_cluster(&root, &context);
    (request.action, request.resource_account) = ("rds:X", "444455556666");
    assert_eq!(decide(&request, Some(&policy)).outcome, Outcome::Allow);
    assert_eq!(decide(&request, None).outcome, Outcome::ImplicitDeny);
}
