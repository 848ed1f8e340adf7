//! Random transactions have the same results on memory and on SQLite.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::{Change, Position};

const KINDS: [&str; 2] = ["k", "l"];
const PARENTS: [&str; 3] = ["", "p", "q"];
const IDS: [&str; 5] = ["", "a", "B", "é", "\u{10000}"];
const FEED_LENGTH: i64 = 6;

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert,
    Put,
    Delete,
    DeleteChildren,
    Get,
    List {
        after: (i64, &'static str),
        limit: usize,
    },
    Changes {
        after: i64,
        limit: usize,
    },
}

#[derive(Clone, Debug)]
struct Statement {
    op: Op,
    kind: &'static str,
    parent: &'static str,
    id: &'static str,
}

/// Statements, and whether the transaction is kept.
type Transaction = (Vec<Statement>, bool);

fn statement() -> impl Strategy<Value = Statement> {
    let id = || proptest::sample::select(&IDS[..]);
    let op = prop_oneof![
        4 => Just(Op::Insert),
        4 => Just(Op::Put),
        3 => Just(Op::Delete),
        1 => Just(Op::DeleteChildren),
        1 => Just(Op::Get),
        2 => ((0..12_i64, id()), 0..4_usize).prop_map(|(after, limit)| Op::List { after, limit }),
        2 => (0..12_i64, 0..4_usize).prop_map(|(after, limit)| Op::Changes { after, limit }),
    ];
    let (kind, parent) = (
        proptest::sample::select(&KINDS[..]),
        proptest::sample::select(&PARENTS[..]),
    );
    (op, kind, parent, id()).prop_map(|(op, kind, parent, id)| Statement {
        op,
        kind,
        parent,
        id,
    })
}

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let transaction = (
        prop::collection::vec(statement(), 0..6),
        prop::bool::weighted(0.8),
    );
    prop::collection::vec(transaction, 1..12)
}

fn run_statement(tx: &mut dyn WriteTx, statement: &Statement, body: &str) -> String {
    let Statement {
        op,
        kind,
        parent,
        id,
    } = *statement;
    let new = document(kind, parent, id, body);
    let result = match op {
        Op::Insert => format!("{:?}", tx.insert(new)),
        Op::Put => format!("{:?}", tx.put(new)),
        Op::Delete => format!("{:?}", tx.delete(kind, parent, id)),
        Op::DeleteChildren => format!("{:?}", tx.delete_children(parent)),
        Op::Get => format!("{:?}", tx.get(kind, parent, id)),
        Op::List {
            after: (created, id),
            limit,
        } => {
            let after = Position {
                created: Revision::new(created),
                id: id.to_owned(),
            };
            format!("{:?}", tx.list(kind, parent, Some(&after), limit))
        }
        Op::Changes { after, limit } => format!("{:?}", tx.changes(Revision::new(after), limit)),
    };
    format!("{result} at {:?}", tx.revision())
}

#[derive(PartialEq, Debug)]
struct Everything {
    documents: Vec<(u64, Vec<Document>)>,
    feeds: Vec<Option<Vec<Change>>>,
    revision: Revision,
}

fn everything(tx: &dyn ReadTx) -> Result<Everything> {
    let mut documents = Vec::new();
    for (kind, parent) in KINDS
        .iter()
        .flat_map(|kind| PARENTS.map(|parent| (*kind, parent)))
    {
        let listed = tx.list(kind, parent, None, 999)?;
        let mut scanned = 0;
        tx.scan(kind, parent, &mut |shown| {
            scanned += 1;
            assert!(listed.iter().any(|document| document.id == shown.id));
            ControlFlow::Continue(())
        })?;
        assert_eq!(scanned, listed.len());
        documents.push((tx.count(kind, parent)?, listed));
    }
    let feeds = (0..15)
        .map(|after| tx.changes(Revision::new(after), 999).ok())
        .collect();
    Ok(Everything {
        documents,
        feeds,
        revision: tx.revision()?,
    })
}

/// What each transaction saw, and the state after it.
async fn run(store: Store, transactions: Vec<Transaction>) -> Vec<(Vec<String>, Everything)> {
    let mut seen = Vec::new();
    for (number, (statements, keep)) in transactions.into_iter().enumerate() {
        let (log, results) = std::sync::mpsc::channel();
        let work = move |tx: &mut dyn WriteTx| {
            for (at, statement) in statements.iter().enumerate() {
                let body = format!("[{number},{at}]");
                log.send(run_statement(tx, statement, &body)).unwrap();
            }
            if keep {
                Ok(())
            } else {
                Err(StoreError::AlreadyExists)
            }
        };
        assert_eq!(store.write(work).await.is_ok(), keep);
        seen.push((
            results.iter().collect(),
            store.read(everything).await.unwrap(),
        ));
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_and_sqlite_agree(transactions in transactions()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Store::sqlite_with(&folder.path().join("store.db"), FEED_LENGTH).unwrap();
        let memory = Store::memory_with(FEED_LENGTH);
        let (on_memory, on_sqlite) = runtime.block_on(async {
            (run(memory, transactions.clone()).await, run(sqlite, transactions).await)
        });
        prop_assert_eq!(on_memory, on_sqlite);
    }
}
