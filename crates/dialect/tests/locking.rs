//! The parts of locking SELECTs.

use dialect::{Dialect, Effect};

fn render(text: &str) -> String {
    let statements = Dialect::default().read(text).statements;
    assert_eq!(statements.len(), 1, "{text}");
    let mut statements = statements.iter();
    let Some((statement, locking)) =
        statements.find_map(|it| it.locking.as_ref().map(|locking| (it, locking)))
    else {
        return "none".to_owned();
    };
    assert_eq!(statement.effect, Effect::Write, "{text}");
    let clause = if locking.for_update {
        "update"
    } else {
        "key share"
    };
    // Blanks in place of what is no blank in the text: as many characters.
    assert_eq!(locking.unlocked.chars().count(), text.chars().count());
    let rows = locking.rows.as_deref().unwrap_or("none");
    format!(
        "{clause} {}: {} => {}",
        locking.pairs,
        squeezed(&locking.unlocked),
        squeezed(rows)
    )
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_case_comes_out_as_its_table_has_it() {
    let mut wrong = Vec::new();
    for line in include_str!("cases/locking.txt").lines() {
        let (text, expected) = line.split_once(" => ").unwrap();
        let got = render(&text.replace("\\n", "\n"));
        if got != expected {
            wrong.push(format!("{text}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn characters_keep_their_places() {
    let text = "SELECT 'ä' FROM ü FOR UPDATE OF ü /* ä */ NOWAIT LIMIT 1";
    let statement = Dialect::default().read(text).statements.remove(0);
    let unlocked = &statement.locking.unwrap().unlocked;
    let place = |text: &str| text.split("LIMIT").next().unwrap().chars().count();
    assert_eq!(place(unlocked), place(text));
    assert!(!unlocked.contains("FOR"));
}

/// Of a query string of several statements, each has its own.
#[test]
fn each_statement_has_its_own() {
    let text = "SELECT 'ä'; /* x */ SELECT a FROM t FOR UPDATE; SELECT b FROM u FOR KEY SHARE";
    let statements = Dialect::default().read(text).statements;
    let rows: Vec<Option<String>> = statements
        .into_iter()
        .map(|statement| statement.locking.and_then(|locking| locking.rows.clone()))
        .map(|rows| rows.map(|rows| squeezed(&rows)))
        .collect();
    let expected = [
        None,
        Some("/* x */ SELECT a , \"t\".tableoid, \"t\".ctid FROM t".to_owned()),
        Some("SELECT b , \"u\".tableoid, \"u\".ctid FROM u".to_owned()),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn what_sets_parameters_says_so() {
    let cases = [
        ("SET search_path = a", true),
        ("SET LOCAL search_path = a", true),
        ("RESET search_path", true),
        ("RESET ALL", true),
        ("SET disable_sync_create_index = on", true),
        ("SELECT set_config('search_path', 'a', true)", true),
        (
            "SELECT pg_catalog.set_config('search_path', 'a', true) FROM t",
            true,
        ),
        ("SHOW search_path", false),
        ("SELECT current_setting('search_path')", false),
        ("UPDATE t SET a = 1", false),
    ];
    for (text, sets) in cases {
        let statements = Dialect::default().read(text).statements;
        assert_eq!(statements[0].refusal, None, "{text}");
        assert_eq!(statements[0].sets, sets, "{text}");
    }
}
