//! What was acknowledged survives `kill -9`, and nothing is half done.
//!
//! The test starts its own binary again as a child that writes without end, and kills it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

const DATABASE: &str = "TREELINE_CRASH_TEST_DATABASE";
const ROUND: &str = "TREELINE_CRASH_TEST_ROUND";
const WRITERS: usize = 4;

#[expect(
    clippy::disallowed_methods,
    reason = "how the parent tells its child what to do"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the test below"]
async fn child() {
    let (Some(database), Some(round)) = (variable(DATABASE), variable(ROUND)) else {
        return;
    };
    let store = open(Path::new(&database));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (store, round) = (store.clone(), round.clone());
        writers.spawn(async move {
            for n in 0.. {
                let id = format!("{round}-{writer}-{n}");
                let line = format!("acknowledged {id}\n");
                let work = move |tx: &mut dyn WriteTx| {
                    let body = format!("\"{id} {}\"", "x".repeat(n % 7 * 300));
                    tx.insert(document("left", "p", &id, &body))?;
                    tx.insert(document("right", "p", &id, &body))
                };
                store.write(work).await.unwrap();
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Runs the child until it was killed, and returns what it had acknowledged.
fn run_and_kill(database: &Path, round: usize, acknowledgements: usize, delay: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "tests::crash::child", "--nocapture"])
        .env(DATABASE, database)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids = Vec::new();
    for line in lines {
        let line = line.unwrap();
        ids.extend(line.strip_prefix("acknowledged ").map(str::to_owned));
        if ids.len() == acknowledgements {
            std::thread::sleep(Duration::from_micros(delay));
            child.kill().unwrap();
        }
    }
    assert!(
        !child.wait().unwrap().success(),
        "the child ended by itself"
    );
    assert!(ids.len() >= acknowledgements, "the child stopped early");
    ids
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("store.db");
    let mut acknowledged = BTreeSet::new();
    let mut random: u64 = 0x2545_f491_4f6c_dd1d;
    for round in 0..10 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (acknowledgements, delay) = (1 + random % 500, random / 500 % 3_000);
        acknowledged.extend(run_and_kill(
            &database,
            round,
            acknowledgements as usize,
            delay,
        ));

        let store = open(&database);
        let all = |kind| store.read(move |tx| tx.list(kind, "p", None, usize::MAX));
        let (left, right) = (all("left").await.unwrap(), all("right").await.unwrap());
        assert_eq!(left, right, "round {round}");
        let there: BTreeSet<String> = left.into_iter().map(|document| document.id).collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
        // At most one write of each writer was under way.
        assert!(
            there.len() <= acknowledged.len() + (round + 1) * WRITERS,
            "round {round}"
        );

        let changes = store
            .read(|tx| tx.changes(Revision::ZERO, usize::MAX))
            .await
            .unwrap();
        let revisions: Vec<i64> = changes.iter().map(|change| change.revision.get()).collect();
        let expected: Vec<i64> = (1..=there.len() as i64).flat_map(|n| [n, n]).collect();
        assert_eq!(revisions, expected, "round {round}");
    }
}
