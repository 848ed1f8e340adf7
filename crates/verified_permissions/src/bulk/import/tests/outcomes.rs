//! What an import makes of a policy store, and what it tells.

use super::*;

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
