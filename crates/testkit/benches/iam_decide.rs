//! IAM decisions by number and kind of statements, without HTTP around them.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use iam::policy::{
    Context, Document, DocumentKind, NamedDocument, Outcome, PrincipalPolicies, Request, Values,
    decide,
};
use iam::{Principal, PrincipalKind};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const CLUSTER: &str = "arn:aws:dsql:us-east-1:111122223333:cluster/abcdefghijklmnopqrstuvwxyz";

/// The condition keys of the request.
struct Keys;

impl Context for Keys {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        let value = match key {
            "aws:principaltag/team" => "blue",
            "aws:sourceip" => "203.0.113.7",
            "aws:username" => "alice",
            _ => return None,
        };
        Some(Values::One(Cow::Borrowed(value)))
    }
}

/// Makes statements that do not decide, each another one.
type Filler = fn(usize) -> Value;

/// A policy of `count` statements, the last of which is `last`.
fn principal(statement: Filler, count: usize, last: Value) -> Principal {
    let statements: Vec<Value> = (1..count).map(statement).chain([last]).collect();
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    let document = Document::from_json(DocumentKind::Identity, &document);
    Principal {
        account: ACCOUNT.parse().expect("an account"),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/alice"),
        user_id: "AIDAEXAMPLEALICE00001".to_owned(),
        kind: PrincipalKind::User {
            name: "alice".to_owned(),
        },
        tags: BTreeMap::new(),
        organization: None,
        inheritance: iam::Inheritance::default(),
        policies: PrincipalPolicies {
            identity: vec![NamedDocument {
                name: "inline".into(),
                document: Arc::new(document.expect("a document")),
            }],
            ..PrincipalPolicies::default()
        },
    }
}

fn another_action(at: usize) -> Value {
    let action = format!("service{at}:Get*");
    json!({ "Effect": "Allow", "Action": [action, "s3:*"], "Resource": "*" })
}

fn another_resource(at: usize) -> Value {
    let resource = format!("arn:aws:dsql:*:{ACCOUNT}:cluster/{at}*");
    json!({ "Effect": "Allow", "Action": "dsql:*", "Resource": resource })
}

fn another_condition(_: usize) -> Value {
    let condition = json!({
        "StringEquals": { "aws:PrincipalTag/team": ["blue", "green"] },
        "NotIpAddress": { "aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"] },
    });
    json!({ "Effect": "Deny", "Action": "dsql:*", "Resource": "arn:aws:dsql:*", "Condition": condition })
}

fn another_variable(_: usize) -> Value {
    let resource = "arn:aws:dsql:us-east-1:111122223333:cluster/${aws:username}";
    json!({ "Effect": "Deny", "Action": "dsql:*", "Resource": resource })
}

fn iam_decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("iam_decide");
    let allow = json!({ "Effect": "Allow", "Action": "dsql:GetCluster", "Resource": "arn:aws:dsql:us-east-1:111122223333:*" });
    let kinds: [(&str, Filler); 4] = [
        ("actions differ", another_action),
        ("resources differ", another_resource),
        ("conditions fail", another_condition),
        ("variables differ", another_variable),
    ];
    for (name, statement) in kinds {
        for count in [1, 20, 100] {
            let principal = principal(statement, count, allow.clone());
            let request = Request {
                principal: &principal,
                action: "dsql:GetCluster",
                resource: CLUSTER,
                resource_account: ACCOUNT,
                context: &Keys,
            };
            group.bench_function(format!("{count} statements, {name}"), |b| {
                b.iter(|| {
                    let decision = decide(black_box(&request), None);
                    assert_eq!(decision.outcome, Outcome::Allow);
                    decision
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, iam_decide);
criterion_main!(benches);
