//! Sessions between a client and a backend that are both scripts: what each of them gets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use dialect::Dialect;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::frames;

mod conflicts;
mod limits;
mod statements;
mod transactions;
mod undone;

const FAILING: &str = "SELECT \"refused by the gateway\"";

/// The two ends of a session.
struct Ends {
    client: DuplexStream,
    backend: DuplexStream,
    session: JoinHandle<bool>,
    catalog_changes: Arc<AtomicUsize>,
}

fn rules() -> Rules {
    Rules {
        statements: Arc::new(Statements::new(Dialect::default())),
        message_limit: 1 << 20,
        transaction_limit: Duration::from_secs(300),
        session_limit: Duration::from_secs(3600),
        catalog_changed: Box::new(|| {}),
    }
}

fn session_with(change: impl FnOnce(&mut Rules)) -> Ends {
    session_of(change, None)
}

fn session_of(change: impl FnOnce(&mut Rules), party: Option<Party>) -> Ends {
    let (client, ours) = duplex(1 << 16);
    let (backend, theirs) = duplex(1 << 16);
    let catalog_changes = Arc::new(AtomicUsize::new(0));
    let changes = Arc::clone(&catalog_changes);
    let mut rules = rules();
    rules.catalog_changed = Box::new(move || {
        changes.fetch_add(1, Ordering::SeqCst);
    });
    change(&mut rules);
    let session = tokio::spawn(async move {
        let ending = std::future::pending();
        run(ours, theirs, &rules, party, ending).await
    });
    Ends {
        client,
        backend,
        session,
        catalog_changes,
    }
}

fn session() -> Ends {
    session_with(|_| {})
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut output = BytesMut::new();
    frames::message(&mut output, tag, &[body]);
    output.to_vec()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"].concat())
}

fn parse(name: &str, text: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{text}\0\0\0").as_bytes())
}

fn bind(portal: &str, name: &str) -> Vec<u8> {
    message(b'B', format!("{portal}\0{name}\0\0\0\0\0\0\0").as_bytes())
}

fn describe(portal: &str) -> Vec<u8> {
    message(b'D', format!("P{portal}\0").as_bytes())
}

fn execute(portal: &str) -> Vec<u8> {
    message(b'E', format!("{portal}\0\0\0\0\0").as_bytes())
}

fn sync() -> Vec<u8> {
    message(b'S', b"")
}

fn complete(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0").as_bytes())
}

fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

fn row() -> Vec<u8> {
    message(b'D', b"\0\x01\0\0\0\x01x")
}

fn columns() -> Vec<u8> {
    message(b'T', b"\0\x01name\0rest of it")
}

fn error(code: &str, text: &str) -> Vec<u8> {
    message(
        b'E',
        format!("SERROR\0VERROR\0C{code}\0M{text}\0\0").as_bytes(),
    )
}

/// What `stream` gets when `count` bytes have come.
async fn get(stream: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut bytes));
    read.await.expect("bytes come in time").unwrap();
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Ends {
    /// The client sends these messages, and the backend gets those.
    async fn forwards(&mut self, sent: &[Vec<u8>], got: &[Vec<u8>]) {
        self.client.write_all(&sent.concat()).await.unwrap();
        let got = got.concat();
        let bytes = get(&mut self.backend, got.len()).await;
        assert_eq!(text(&bytes), text(&got));
    }

    /// The backend sends these messages, and the client gets those.
    async fn answers(&mut self, sent: &[Vec<u8>], got: &[Vec<u8>]) {
        self.backend.write_all(&sent.concat()).await.unwrap();
        let got = got.concat();
        let bytes = get(&mut self.client, got.len()).await;
        assert_eq!(text(&bytes), text(&got));
    }

    /// The session works: nothing is left over on either side.
    async fn works(&mut self) {
        self.forwards(&[query("SELECT 1")], &[query("SELECT 1")])
            .await;
        let answer = [columns(), row(), complete("SELECT 1"), ready(b'I')];
        self.answers(&answer, &answer).await;
    }
}

fn refused(code: &str, message: &str) -> Vec<u8> {
    error(code, message)
}

fn failed() -> Vec<u8> {
    error("42703", "column \"refused by the gateway\" does not exist")
}

fn truncate_refused() -> Vec<u8> {
    refused("0A000", "unsupported statement: Truncate")
}
