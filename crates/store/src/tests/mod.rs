//! The contract that every backend keeps, and what is particular to one.

mod contract;
mod crash;
mod differential;
mod faults;
mod sqlite;

use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::Pin;
use std::task::Poll;

use serde::{Deserialize, Serialize};

use crate::{Document, NewDocument, ReadTx, Record, Revision, Store, StoreError, WriteTx};

type Result<T> = std::result::Result<T, StoreError>;

fn document<'a>(kind: &'a str, parent: &'a str, id: &'a str, body: &'a str) -> NewDocument<'a> {
    NewDocument {
        kind,
        parent,
        id,
        version: 1,
        body,
        keys: None,
    }
}

/// A document of no interest but for its id.
fn named(id: &str) -> NewDocument<'_> {
    document("policy", "store", id, "{}")
}

fn ids(documents: &[Document]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document.id.as_str())
        .collect()
}

async fn insert(store: &Store, id: &str) -> Revision {
    let id = id.to_owned();
    store.write(move |tx| tx.insert(named(&id))).await.unwrap()
}

async fn get(store: &Store, id: &str) -> Option<Document> {
    let id = id.to_owned();
    store
        .read(move |tx| tx.get("policy", "store", &id))
        .await
        .unwrap()
}

async fn revision(store: &Store) -> i64 {
    store.read(|tx| tx.revision()).await.unwrap().get()
}

fn open(path: &Path) -> Store {
    Store::sqlite(path).unwrap()
}

type Started<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Queues a write, and returns what waits for its answer.
async fn start<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut dyn WriteTx) -> Result<T> + Send + 'static,
) -> Started<T> {
    let store = store.clone();
    let mut future: Started<T> = Box::pin(async move { store.write(work).await });
    let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    assert!(polled.is_pending(), "a write was answered at once");
    future
}

/// Keeps the writer thread busy until the sender is dropped or used.
async fn block(store: &Store) -> (std::sync::mpsc::Sender<()>, Started<()>) {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (running, started) = tokio::sync::oneshot::channel();
    let write = start(store, move |_| {
        running.send(()).unwrap();
        let _ = blocked.recv();
        Ok(())
    });
    let write = write.await;
    started.await.unwrap();
    (release, write)
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Template {
    text: String,
    number: u32,
}

impl Record for Template {
    const KIND: &'static str = "template";
    const VERSION: u32 = 2;

    fn from_body(version: u32, body: &str) -> serde_json::Result<Self> {
        // Version 1 was the text alone.
        match version {
            1 => Ok(Self {
                text: serde_json::from_str(body)?,
                number: 0,
            }),
            _ => serde_json::from_str(body),
        }
    }
}
