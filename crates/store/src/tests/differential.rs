//! Random transactions have the same results on memory and on SQLite.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::{Change, ListKey, Position};

const KINDS: [&str; 2] = ["k", "l"];
const PARENTS: [&str; 3] = ["", "p", "q"];
const IDS: [&str; 5] = ["", "a", "B", "é", "\u{10000}"];
const FEED_LENGTH: i64 = 6;

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert,
    Put,
    InsertKeyed(u8),
    PutKeyed(u8),
    Keyed {
        key: u8,
        from: (i64, &'static str),
        limit: usize,
    },
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
        4 => (0..8_u8).prop_map(Op::InsertKeyed),
        3 => (0..8_u8).prop_map(Op::PutKeyed),
        2 => (0..3_u8, (0..12_i64, id()), 0..4_usize)
            .prop_map(|(key, from, limit)| Op::Keyed { key, from, limit }),
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

/// The keys whose bits are set.
fn keys(bits: u8) -> Vec<ListKey> {
    (0..3)
        .filter(|bit| bits & (1 << bit) != 0)
        .map(key)
        .collect()
}

fn key(number: u8) -> ListKey {
    ListKey::of(&["key", &number.to_string()])
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
        Op::InsertKeyed(bits) => {
            let keys = keys(bits);
            let keys = Some(&keys[..]);
            format!("{:?}", tx.insert(NewDocument { keys, ..new }))
        }
        Op::PutKeyed(bits) => {
            let keys = keys(bits);
            let keys = Some(&keys[..]);
            format!("{:?}", tx.put(NewDocument { keys, ..new }))
        }
        Op::Keyed {
            key: number,
            from: (created, id),
            limit,
        } => {
            let from = Position {
                created: Revision::new(created),
                id: id.to_owned(),
            };
            format!("{:?}", tx.positions(parent, key(number), &from, limit))
        }
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
    keyed: Vec<Vec<Position>>,
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
    let start: Position = "0.".parse().unwrap();
    let keyed = PARENTS
        .iter()
        .flat_map(|parent| (0..3).map(move |number| (*parent, key(number))))
        .map(|(parent, key)| tx.positions(parent, key, &start, 999))
        .collect::<Result<_>>()?;
    let feeds = (0..15)
        .map(|after| tx.changes(Revision::new(after), 999).ok())
        .collect();
    Ok(Everything {
        documents,
        keyed,
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
