//! Finding policies in process, by the number of policies that there are: ListPolicies with
//! filters, GetPolicy and BatchGetPolicy.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

mod filled;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use filled::{Filled, SIZES, call, photo, user};
use serde_json::{Value, json};

/// The filters, and whether they find anything.
fn filters(filled: &Filled) -> Vec<(&'static str, Value, bool)> {
    let unspecified = json!({ "unspecified": true });
    let template = &filled.template;
    vec![
        ("all", json!({}), true),
        ("principal", json!({ "principal": user(42) }), true),
        ("resource", json!({ "resource": photo(42) }), true),
        (
            "both",
            json!({ "principal": user(42), "resource": photo(42) }),
            true,
        ),
        ("template", json!({ "policyTemplateId": template }), true),
        (
            "template and principal",
            json!({ "policyTemplateId": template, "principal": user(42) }),
            true,
        ),
        ("linked", json!({ "policyType": "TEMPLATE_LINKED" }), true),
        ("static", json!({ "policyType": "STATIC" }), false),
        ("no principal", json!({ "principal": unspecified }), false),
        (
            "resource but no principal",
            json!({ "principal": unspecified, "resource": photo(42) }),
            false,
        ),
    ]
}

fn list_policies(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    let filled: Vec<_> = SIZES
        .iter()
        .map(|policies| (*policies, runtime.block_on(Filled::with(*policies))))
        .collect();
    let mut group = c.benchmark_group("list_policies");
    group.sample_size(20);
    let names = filled
        .first()
        .map(|(_, one)| filters(one))
        .unwrap_or_default();
    for at in 0..names.len() {
        for (policies, filled) in &filled {
            let (name, filter, finds) = filters(filled).swap_remove(at);
            group.bench_function(BenchmarkId::new(name, policies), |b| {
                b.iter(|| {
                    let found = runtime.block_on(filled.list(filter.clone()));
                    assert_eq!(found > 0, finds, "{name}");
                });
            });
        }
    }
    group.finish();
    let mut group = c.benchmark_group("get_policy");
    group.sample_size(20);
    for (policies, filled) in &filled {
        let some: Vec<Value> = runtime.block_on(async {
            let mut some = Vec::new();
            for number in 0..30 {
                some.push(filled.create(number * 997).await);
            }
            some
        });
        let store = &filled.policy_store;
        let one = json!({ "policyStoreId": store, "policyId": some.first() });
        group.bench_function(BenchmarkId::new("GetPolicy", policies), |b| {
            b.iter(|| runtime.block_on(call(&filled.app, "GetPolicy", &one)));
        });
        let items = some
            .iter()
            .map(|id| json!({ "policyStoreId": store, "policyId": id }));
        let batch = json!({ "requests": items.collect::<Vec<_>>() });
        group.bench_function(BenchmarkId::new("BatchGetPolicy of 30", policies), |b| {
            b.iter(|| runtime.block_on(call(&filled.app, "BatchGetPolicy", &batch)));
        });
    }
    group.finish();
}

criterion_group!(benches, list_policies);
criterion_main!(benches);
