//! From opening a database file to the first decision over a policy store of template-linked
//! policies in it. The file is in the system's cache.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

#[expect(dead_code, reason = "one shape is enough here")]
mod shapes;

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use serde_json::Value;
use shapes::{LINKS, call, measures};
use store::Store;
use testkit::App;
use verified_permissions::Options;

fn sizes() -> &'static [usize] {
    match (measures(), cfg!(feature = "million")) {
        (false, _) => &[100],
        (true, false) => &[100, 10_000],
        (true, true) => &[100, 100_000, 1_000_000],
    }
}

/// How long it takes; closing is not part of it.
async fn first_decision(file: &Path, question: &Value) -> Duration {
    let start = now();
    let data = Store::sqlite(file).expect("a database");
    let app = App::over(data.clone(), Options::default());
    let answer = call(&app, "IsAuthorized", question).await;
    let took = start.elapsed();
    assert_eq!(answer["decision"], "ALLOW");
    drop(app);
    data.close().await;
    took
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring time is what this is for"
)]
fn now() -> Instant {
    Instant::now()
}

fn cold_start(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut group = c.benchmark_group("cold start");
    group.sampling_mode(SamplingMode::Flat);
    for &policies in sizes() {
        let file = folder.path().join(format!("{policies}.db"));
        let store = runtime.block_on(async {
            let data = Store::sqlite(&file).expect("a database");
            let store = LINKS.fill(&data, policies).await;
            data.close().await;
            store
        });
        let question = LINKS.question(&store);
        group.bench_function(BenchmarkId::new(LINKS.name, policies), |b| {
            b.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| runtime.block_on(first_decision(&file, &question)))
                    .sum()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_secs(2));
    targets = cold_start
}
criterion_main!(benches);
