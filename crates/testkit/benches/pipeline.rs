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
use frontdoor::{FrontDoor, Health, Operation, OwnAccount, RequestContext, Service};
use iam::account::Accounts;
use model::verified_permissions::types::{Decision, IsAuthorizedInput, IsAuthorizedOutput};
use model::verified_permissions::{OPERATIONS, SERVICE};
use testkit::{ADMIN, ManualClock, SeededEntropy, signed_request};
use wire::error::WireError;

struct Nothing;

impl Operation for Nothing {
    type State = ();
    type Input = IsAuthorizedInput;
    type Output = IsAuthorizedOutput;
    type Error = WireError;

    const NAME: &'static str = "IsAuthorized";

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

fn pipeline(c: &mut Criterion) {
    let clock = ManualClock::new(Timestamp::from_unix_micros(1_767_225_600_000_000));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(clock.now().unix_seconds() as u64);
    let door = FrontDoor {
        region: testkit::REGION.parse().expect("a Region"),
        clock: Arc::new(clock),
        entropy: Arc::new(SeededEntropy::new(1)),
        keys: Accounts::parse(&testkit::account_file(&[ADMIN])).expect("an account file"),
        authority: Arc::new(OwnAccount),
        services: vec![Service::new(&SERVICE, OPERATIONS).with::<Nothing>(&Arc::new(()))],
        health: Healthy,
    };
    let body = testkit::question("alice", "photo");
    let request = signed_request(ADMIN, now, "IsAuthorized", body.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    c.bench_function("pipeline without the operation", |b| {
        b.iter(|| {
            let response = runtime.block_on(door.handle(black_box(request.clone())));
            assert!(response.status().is_success());
            response
        });
    });
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
