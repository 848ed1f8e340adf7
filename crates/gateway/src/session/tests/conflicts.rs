//! A session among others of its database: what becomes of its transaction when it meets one.

use crate::conflicts::{Conflicts, Injection, Party, Yield};
use crate::faults::Faults;
use crate::testing::{Databases, SeededEntropy};

use super::*;

const PROCESS: i32 = 4_711;
const PATIENCE: Duration = Duration::from_millis(100);
const WRITES: &str = "UPDATE t SET v = 1";

fn conflicts() -> Arc<Conflicts> {
    let backends = Arc::new(Databases::default());
    Arc::new(Conflicts::new("db", backends, PATIENCE))
}

fn party(conflicts: &Arc<Conflicts>) -> Party {
    let injection = Injection {
        faults: Arc::new(Faults::new(Vec::new(), Arc::new(SeededEntropy::default()))),
        cluster: "cluster".to_owned(),
    };
    conflicts.join(PROCESS, 815, injection)
}

/// A session whose backend is a script, and the conflicts that it takes part in.
fn meeting() -> (Ends, Arc<Conflicts>) {
    let conflicts = conflicts();
    let party = party(&conflicts);
    (session_of(|_| {}, Some(party)), conflicts)
}

fn note(text: &str) -> Vec<u8> {
    let fields = format!("SINFO\0VINFO\0CTL001\0M{text}\0D1099511627784\0\0");
    message(b'N', fields.as_bytes())
}

impl Ends {
    /// What the backend is asked for, up to the next `Sync` or `Query`, as text.
    async fn asked(&mut self) -> String {
        let mut all = Vec::new();
        loop {
            let head = get(&mut self.backend, frames::HEADER).await;
            let (tag, length) = frames::header(&head).unwrap();
            all.extend(head);
            all.extend(get(&mut self.backend, length - frames::HEADER).await);
            if matches!(tag, b'S' | b'Q') {
                return text(&all);
            }
        }
    }

    /// The backend says this, and the client hears nothing of it.
    async fn silently(&mut self, sent: &[Vec<u8>]) {
        self.backend.write_all(&sent.concat()).await.unwrap();
    }

    async fn begins(&mut self) {
        self.forwards(&[query("BEGIN")], &[query("BEGIN")]).await;
        let begun = [complete("BEGIN"), ready(b'T')];
        self.answers(&begun, &begun).await;
    }

    /// Begins a block, and writes in it.
    async fn writes(&mut self) {
        self.begins().await;
        self.client.write_all(&query(WRITES)).await.unwrap();
        let asked = self.asked().await;
        assert!(asked.contains("SAVEPOINT pg_treeline"), "{asked:?}");
        assert!(asked.contains(WRITES), "{asked:?}");
    }

    /// A block that writes, yields, and then finds that another was first.
    async fn loses(&mut self, conflicts: &Conflicts) {
        self.writes().await;
        let written = [complete("UPDATE 1"), ready(b'T')];
        let answer = [saved(), note("7 (0,1) (0,2) aa"), written.concat()];
        self.answers(&answer, &written).await;
        conflicts.ask(
            PROCESS,
            Yield {
                all: false,
                force: false,
            },
        );
        let asked = self.asked().await;
        assert!(
            asked.contains("ROLLBACK TO SAVEPOINT pg_treeline"),
            "{asked:?}"
        );
        self.silently(&done(1, b'T')).await;

        self.client.write_all(&query("COMMIT")).await.unwrap();
        let asked = self.asked().await;
        assert!(asked.contains("SAVEPOINT pg_treeline_commit"), "{asked:?}");
        self.silently(&done(1, b'T')).await;
        let asked = self.asked().await;
        assert!(asked.contains("images_apply"), "{asked:?}");
        assert!(asked.contains("the key"), "as a parameter: {asked:?}");
        self.silently(&[error("40001", "somebody was first"), ready(b'E')])
            .await;
        let asked = self.asked().await;
        assert!(
            asked.contains("ROLLBACK TO SAVEPOINT pg_treeline_commit"),
            "{asked:?}"
        );
        self.silently(&done(1, b'T')).await;
        // The COMMIT is replaced by what fails, and the transaction is ended.
        assert!(self.asked().await.contains(FAILING));
        assert!(self.asked().await.contains("ROLLBACK"));
        let told = [
            refused("40001", "change conflicts with another transaction (OC000)"),
            ready(b'I'),
        ];
        let answer = [failed(), ready(b'E'), complete("ROLLBACK"), ready(b'I')];
        self.answers(&answer, &told).await;
    }
}

/// The answers to statements of the gateway's own.
fn done(count: usize, status: u8) -> Vec<Vec<u8>> {
    let one = [
        message(b'3', b""),
        message(b'1', b""),
        message(b'3', b""),
        message(b'2', b""),
        complete("SELECT 1"),
    ];
    let mut all = one.concat().repeat(count);
    all.extend(ready(status));
    vec![all]
}

/// The answer to the savepoint before the first write.
fn saved() -> Vec<u8> {
    let parts = [message(b'3', b""), message(b'1', b""), message(b'2', b"")];
    [parts.concat(), complete("SAVEPOINT")].concat()
}

#[tokio::test]
async fn notes_of_what_is_written_stay_here() {
    let (mut ends, _conflicts) = meeting();
    ends.writes().await;
    let written = [complete("UPDATE 1"), ready(b'T')];
    let answer = [saved(), note("7 (0,1) (0,2) aa"), written.concat()];
    ends.answers(&answer, &written).await;
}

#[tokio::test]
async fn who_yields_gives_back_what_it_has_written_and_fails_at_commit() {
    let (mut ends, conflicts) = meeting();
    ends.loses(&conflicts).await;
    ends.works().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_lets_others_finish_first() {
    let (mut ends, conflicts) = meeting();
    ends.loses(&conflicts).await;
    let script = Dialect::default().read(WRITES);
    let key = unit::key(&script.statements[0], None);
    let ahead = conflicts.lanes.enter(key, true, PATIENCE).await;
    ends.begins().await;
    ends.client.write_all(&query(WRITES)).await.unwrap();
    let nothing = get(&mut ends.backend, 1);
    let waited = tokio::time::timeout(Duration::from_millis(10), nothing).await;
    assert!(waited.is_err(), "it has no snapshot yet");
    drop(ahead);
    let asked = ends.asked().await;
    assert!(asked.contains(WRITES), "{asked:?}");
}

#[tokio::test]
async fn a_change_of_the_catalog_ends_an_open_block_at_its_next_statement() {
    let (mut ends, conflicts) = meeting();
    ends.forwards(&[query("BEGIN")], &[query("BEGIN")]).await;
    let begun = [complete("BEGIN"), ready(b'T')];
    ends.answers(&begun, &begun).await;
    ends.forwards(&[query("SELECT 1")], &[query("SELECT 1")])
        .await;
    let answer = [columns(), row(), complete("SELECT 1"), ready(b'T')];
    ends.answers(&answer, &answer).await;
    conflicts.catalog_changed();
    ends.forwards(&[query("SELECT 1")], &[query(FAILING)]).await;
    let told = [
        refused(
            "40001",
            "schema has been updated by another transaction (OC001)",
        ),
        ready(b'E'),
    ];
    ends.answers(&[failed(), ready(b'E')], &told).await;
}

#[test]
fn a_commit_that_nobody_has_settled_does_not_pass() {
    // As it comes where messages are passed without care.
    let (mut state, rules) = (
        State::new(Duration::from_secs(300), Some(conflicts())),
        rules(),
    );
    let mut output = BytesMut::new();
    state
        .client(b'Q', &query("BEGIN").into(), &rules, &mut output)
        .unwrap();
    state.block.displaced();
    output.clear();
    state
        .client(b'Q', &query("COMMIT").into(), &rules, &mut output)
        .unwrap();
    assert!(text(&output).contains(FAILING), "{}", text(&output));
}

#[tokio::test]
async fn names_of_the_gateways_own_are_refused() {
    let (mut ends, _conflicts) = meeting();
    let sent = [parse("pg_treeline", "SELECT 1"), sync()];
    ends.forwards(&sent, &[parse("refused by the gateway", FAILING), sync()])
        .await;
    let told = [
        refused("42939", "the prefix \"pg_treeline\" is reserved"),
        ready(b'I'),
    ];
    ends.answers(&[failed(), ready(b'I')], &told).await;
}
