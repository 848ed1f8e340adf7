//! CreatePolicy in process, durable, by the number of policies that there are: one client, and 16
//! at once that share commits; there a time is that of eight policies of each of the 16.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot be set up stops"
)]

mod filled;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use filled::{Filled, SIZES};
use tokio::task::JoinSet;

const CLIENTS: usize = 16;

/// Creations of each of the clients in one measurement.
const EACH: usize = 8;

fn create_policy(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let filled: Vec<_> = SIZES
        .iter()
        .map(|policies| {
            (
                *policies,
                Arc::new(runtime.block_on(Filled::with(*policies))),
            )
        })
        .collect();
    let mut group = c.benchmark_group("create_policy");
    group.sample_size(20).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_secs(1));
    let numbers = AtomicUsize::new(1);
    let next = || numbers.fetch_add(7_919, Ordering::Relaxed) % 1_000_000;
    for (policies, filled) in &filled {
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("one client", policies), |b| {
            b.iter(|| runtime.block_on(filled.create(next())));
        });
    }
    for (policies, filled) in &filled {
        group.throughput(Throughput::Elements((CLIENTS * EACH) as u64));
        group.bench_function(BenchmarkId::new("16 clients", policies), |b| {
            b.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| {
                        let first = next();
                        let start = now();
                        runtime.block_on(all_at_once(filled, first));
                        start.elapsed()
                    })
                    .sum()
            });
        });
    }
    group.finish();
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the real time"
)]
fn now() -> Instant {
    Instant::now()
}

async fn all_at_once(filled: &Arc<Filled>, first: usize) {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let filled = Arc::clone(filled);
        clients.spawn(async move {
            for at in 0..EACH {
                filled.create(first + client * 131 + at).await;
            }
        });
    }
    clients.join_all().await;
}

criterion_group!(benches, create_policy);
criterion_main!(benches);
