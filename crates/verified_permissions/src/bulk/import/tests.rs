use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use frontdoor::Scope;
use serde_json::json;
use store::{ReadTx, Store, StoreError};
use testkit::{ManualClock, SeededEntropy};

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
        let service = VerifiedPermissions::new(self.store.clone(), entropy, self.options.clone());
        let clock = ManualClock::new(base::Timestamp::from_unix_micros(1_767_225_600_123_456));
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
    items.sort_by_key(|item| match item.kind() {
        crate::bulk::Kind::Schema => 0,
        crate::bulk::Kind::Template => 1,
        crate::bulk::Kind::Policy | crate::bulk::Kind::Link => 2,
    });
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

#[tokio::test]
async fn a_second_import_changes_nothing() {
    let schema = json!({ "N": {
        "entityTypes": { "User": {}, "Photo": {} },
        "actions": { "view": { "appliesTo": { "principalTypes": ["User"], "resourceTypes": ["Photo"] } } },
    } });
    for strict in [false, true] {
        let mut scene = Scene::new();
        scene.strict = strict;
        let (schema, template, links) = (schema.to_string(), template(), links(20));
        let named = format!("@id(\"x\") {FORBID}\n{STATIC}");
        let set = json!({ "templates": {}, "staticPolicies": {
            "p": { "effect": "permit", "principal": { "op": "is", "entity_type": "N::User" },
                   "action": { "op": "All" }, "resource": { "op": "All" }, "conditions": [] },
        }, "templateLinks": [] });
        let known = json!({ "policyId": "given", "definition": { "static": {
            "description": "d", "statement": "forbid (principal, action, resource is N::Photo);",
        } } });
        let files = [
            ("schema.json", schema.as_str()),
            ("t.cedar", &template),
            ("links.jsonl", &links),
            ("p.cedar", &named),
            ("set.json", &set.to_string()),
            ("aws.json", &known.to_string()),
        ];
        let first = scene.ok(&files, ImportOptions::default()).await;
        assert_eq!(tally(&first), [26, 0, 0, 0], "{strict}");
        let written = scene.files();
        let second = scene.ok(&files, ImportOptions::default()).await;
        assert_eq!(tally(&second), [0, 0, 26, 0], "{strict}");
        assert_eq!(scene.files(), written);
        assert!(written["policies.cedar"].contains("\"policyId\":\"given\""));
        // Nor when the files are those of the export, which know the ids, and all else is removed.
        let exported: Vec<(&str, &str)> = written
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let delete = ImportOptions {
            delete: true,
            ..ImportOptions::default()
        };
        assert_eq!(
            tally(&scene.ok(&exported, delete).await),
            [0, 0, 26, 0],
            "{strict}"
        );
        assert_eq!(
            tally(&scene.ok(&files, delete).await),
            [0, 0, 26, 0],
            "{strict}"
        );
    }
}

#[tokio::test]
async fn an_export_imported_into_an_empty_store_exports_the_same_bytes() {
    let mut scene = Scene::new();
    let odd = json!({ "policyId": "odd", "name": "name/odd", "definition": { "static": {
        "description": "two\nlines, \"quoted\"", "statement": format!("{STATIC} // after the end"),
    } } });
    let spaces = json!({ "static": { "statement": format!("\n{FORBID}\n \n") } });
    let misleading = json!({ "static": { "statement": format!("permit (principal,\n//@ {{}}\n action, resource);\n") } });
    let odd_template = json!({ "policyTemplateId": "o", "statement": format!("{TEMPLATE} // x") });
    let schema = json!({ "N": { "entityTypes": { "B": {}, "A": {} }, "actions": {} } });
    let files = [
        (
            "a.jsonl",
            format!("{odd}\n{spaces}\n{misleading}\n{odd_template}\n{schema}"),
        ),
        ("t.cedar", template()),
        ("links.jsonl", links(10)),
        (
            "p.cedar",
            format!("// why\n@id(\"y\")\n{STATIC}\n\n@other(\"z\") {FORBID}"),
        ),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    scene.ok(&files, ImportOptions::default()).await;
    for one_file in [false, true] {
        let written = scene.export(one_file);
        let files: Vec<(&str, &str)> = written
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let mut empty = Scene::new();
        let counts = empty.ok(&files, ImportOptions::default()).await;
        assert_eq!(tally(&counts), [18, 0, 0, 0]);
        assert_eq!(empty.export(one_file), written);
        assert_eq!(empty.files(), scene.files());
        assert_eq!(
            written.len(),
            if one_file { 1 } else { 6 },
            "{:?}",
            written.keys()
        );
    }
}

#[tokio::test]
async fn things_are_updated_by_id_and_by_name() {
    let mut scene = Scene::new();
    let before =
        format!("@id(\"x\") {STATIC}\n//@ {{\"policyId\":\"i\",\"name\":\"name/i\"}}\n{STATIC}");
    let user = |name: &str| {
        json!({ "policyId": "l", "policyTemplateId": "name/t",
                "principal": { "entityType": "N::User", "entityId": name },
                "resource": { "entityType": "N::Photo", "entityId": "p" } })
    };
    let (template, link) = (template(), user("alice").to_string());
    let files = [
        ("t.cedar", template.as_str()),
        ("p.cedar", &before),
        ("l.json", &link),
    ];
    assert_eq!(
        tally(&scene.ok(&files, ImportOptions::default()).await),
        [4, 0, 0, 0]
    );
    // Another effect, which UpdatePolicy would not change; another name; another principal;
    // another condition of the template.
    let after =
        format!("@id(\"x\") {FORBID}\n//@ {{\"policyId\":\"i\",\"name\":\"name/j\"}}\n{STATIC}");
    let (template, link) = (
        template.replace(';', " when { true };"),
        user("bob").to_string(),
    );
    let files = [
        ("t.cedar", template.as_str()),
        ("p.cedar", &after),
        ("l.json", &link),
    ];
    let (finished, differences, _) = scene.run(&files, ImportOptions::default(), 3).await;
    assert_eq!(tally(&finished.unwrap()), [0, 4, 0, 0]);
    let called: Vec<_> = differences
        .iter()
        .map(|one| (one.how, one.called.as_deref()))
        .collect();
    let expected = ["name/t", "name/x", "name/j", "l"].map(|name| (How::Updated, Some(name)));
    assert_eq!(called, expected);
    assert_eq!(
        tally(&scene.ok(&files, ImportOptions::default()).await),
        [0, 0, 4, 0]
    );
    let written = scene.files();
    assert!(
        written["policies.cedar"].contains("name/j")
            && !written["policies.cedar"].contains("name/i")
    );
    assert!(written["links.jsonl"].contains("bob"));
    // A template's links depend on its scope.
    let other = "@id(\"t\") permit (principal == ?principal, action, resource in ?resource);";
    let (at, message) = scene.refused(&[("t.cedar", other)]).await;
    assert_eq!(at.as_deref(), Some("t.cedar:1"));
    assert!(
        message.contains("You can't change the resource"),
        "{message}"
    );
}

#[tokio::test]
async fn a_dry_run_says_what_an_import_would_do_and_does_nothing() {
    let mut scene = Scene::new();
    let dry = ImportOptions {
        dry_run: true,
        delete: true,
        ..ImportOptions::default()
    };
    let (template, links) = (template(), links(10));
    let files = [("t.cedar", template.as_str()), ("links.jsonl", &links)];
    for _ in 0..2 {
        let (finished, differences, _) = scene.run(&files, dry, 3).await;
        assert_eq!(tally(&finished.unwrap()), [11, 0, 0, 0]);
        assert_eq!(differences.len(), 11);
        assert!(scene.files().is_empty());
    }
    scene.ok(&files, ImportOptions::default()).await;
    let written = scene.files();
    let shorter: String = links
        .lines()
        .skip(4)
        .map(|line| format!("{line}\n"))
        .collect();
    let files = [
        ("t.cedar", template.as_str()),
        ("links.jsonl", &shorter),
        ("p.cedar", STATIC),
    ];
    assert_eq!(tally(&scene.ok(&files, dry).await), [1, 0, 7, 4]);
    assert_eq!(scene.files(), written);
}

#[tokio::test]
async fn what_the_files_do_not_have_is_removed_only_on_request() {
    let mut scene = Scene::new();
    let other = format!("@id(\"u\") {TEMPLATE}");
    let all = [
        ("t.cedar", template()),
        ("u.cedar", other),
        ("links.jsonl", links(5)),
        ("p.cedar", format!("{STATIC}\n@id(\"x\") {FORBID}")),
    ];
    let files: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    scene.ok(&files, ImportOptions::default()).await;
    let delete = ImportOptions {
        delete: true,
        ..ImportOptions::default()
    };
    // The links use the template, although the files do not have it.
    let links = links(2);
    let less = [("links.jsonl", links.as_str()), ("p.cedar", STATIC)];
    assert_eq!(
        tally(&scene.ok(&less, ImportOptions::default()).await),
        [0, 0, 3, 0]
    );
    let counts = scene.ok(&less, delete).await;
    assert_eq!(tally(&counts), [0, 0, 3, 5]);
    assert_eq!(
        (
            counts.templates.deleted,
            counts.links.deleted,
            counts.policies.deleted
        ),
        (1, 3, 1)
    );
    let written = scene.files();
    assert!(
        written["templates.cedar"].contains("name/t")
            && !written["templates.cedar"].contains("name/u")
    );
    // Names and bytes are free again.
    assert_eq!(tally(&scene.ok(&files, delete).await), [5, 0, 4, 0]);
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on() {
    let mut scene = Scene::new();
    let (template, links) = (template(), links(30));
    let cut: String = links
        .lines()
        .take(17)
        .map(|line| format!("{line}\n"))
        .collect();
    let files = |links| vec![("t.cedar", template.as_str()), ("links.jsonl", links)];
    // Whole batches are there, the last is not.
    let broken = cut.clone()
        + "{\"policyTemplateId\":\"none\",\"principal\":{\"entityType\":\"U\",\"entityId\":\"a\"}}";
    let (finished, _, counts) = scene
        .run(&files(&broken), ImportOptions::default(), 4)
        .await;
    let failure = finished.unwrap_err();
    assert_eq!(failure.at.as_deref(), Some("links.jsonl:18"));
    assert_eq!(
        failure.message,
        "The policy template `none` does not exist."
    );
    assert_eq!(tally(&counts), [16, 0, 0, 0]);
    assert_eq!(scene.files()["links.jsonl"].lines().count(), 15);
    assert_eq!(
        tally(&scene.ok(&files(&links), ImportOptions::default()).await),
        [15, 0, 16, 0]
    );
}

#[tokio::test]
async fn the_rules_of_the_service_hold() {
    let long = format!(
        "permit (principal, action, resource) when {{ \"{}\" == \"\" }};",
        "a".repeat(10_000)
    );
    let many: String = (0..41)
        .map(|n| format!("@id(\"t{n}\") {TEMPLATE}\n"))
        .collect();
    let of_photo = |n| {
        format!(
            "@id(\"{n}\") permit (principal == User::\"{n}\", action, resource == Photo::\"p\");\n"
        )
    };
    let too_much: String = (0..8).map(of_photo).collect();
    let link = |member: &str| format!("{{\"policyTemplateId\":\"name/t\",{member}}}");
    let (both, template) = (
        link(
            "\"principal\":{\"entityType\":\"A b\",\"entityId\":\"x\"},\"resource\":{\"entityType\":\"R\",\"entityId\":\"x\"}",
        ),
        template(),
    );
    let one = link("\"principal\":{\"entityType\":\"A\",\"entityId\":\"x\"}");
    for (files, at, message) in [
        (
            vec![("a.cedar", long.as_str())],
            "a.cedar:1",
            "A policy can have at most 10000 bytes.",
        ),
        (
            vec![("a.cedar", &many)],
            "a.cedar:41",
            "A policy store can have at most 40 policy templates.",
        ),
        (
            vec![("a.cedar", &too_much)],
            "a.cedar:8",
            "The policies for the resource `Photo::\"p\"` can have at most 500 bytes together.",
        ),
        (
            vec![(
                "a.cedar",
                "permit (principal == ?principal, action, resource);",
            )],
            "a.cedar:1",
            "The resource of a policy template's scope must be constrained.",
        ),
        (
            vec![("t.cedar", &template), ("a.jsonl", &one)],
            "a.jsonl:1",
            "Invalid Parameter: resource",
        ),
        (
            vec![("t.cedar", &template), ("a.jsonl", &both)],
            "a.jsonl:1",
            "Invalid Parameter: principal",
        ),
        (
            vec![(
                "a.json",
                "{\"N\":{\"entityTypes\":{\"A\":{\"memberOfTypes\":[\"B\"]}},\"actions\":{}}}",
            )],
            "a.json:1",
            "failed to resolve type",
        ),
        (
            vec![
                ("a.json", "{\"N\":{\"entityTypes\":{},\"actions\":{}}}"),
                ("b.json", "{\"M\":{\"entityTypes\":{},\"actions\":{}}}"),
            ],
            "b.json:1",
            "the files say something else about the same id or name before",
        ),
        (
            vec![(
                "a.cedar",
                &format!("@id(\"x\") {STATIC}\n@id(\"x\") {FORBID}"),
            )],
            "a.cedar:2",
            "the files say something else about the same id or name before",
        ),
    ] {
        let mut scene = Scene::new();
        scene.options.quotas.policy_bytes_per_resource =
            if at == "a.cedar:8" { 500 } else { 200_000 };
        let (found, text) = scene.refused(&files).await;
        assert_eq!(found.as_deref(), Some(at), "{text}");
        assert!(text.starts_with(message), "{text}");
        assert!(scene.files().is_empty(), "nothing of the batch is there");
    }
}

#[tokio::test]
async fn the_quota_of_bytes_counts_over_batches_and_in_dry_runs() {
    let of = |n: usize| {
        format!(
            "@id(\"{n}\") permit (principal == User::\"{n}\", action, resource == Photo::\"p\");\n"
        )
    };
    let text: String = (0..8).map(of).collect();
    for dry_run in [true, false] {
        let mut scene = Scene::new();
        scene.options.quotas.policy_bytes_per_resource = 500;
        let options = ImportOptions {
            dry_run,
            ..ImportOptions::default()
        };
        let (finished, _, counts) = scene.run(&[("a.cedar", &text)], options, 2).await;
        let failure = finished.unwrap_err();
        assert_eq!(tally(&counts), [6, 0, 0, 0], "{dry_run}");
        assert_eq!(failure.at.as_deref(), Some("a.cedar:8"));
    }
    // Less of an old text makes room for a new one.
    let mut scene = Scene::new();
    scene.options.quotas.policy_bytes_per_resource = 500;
    let text: String = (0..6).map(of).collect();
    scene
        .ok(&[("a.cedar", &text)], ImportOptions::default())
        .await;
    let text: String = (0..6)
        .map(|n| of(n).replace("Photo::\"p\"", "Photo::\"q\""))
        .collect();
    assert_eq!(
        tally(
            &scene
                .ok(&[("a.cedar", &text)], ImportOptions::default())
                .await
        ),
        [0, 6, 0, 0]
    );
}

#[tokio::test]
async fn links_are_validated_as_the_service_does() {
    let schema = json!({ "N": {
        "entityTypes": { "User": {}, "Photo": {}, "Album": {} },
        "actions": { "view": { "appliesTo": { "principalTypes": ["User"], "resourceTypes": ["Photo"] } } },
    } })
    .to_string();
    let template = format!("@id(\"t\") {TEMPLATE}");
    let link = |resource: &str, n: usize| {
        json!({ "policyTemplateId": "name/t",
                "principal": { "entityType": "N::User", "entityId": n.to_string() },
                "resource": { "entityType": resource, "entityId": n.to_string() } })
        .to_string()
    };
    for (resource, fault) in [
        ("N::Photo", None),
        ("N::Album", Some("unable to find an applicable action")),
        ("N::Nothing", Some("unrecognized entity type `N::Nothing`")),
    ] {
        let mut scene = Scene::new();
        scene.strict = true;
        let lines = format!(
            "{}\n{}\n{}",
            link("N::Photo", 1),
            link("N::Photo", 2),
            link(resource, 3)
        );
        let files = [
            ("s.json", schema.as_str()),
            ("t.cedar", &template),
            ("l.jsonl", &lines),
        ];
        let (finished, ..) = scene.run(&files, ImportOptions::default(), 100).await;
        match (finished, fault) {
            (Ok(counts), None) => assert_eq!(counts.links.created, 3),
            (Err(failure), Some(fault)) => {
                assert_eq!(failure.at.as_deref(), Some("l.jsonl:3"));
                assert!(failure.message.contains(fault), "{}", failure.message);
            }
            (finished, _) => panic!("{resource}: {finished:?}"),
        }
    }
    let mut scene = Scene::new();
    scene.strict = true;
    let (at, message) = scene.refused(&[("t.cedar", &template)]).await;
    assert_eq!(at.as_deref(), Some("t.cedar:1"));
    assert!(message.starts_with("No schema present"), "{message}");
}

#[tokio::test]
async fn there_has_to_be_a_policy_store() {
    let service = VerifiedPermissions::new(
        Store::memory(),
        Arc::new(SeededEntropy::new(1)),
        Options::default(),
    );
    let clock = Arc::new(ManualClock::new(base::Timestamp::from_unix_micros(0)));
    let into = Destination {
        scope: scope(),
        policy_store_id: "S".to_owned(),
        create: None,
    };
    let begun = Import::begin(&Arc::new(service), clock, into, ImportOptions::default()).await;
    let Err(failure) = begun else {
        panic!("it began")
    };
    assert_eq!(failure.message, "there is no policy store `S`");
}
