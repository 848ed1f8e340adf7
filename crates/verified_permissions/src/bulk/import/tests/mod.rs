//! Imports into a policy store in memory.

mod contents;
mod outcomes;
mod rules;

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use frontdoor::Scope;
use serde_json::json;
use store::{ReadTx, Store, StoreError};
use testkit::{ManualClock, SeededEntropy, identity_providers};

use super::{Batch, Destination, Failure, Import, ImportOptions};
use crate::bulk::{Counts, Difference, Event, Format, How, Item, NewStore, Output, export, read};
use crate::state::{Options, VerifiedPermissions};

const STATIC: &str = "permit (principal, action, resource);";
const FORBID: &str = "forbid (principal, action, resource);";
const TEMPLATE: &str = "permit (principal == ?principal, action, resource == ?resource);";

/// A policy store in memory, and how to import into it.
struct Scene {
    store: Store,
    options: Options,
    strict: bool,
    seed: u64,
}

impl Scene {
    fn new() -> Self {
        Self {
            store: Store::memory(),
            options: Options::default(),
            strict: false,
            seed: 1,
        }
    }

    /// Imports files, of which each batch has `size` items, with differences told.
    async fn run(
        &mut self,
        files: &[(&str, &str)],
        options: ImportOptions,
        size: usize,
    ) -> (Result<Counts, Failure>, Vec<Difference>, Counts) {
        self.seed += 1;
        let entropy = Arc::new(SeededEntropy::new(self.seed));
        let clock = ManualClock::new(base::Timestamp::from_unix_micros(1_767_225_600_123_456));
        let providers = identity_providers(&clock);
        let (store, service_options) = (self.store.clone(), self.options.clone());
        let service = VerifiedPermissions::new(store, entropy, providers, service_options);
        let into = Destination {
            scope: scope(),
            policy_store_id: "S".to_owned(),
            create: Some(NewStore {
                strict: self.strict,
                alias: None,
            }),
        };
        let options = ImportOptions {
            differences: usize::MAX,
            ..options
        };
        let begun = Import::begin(&Arc::new(service), Arc::new(clock), into, options).await;
        let mut import = match begun {
            Ok(import) => import,
            Err(failure) => return (Err(failure), Vec::new(), Counts::default()),
        };
        let mut events = Vec::new();
        let items = items(files);
        for chunk in items.chunks(size) {
            let mut batch = Batch::default();
            for item in chunk {
                batch.push(item.clone());
            }
            match import.put(batch).await {
                Ok(told) => events.extend(told),
                Err(failure) => return (Err(failure), differences(&events), import.counts()),
            }
        }
        let finished = import.finish(|told| events.extend(told)).await;
        let counts = match &finished {
            Ok(counts) | Err((_, counts)) => *counts,
        };
        (
            finished.map_err(|(failure, _)| failure),
            differences(&events),
            counts,
        )
    }

    async fn ok(&mut self, files: &[(&str, &str)], options: ImportOptions) -> Counts {
        let (finished, ..) = self.run(files, options, 3).await;
        finished.unwrap()
    }

    async fn refused(&mut self, files: &[(&str, &str)]) -> (Option<String>, String) {
        let (finished, ..) = self.run(files, ImportOptions::default(), 100).await;
        let failure = finished.unwrap_err();
        (failure.at, failure.message)
    }

    /// The policy store as files.
    fn files(&self) -> BTreeMap<&'static str, String> {
        self.export(false)
    }

    fn export(&self, one_file: bool) -> BTreeMap<&'static str, String> {
        let store = self.store.clone();
        let read = async move {
            let read = store.read(move |tx: &dyn ReadTx| {
                let mut files = Memory {
                    one_file,
                    files: BTreeMap::new(),
                };
                export(tx, "S", &mut files).unwrap();
                Ok::<_, StoreError>(files.files)
            });
            read.await.unwrap()
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(read)
        })
        .join()
        .unwrap()
    }
}

struct Memory {
    one_file: bool,
    files: BTreeMap<&'static str, String>,
}

impl Output for Memory {
    fn is_one_file(&self) -> bool {
        self.one_file
    }

    fn write(&mut self, file: &'static str, text: &str) -> io::Result<()> {
        let name = if self.one_file { "all.jsonl" } else { file };
        *self.files.entry(name).or_default() += text;
        Ok(())
    }
}

fn scope() -> Scope {
    Scope {
        region: "us-east-1".parse().unwrap(),
        account: "000000000000".parse().unwrap(),
    }
}

/// The items of files in the order in which they have to be put.
fn items(files: &[(&str, &str)]) -> Vec<Item> {
    let mut items = Vec::new();
    for (name, text) in files {
        let format = Format::of(name.as_ref()).unwrap();
        read(format, name, &mut text.as_bytes(), &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        })
        .unwrap();
    }
    items.sort_by_key(Item::turn);
    items
}

fn differences(events: &[Event]) -> Vec<Difference> {
    let difference = |event: &Event| match event {
        Event::Difference(difference) => Some(difference.clone()),
        Event::Progress(_) | Event::Finished(_) | Event::Failed { .. } => None,
    };
    events.iter().filter_map(difference).collect()
}

/// Created, updated, unchanged and deleted, of all kinds together.
fn tally(counts: &Counts) -> [u64; 4] {
    let total = counts.total();
    [total.created, total.updated, total.unchanged, total.deleted]
}

fn links(count: usize) -> String {
    let link = |index: usize| {
        let user = json!({ "entityType": "N::User", "entityId": format!("u{}", index % 7) });
        let photo = json!({ "entityType": "N::Photo", "entityId": format!("p{index}") });
        json!({ "policyTemplateId": "name/t", "principal": user, "resource": photo }).to_string()
    };
    (0..count).map(|index| link(index) + "\n").collect()
}

fn template() -> String {
    format!("@id(\"t\") {TEMPLATE}")
}
