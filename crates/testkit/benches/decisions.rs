//! What a decision costs by the size and shape of the policy store, where the same policies match
//! at each size; and Cedar's own authorizer, which evaluates every policy, beside it.
//!
//! `IsAuthorized` is one signed request from its bytes to the answer's, without a socket.
//! `BatchIsAuthorized` asks the same 30 times in one request: little but the decisions is left.
//! `--features million` adds the large stores.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

mod shapes;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicyId, PolicySet, Request, SlotId,
    Template,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use shapes::{LINKS, SHAPES, STATICS, Shape, TEMPLATE, call, measures, photo, user};
use store::Store;
use testkit::{ADMIN, App};
use tokio::runtime::Runtime;
use verified_permissions::Options;

const BATCH: usize = 30;

fn sizes(shape: &Shape) -> &'static [usize] {
    let grows = [LINKS.name, STATICS.name].contains(&shape.name);
    match (measures(), cfg!(feature = "million") && grows) {
        (false, _) => &[100, 1_000],
        (true, false) => &[100, 10_000],
        (true, true) => &[100, 10_000, 100_000, 1_000_000],
    }
}

fn decisions(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    for shape in SHAPES {
        for &policies in sizes(shape) {
            let data = Store::memory();
            let store = runtime.block_on(shape.fill(&data, policies));
            let app = App::over(data, Options::default());
            let question = shape.question(&store);
            let answer = runtime.block_on(call(&app, "IsAuthorized", &question));
            let determining = answer["determiningPolicies"].as_array().map(Vec::len);
            assert_eq!(
                determining,
                Some(shape.matching),
                "{}: {answer}",
                shape.name
            );
            let id = BenchmarkId::new(shape.name, policies);
            let allowed = br#"{"decision":"ALLOW""#.as_slice();
            measure(
                c,
                &runtime,
                &app,
                "IsAuthorized",
                &id,
                &question,
                (1, allowed),
            );
            let batch = shape.batch(&store, BATCH);
            let results = br#"{"results":[{"#.as_slice();
            measure(
                c,
                &runtime,
                &app,
                "BatchIsAuthorized",
                &id,
                &batch,
                (BATCH, results),
            );
        }
    }
}

/// Sends a request again and again, whose answer has so many decisions and begins like this.
fn measure(
    c: &mut Criterion,
    runtime: &Runtime,
    app: &App,
    operation: &str,
    id: &BenchmarkId,
    body: &Value,
    (decisions, beginning): (usize, &[u8]),
) {
    let request = app.request(ADMIN, operation, body);
    let mut group = c.benchmark_group(operation);
    group.throughput(Throughput::Elements(decisions as u64));
    group.bench_function(id.clone(), |b| {
        b.iter(|| {
            let response = runtime.block_on(app.send(black_box(request.clone())));
            assert!(response.body().starts_with(beginning));
            response
        });
    });
    group.finish();
}

fn uid(kind: &str, id: &str) -> EntityUid {
    let json = json!({ "type": kind, "id": id });
    EntityUid::from_json(json).expect("an entity")
}

/// As many links of one template.
fn links(policies: usize) -> PolicySet {
    let template = PolicyId::new("template");
    let mut set = PolicySet::new();
    let parsed = Template::parse(Some(template.clone()), TEMPLATE).expect("a template");
    set.add_template(parsed).expect("a new template");
    for number in 0..policies {
        let slots = HashMap::from([
            (SlotId::principal(), uid("User", &user(number))),
            (SlotId::resource(), uid("Photo", &photo(number))),
        ]);
        let id = PolicyId::new(format!("policy-{number}"));
        set.link(template.clone(), id, slots).expect("a new link");
    }
    set
}

/// The question of [`LINKS`] to the plain library: entities and context are built once.
fn plain(c: &mut Criterion) {
    let (user, photo) = (user(1), photo(1));
    let entities = json!([
        { "uid": { "type": "User", "id": user }, "attrs": { "department": "hr" }, "parents": [] },
        {
            "uid": { "type": "Photo", "id": photo },
            "attrs": { "owner": { "__entity": { "type": "User", "id": user } } },
            "parents": [],
        },
    ]);
    let entities = Entities::from_json_value(entities, None).expect("entities");
    let ip = json!({ "__extn": { "fn": "ip", "arg": "10.0.0.7" } });
    let context = Context::from_json_value(json!({ "mfa": true, "ip": ip }), None);
    let action = uid("Action", "view");
    let (user, photo) = (uid("User", &user), uid("Photo", &photo));
    let request = Request::new(user, action, photo, context.expect("a context"), None);
    let request = request.expect("a request");
    let sizes: &[usize] = match (measures(), cfg!(feature = "million")) {
        (false, _) => &[10],
        (true, false) => &[10, 100, 1_000, 10_000],
        (true, true) => &[10, 100, 1_000, 10_000, 100_000],
    };
    let authorizer = Authorizer::new();
    let mut group = c.benchmark_group("cedar-policy");
    for &policies in sizes {
        let set = links(policies);
        group.bench_function(BenchmarkId::new(LINKS.name, policies), |b| {
            b.iter(|| {
                let answer = authorizer.is_authorized(black_box(&request), &set, &entities);
                assert_eq!(answer.decision(), Decision::Allow);
                answer
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_000));
    targets = decisions, plain
}
criterion_main!(benches);
