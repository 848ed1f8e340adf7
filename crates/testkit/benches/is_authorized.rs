//! IsAuthorized in process, signature and encoding included, by the number of policies: one
//! template-linked policy for each user and photo, of which one matches.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use testkit::{ADMIN, App};

async fn call(app: &App, operation: &str, body: &Value) -> Value {
    let response = app.send(app.request(ADMIN, operation, body)).await;
    let body = serde_json::from_slice(response.body()).expect("a JSON body");
    assert!(response.status().is_success(), "{operation}: {body}");
    body
}

async fn store_with(app: &App, policies: usize) -> Value {
    let settings = json!({ "validationSettings": { "mode": "OFF" } });
    let store = call(app, "CreatePolicyStore", &settings).await["policyStoreId"].clone();
    let statement = "permit(principal == ?principal, action, resource == ?resource);";
    let template = json!({ "policyStoreId": store, "statement": statement });
    let template = call(app, "CreatePolicyTemplate", &template).await;
    for at in 0..policies {
        let link = json!({
            "policyTemplateId": template["policyTemplateId"],
            "principal": { "entityType": "User", "entityId": format!("user-{at}") },
            "resource": { "entityType": "Photo", "entityId": format!("photo-{at}") },
        });
        let policy = json!({ "policyStoreId": store, "definition": { "templateLinked": link } });
        call(app, "CreatePolicy", &policy).await;
    }
    store
}

fn is_authorized(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .expect("a runtime");
    let mut group = c.benchmark_group("IsAuthorized");
    group.sample_size(20);
    for policies in [10, 1_000, 10_000] {
        let app = App::new();
        let store = runtime.block_on(store_with(&app, policies));
        let mut question = testkit::question("user-3", "photo-3");
        question["policyStoreId"] = store;
        let request = app.request(ADMIN, "IsAuthorized", &question);
        group.bench_function(BenchmarkId::from_parameter(policies), |b| {
            b.iter(|| {
                let response = runtime.block_on(app.send(black_box(request.clone())));
                assert!(response.body().starts_with(br#"{"decision":"ALLOW""#));
                response
            });
        });
    }
    group.finish();
}

criterion_group!(benches, is_authorized);
criterion_main!(benches);
