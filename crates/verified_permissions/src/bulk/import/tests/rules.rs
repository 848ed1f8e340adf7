//! What an import refuses, and where it leaves the policy store then.

use super::*;

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
    let clock = ManualClock::new(base::Timestamp::from_unix_micros(0));
    let service = VerifiedPermissions::new(
        Store::memory(),
        Arc::new(SeededEntropy::new(1)),
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
    let Err(failure) = begun else {
        panic!("it began")
    };
    assert_eq!(failure.message, "there is no policy store `S`");
}

#[tokio::test]
async fn a_new_policy_store_has_an_id_of_its_own_kind() {
    let clock = ManualClock::new(base::Timestamp::from_unix_micros(0));
    let service = Arc::new(VerifiedPermissions::new(
        Store::memory(),
        Arc::new(SeededEntropy::new(1)),
        identity_providers(&clock),
        Options::default(),
    ));
    let clock = Arc::new(clock);
    let long = "a".repeat(201);
    let fitting = "a".repeat(200);
    for (id, fits) in [
        ("us-east-1/000000000000", false),
        ("", false),
        ("a b", false),
        ("*", false),
        (&long, false),
        (&fitting, true),
        ("Photos_1-a", true),
    ] {
        let clock = Arc::clone(&clock) as _;
        let into = Destination {
            scope: scope(),
            policy_store_id: id.to_owned(),
            create: Some(NewStore {
                strict: false,
                alias: None,
            }),
        };
        let begun = Import::begin(&service, clock, into, ImportOptions::default()).await;
        match begun.err() {
            None => assert!(fits, "{id}"),
            Some(failure) => assert!(!fits && failure.message.starts_with("The id"), "{id}"),
        }
    }
}
