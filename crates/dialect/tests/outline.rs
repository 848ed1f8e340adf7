//! What statements name, and their texts with other schemas.

use dialect::{Outline, Reference, Role, assigned};

fn render(outline: &Outline) -> String {
    let mut parts: Vec<String> = outline.references.iter().map(reference).collect();
    parts.sort();
    let flags = [
        ("upserts", outline.upserts),
        ("copies", outline.copies),
        ("sets", outline.sets),
        ("explains", outline.explains),
    ];
    let flags = flags.into_iter().filter(|(_, set)| *set);
    parts.extend(flags.map(|(name, _)| name.to_owned()));
    parts.join(", ")
}

fn reference(reference: &Reference) -> String {
    let role = match reference.role {
        Role::Read => "read",
        Role::Write => "write",
        Role::Upsert => "upsert",
    };
    assert_eq!(reference.qualified, reference.name.contains("\".\""));
    let name = reference.name.replace("\".\"", ".");
    let bare = name.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    format!("{role} {}", bare.unwrap_or(&name))
}

/// Tables of `public` are looked for in `seen`.
fn seen(reference: &Reference) -> Option<String> {
    let public = reference.name.starts_with("\"public\".");
    public.then(|| "seen".to_owned())
}

#[test]
fn every_case_comes_out_as_its_table_has_it() {
    let mut wrong = Vec::new();
    for line in include_str!("cases/outline.txt").lines() {
        // Of a statement that names nothing.
        let nothing = line.strip_suffix(" =>").map(|text| format!("{text} => "));
        let line = nothing.as_deref().unwrap_or(line);
        let mut parts = line.split(" => ");
        let text = parts.next().unwrap().replace("\\n", "\n");
        let expected = parts.next().unwrap();
        let renamed = parts.next().map_or(text.clone(), str::to_owned);
        let outline = Outline::of(&text);
        let got = outline.as_ref().map_or("none".to_owned(), render);
        let now = outline.map_or(text.clone(), |outline| outline.renamed(&text, seen));
        if got != expected || now != renamed {
            wrong.push(format!(
                "{text}\n  got      {got} => {now}\n  expected {expected} => {renamed}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_name_without_schema_can_be_given_one() {
    let cases = [
        ("SELECT * FROM t", "SELECT * FROM \"s\".t"),
        (
            "UPDATE ONLY \"T\" SET a = 1",
            "UPDATE ONLY \"s\".\"T\" SET a = 1",
        ),
        ("SELECT public.t.a FROM t", "SELECT \"s\".t.a FROM \"s\".t"),
    ];
    for (text, expected) in cases {
        let outline = Outline::of(text).unwrap();
        assert_eq!(outline.renamed(text, |_| Some("s".to_owned())), expected);
        assert_eq!(outline.renamed(text, |_| None), text);
    }
    let outline = Outline::of("TABLE t").unwrap();
    let quoted = outline.renamed("TABLE t", |_| Some("a\"b".to_owned()));
    assert_eq!(quoted, "TABLE \"a\"\"b\".t");
}

#[test]
fn the_columns_that_an_update_sets() {
    for (text, expected) in [
        ("UPDATE t SET a = 1, \"B\" = c WHERE d = 2", Some("B a")),
        (
            "update t set (a, b) = (select c as d, e from u) where f = 1",
            Some("a b d"),
        ),
        (
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2",
            Some("b"),
        ),
        ("INSERT INTO t (a, b) SELECT c AS d, 1 FROM u", Some("")),
        (
            "WITH x AS (UPDATE t SET a.b = 1 RETURNING c AS d) DELETE FROM u",
            Some("a"),
        ),
        ("EXPLAIN ANALYZE UPDATE t SET a = 1", Some("a")),
        ("DELETE FROM t WHERE a = 1", Some("")),
        ("UPDATE t SET a = 1; UPDATE t SET b = 1", None),
        ("UPDATE t", None),
    ] {
        let mut names = assigned(text);
        for names in names.iter_mut() {
            names.sort();
            names.dedup();
        }
        let names = names.map(|names| names.join(" "));
        assert_eq!(names.as_deref(), expected, "{text}");
    }
}
