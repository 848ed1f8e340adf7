//! What a signed request costs before and after its operation: signature, shape, decision,
//! encoding. The operation itself does nothing.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base::{Clock, Timestamp};
use criterion::{Criterion, criterion_group, criterion_main};
use frontdoor::{Asked, FrontDoor, Health, Operation, Permission, RequestContext, Service};
use iam::account::Accounts;
use iam::decision_log::NoLog;
use model::verified_permissions::types::{Decision, IsAuthorizedInput, IsAuthorizedOutput};
use model::verified_permissions::{OPERATIONS, SERVICE};
use serde_json::{Value, json};
use testkit::{LIMITED, ManualClock, SeededEntropy, limited_to, signed_request};
use wire::error::WireError;

/// Does nothing, and asks for the permissions that the real operation asks for, or for none.
struct Nothing<const DECIDED: bool>;

impl<const DECIDED: bool> Operation for Nothing<DECIDED> {
    type State = ();
    type Input = IsAuthorizedInput;
    type Output = IsAuthorizedOutput;
    type Error = WireError;

    const NAME: &'static str = "IsAuthorized";

    async fn permissions<'a>(
        _: &'a Arc<()>,
        asked: &'a Asked,
        input: &'a IsAuthorizedInput,
    ) -> Result<Vec<Permission<'a>>, WireError> {
        if !DECIDED {
            return Ok(Vec::new());
        }
        let (account, store) = (&asked.scope.account, &input.policy_store_id);
        let arn = format!("arn:aws:verifiedpermissions::{account}:policy-store/{store}");
        Ok(vec![Permission::new(
            "verifiedpermissions:IsAuthorized",
            arn,
        )])
    }

    async fn call(
        _: &Arc<()>,
        _: RequestContext,
        _: IsAuthorizedInput,
    ) -> Result<IsAuthorizedOutput, WireError> {
        Ok(IsAuthorizedOutput {
            decision: Decision::Deny,
            determining_policies: Vec::new(),
            errors: Vec::new(),
        })
    }
}

struct Healthy;

impl Health for Healthy {
    async fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A user with one policy, whose last of `statements` statements allows the question.
fn accounts(statements: usize) -> Accounts {
    let arn = |id: usize| {
        format!(
            "arn:aws:verifiedpermissions::{}:policy-store/PS{id}",
            LIMITED.account
        )
    };
    let mut all: Vec<Value> = (1..statements)
        .map(|id| {
            json!({
                "Effect": "Allow",
                "Action": ["verifiedpermissions:IsAuthorized", "verifiedpermissions:Get*"],
                "Resource": arn(id),
                "Condition": { "StringEquals": { "aws:PrincipalTag/team": "blue" } },
            })
        })
        .collect();
    all.push(json!({ "Effect": "Allow", "Action": "verifiedpermissions:*", "Resource": "*" }));
    let file = limited_to(&json!(all));
    Accounts::parse(&file.to_string()).expect("an account file")
}

fn bench<const DECIDED: bool>(c: &mut Criterion, name: &str, statements: usize) {
    let clock = ManualClock::new(Timestamp::from_unix_micros(1_767_225_600_000_000));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(clock.now().unix_seconds() as u64);
    let service = Service::new(&SERVICE, OPERATIONS).with::<Nothing<DECIDED>>(&Arc::new(()));
    let door = FrontDoor {
        regions: None,
        clock: Arc::new(clock),
        entropy: Arc::new(SeededEntropy::new(1)),
        keys: accounts(statements),
        decisions: Arc::new(NoLog),
        services: vec![service],
        health: Healthy,
    };
    let body = testkit::question("alice", "photo");
    let request = signed_request(LIMITED, now, "IsAuthorized", body.to_string());
    let network = Arc::new(testkit::local());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    c.bench_function(name, |b| {
        b.iter(|| {
            let response = runtime.block_on(door.handle(black_box(request.clone()), &network));
            assert!(response.status().is_success());
            response
        });
    });
}

/// What authorization adds is the difference between the first and the others.
fn pipeline(c: &mut Criterion) {
    bench::<false>(c, "pipeline without decision and operation", 1);
    bench::<true>(c, "pipeline without the operation, 1 statement", 1);
    bench::<true>(c, "pipeline without the operation, 20 statements", 20);
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
