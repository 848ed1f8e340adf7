//! Reading query strings: plain ones, which go around the parser, and others.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up stops"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dialect::Dialect;

const CASES: &[(&str, &str)] = &[
    (
        "select",
        "SELECT id, name, created FROM app.users WHERE id = $1 AND state = 'open' LIMIT 1",
    ),
    (
        "insert",
        "INSERT INTO users (id, name, age) VALUES ($1, 'a name', 42) ON CONFLICT DO NOTHING",
    ),
    (
        "update",
        "UPDATE accounts SET balance = balance - 10 WHERE id = 'a1' RETURNING balance",
    ),
    ("begin", "BEGIN"),
    (
        "select for update",
        "SELECT id, name, created FROM app.users WHERE id = $1 FOR UPDATE",
    ),
    (
        "create table",
        "CREATE TABLE orders (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, \
         customer uuid NOT NULL REFERENCES customers (id), total numeric(10, 2), placed timestamptz)",
    ),
    (
        "create index",
        "CREATE INDEX ASYNC by_customer ON orders (customer) WHERE total > 0",
    ),
    (
        "aws iam",
        "AWS IAM GRANT app TO 'arn:aws:iam::111122223333:role/app'",
    ),
    (
        "create function",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $$ SELECT count(*) FROM t WHERE b = a $$",
    ),
];

fn rows(statement: &str, count: usize) -> String {
    let rows: Vec<String> = (0..count)
        .map(|at| format!("({at}, 'value {at}', NULL)"))
        .collect();
    format!("{statement} {}", rows.join(", "))
}

fn read(c: &mut Criterion) {
    let dialect = Dialect::default();
    let mut group = c.benchmark_group("read");
    for (name, text) in CASES {
        let script = dialect.read(text);
        let only = script.statements.first().expect("a statement");
        assert_eq!(only.refusal, None, "{name}");
        group.bench_with_input(BenchmarkId::from_parameter(name), text, |b, text| {
            b.iter(|| dialect.read(black_box(text)));
        });
    }
    group.finish();
}

fn long(c: &mut Criterion) {
    let dialect = Dialect::default();
    let mut group = c.benchmark_group("rows");
    group.sample_size(10);
    for (path, statement) in [
        ("fast", "INSERT INTO t (a, b, c) VALUES"),
        (
            "full",
            "WITH x AS (SELECT 1) INSERT INTO t (a, b, c) VALUES",
        ),
    ] {
        for count in [500, 3_000, 300_000] {
            let text = rows(statement, count);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::new(path, count), &text, |b, text| {
                b.iter(|| dialect.read(black_box(text)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, read, long);
criterion_main!(benches);
