//! Things that only their content identifies, while the same import changes others.

use super::*;

fn with_id(member: &str, text: &str) -> String {
    format!("//@ {{\"{member}\":\"x\"}}\n{text}\n")
}

#[tokio::test]
async fn a_policy_without_an_id_is_there_although_another_no_longer_says_so() {
    let named = with_id("policyId", STATIC);
    for (text, size) in [
        (format!("{named}{FORBID}\n"), 100),
        (format!("{FORBID}\n{named}"), 100),
        (format!("{FORBID}\n{named}"), 1),
    ] {
        let mut scene = Scene::new();
        let before = with_id("policyId", FORBID);
        scene
            .ok(&[("a.cedar", &before)], ImportOptions::default())
            .await;
        for (dry_run, expected) in [
            (true, [1, 1, 0, 0]),
            (false, [1, 1, 0, 0]),
            (false, [0, 0, 2, 0]),
        ] {
            let options = ImportOptions {
                dry_run,
                ..ImportOptions::default()
            };
            let (finished, _, counts) = scene.run(&[("a.cedar", &text)], options, size).await;
            finished.unwrap();
            assert_eq!(tally(&counts), expected, "{text} {size} {dry_run}");
        }
        let written = &scene.files()["policies.cedar"];
        assert!(
            written.contains("forbid") && written.contains("permit"),
            "{written}"
        );
    }
}

#[tokio::test]
async fn a_policy_without_an_id_is_another_while_it_says_so() {
    let mut scene = Scene::new();
    let two = format!("{FORBID}\n{}", with_id("policyId", FORBID));
    // The one with the id comes first, and says the same.
    let counts = scene
        .ok(&[("a.cedar", &two)], ImportOptions::default())
        .await;
    assert_eq!(tally(&counts), [1, 0, 1, 0]);
}

#[tokio::test]
async fn a_template_without_an_id_is_there_although_another_no_longer_says_so() {
    let changed = TEMPLATE.replace(';', " when { true };");
    let other = TEMPLATE.replace("permit", "forbid");
    let named = with_id("policyTemplateId", &changed);
    let text = format!("{other}\n{named}{TEMPLATE}\n");
    for size in [1, 100] {
        let mut scene = Scene::new();
        let before = with_id("policyTemplateId", TEMPLATE);
        scene
            .ok(&[("a.cedar", &before)], ImportOptions::default())
            .await;
        for (dry_run, expected) in [
            (true, [2, 1, 0, 0]),
            (false, [2, 1, 0, 0]),
            (false, [0, 0, 3, 0]),
        ] {
            let options = ImportOptions {
                dry_run,
                ..ImportOptions::default()
            };
            let (finished, _, counts) = scene.run(&[("a.cedar", &text)], options, size).await;
            finished.unwrap();
            assert_eq!(tally(&counts), expected, "{size} {dry_run}");
        }
    }
}

#[tokio::test]
async fn a_template_that_files_repeat_is_created_once() {
    for text in [template(), TEMPLATE.to_owned()] {
        let mut scene = Scene::new();
        scene
            .ok(&[("a.cedar", STATIC)], ImportOptions::default())
            .await;
        for dry_run in [true, false] {
            let options = ImportOptions {
                dry_run,
                ..ImportOptions::default()
            };
            let files = [("a.cedar", text.as_str()), ("b.cedar", &text)];
            let (finished, _, counts) = scene.run(&files, options, 1).await;
            finished.unwrap();
            assert_eq!(tally(&counts), [1, 0, 1, 0], "{text} {dry_run}");
        }
    }
}

#[tokio::test]
async fn items_come_in_order() {
    let mut scene = Scene::new();
    scene
        .ok(&[("a.cedar", STATIC)], ImportOptions::default())
        .await;
    let clock = ManualClock::new(base::Timestamp::from_unix_micros(0));
    let service = VerifiedPermissions::new(
        scene.store.clone(),
        Arc::new(SeededEntropy::new(9)),
        identity_providers(&clock),
        Options::default(),
    );
    let clock = Arc::new(clock);
    let into = Destination {
        scope: scope(),
        policy_store_id: "S".to_owned(),
        create: None,
    };
    let begun = Import::begin(&Arc::new(service), clock, into, ImportOptions::default()).await;
    let mut import = begun.unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut batch = Batch::default();
    let text = format!("{}{FORBID}", with_id("policyId", STATIC));
    for item in items(&[("a.cedar", &text)]).into_iter().rev() {
        batch.push(item);
    }
    let failure = import.put(batch).await.unwrap_err();
    assert_eq!(failure.message, "is out of order");
}
