//! What the tables of cases cannot say: properties, depth, length.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::{Dialect, Effect, fast, fuzzing};

/// Texts of the tables of cases.
static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tables = [
        include_str!("../tests/cases/recorded.txt"),
        include_str!("../tests/cases/queries.txt"),
        include_str!("../tests/cases/functions.txt"),
        include_str!("../tests/cases/types.txt"),
        include_str!("../tests/cases/settings.txt"),
        include_str!("../tests/cases/tables.txt"),
        include_str!("../tests/cases/alter_table.txt"),
        include_str!("../tests/cases/index.txt"),
        include_str!("../tests/cases/roles.txt"),
        include_str!("../tests/cases/objects.txt"),
        include_str!("../tests/cases/syntax.txt"),
        include_str!("../tests/cases/evasions.txt"),
    ];
    let lines = tables.iter().flat_map(|table| table.lines());
    let texts = lines.filter_map(|line| line.rsplit_once(" =>"));
    // Their lines go on after another such arrow.
    let others = [
        include_str!("../tests/cases/locking.txt"),
        include_str!("../tests/cases/outline.txt"),
    ];
    let lines = others.iter().flat_map(|table| table.lines());
    let others = lines.filter_map(|line| line.split_once(" => "));
    texts
        .chain(others)
        .map(|(text, _)| text.replace("\\n", "\n"))
        .collect()
});

#[test]
fn what_holds_for_any_text_holds_for_the_cases() {
    let corpus = &*CORPUS;
    let taken = corpus
        .iter()
        .filter(|text| fast::read(text).is_some())
        .count();
    assert!(
        taken > 100,
        "only {taken} of {} go the fast path",
        corpus.len()
    );
    corpus.iter().for_each(|text| fuzzing::check(text));
}

#[test]
fn what_holds_for_any_text_holds_for_those_of_the_corpus() {
    let corpus = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/corpus/dialect_read"
    );
    let files = std::fs::read_dir(corpus).unwrap();
    let inputs = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    assert!(inputs.inspect(|input| fuzzing::read(input)).count() > 50);
}

/// Pieces that texts are made of: what begins and ends tokens, and what rules are about.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "'",
        "''",
        "\"",
        "\\",
        "\\'",
        "$$",
        "$a$",
        "$1",
        "--",
        "\n",
        "/*",
        "*/",
        ";",
        "(",
        ")",
        ",",
        ".",
        " ",
        "E'",
        "U&'",
        "U&\"",
        "x'",
        "N'",
        "b'",
        "1",
        "1.5",
        "1e5",
        "a",
        "ä",
        "::",
        "=",
        "select",
        "insert into",
        "update",
        "delete from",
        "from",
        "where",
        "for",
        "into",
        "set",
        "values",
        "lastval()",
        "set_config('a', 'b')",
        "for update",
        "for key share of",
        "with a as (",
        "table",
        "public.",
        "on conflict do nothing",
        "pg_treeline",
        "pg_treeline.t",
        "t",
        "point",
        "async",
        "aws iam grant",
        "create index async i on",
        "union",
        "case",
        "end",
        "begin",
        "commit",
        "tablesample",
        "merge",
        "return",
        "$",
        "[",
        "]",
        "+",
        "- -",
        "\t",
        "@",
    ];
    prop::sample::select(pieces.to_vec()).prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_is_too_much(text in "\\PC{0,80}") {
        fuzzing::check(&text);
    }

    #[test]
    fn pieces_in_any_order(pieces in prop::collection::vec(piece(), 0..14), space in any::<bool>()) {
        let text = pieces.join(if space { " " } else { "" });
        fuzzing::check(&text);
    }

    #[test]
    fn cases_with_something_else_in_them(
        at in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        other in piece(),
        cut in 0_usize..4,
    ) {
        let corpus = &*CORPUS;
        let case: Vec<char> = corpus[at.index(corpus.len())].chars().collect();
        let place = place.index(case.len() + 1);
        let before: String = case[..place].iter().collect();
        let after: String = case[place..].iter().skip(cut).collect();
        let text = format!("{before}{other}{after}");
        fuzzing::check(&text);
    }
}

/// Texts that nest `n` deep, each in another way.
fn nested(n: usize) -> Vec<String> {
    let around = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(n), close.repeat(n))
    };
    let with = |expression: String| format!("TABLE t UNION SELECT {expression}");
    vec![
        with(around("(", "1", ")")),
        with(around("f(", "1", ")")),
        with(around("ARRAY[", "1", "]")),
        with(around("(SELECT ", "1", ")")),
        with(around("CASE WHEN a THEN ", "1", " END")),
        with(around("NOT ", "a", "")),
        with(around("- ", "a", "")),
        with(around("a BETWEEN b AND NOT ", "c", "")),
        with(around("a OR b AND (", "c", ")")),
        with(around("", "a", " || a")),
        with(around("", "a", "::text")),
        with(around("", "a", " IS NULL")),
        with(around("", "a", " COLLATE x")),
        with(around("", "a", "[1]")),
        with(around("", "a", " AND a")),
        with(around("", "a", " OR a")),
        with(around("", "a", ", a")),
        with(around("CASE WHEN ", "a", " THEN a END")),
        around("", "TABLE t", " UNION SELECT a, b FROM t"),
        around("", "TABLE a", " UNION (TABLE b)"),
        around("", "SELECT * FROM a", " JOIN b ON a AND b"),
        around("SELECT * FROM (", "TABLE t", ") x, y"),
        around("WITH a AS (", "SELECT 1", ") SELECT 1"),
        around(
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC ",
            "SELECT 1",
            "; END",
        ),
        around("", "CREATE TABLE t (a int", ", a int") + ")",
    ]
}

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    thread
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no overflow");
}

fn accepts(text: &str) -> bool {
    let script = Dialect::default().read_in_full(text);
    script
        .statements
        .iter()
        .all(|statement| statement.refusal.is_none())
}

#[test]
fn what_is_legal_and_moderately_deep_is_read() {
    on_a_small_stack(|| {
        for text in nested(200) {
            // More functions inside each other than that are refused; so is DDL in their bodies.
            let wanted = !text.starts_with("CREATE FUNCTION");
            assert_eq!(
                accepts(&text),
                wanted,
                "{}",
                text.get(..80).unwrap_or(&text)
            );
        }
    });
}

#[test]
fn depth_never_overflows_the_stack() {
    on_a_small_stack(|| {
        for n in [500, 1_500, 50_000] {
            nested(n).iter().for_each(|text| {
                let _ = accepts(text);
            });
        }
    });
}

#[test]
fn lists_may_be_long() {
    on_a_small_stack(|| {
        for (list, of) in [(", a", 20_000), (" AND a", 11_000), (" OR a", 11_000)] {
            let text = format!("TABLE t UNION SELECT a{}", list.repeat(of));
            assert!(accepts(&text), "{list}");
        }
        let rows = ", (1, 'a', NULL, now())".repeat(2_999);
        assert!(accepts(&format!(
            "INSERT INTO t VALUES (1, 'a', NULL, now()){rows}"
        )));
        let whens = " WHEN a THEN b".repeat(3_000);
        assert!(accepts(&format!("TABLE t UNION SELECT CASE{whens} END")));
    });
}

#[test]
fn nul_is_refused() {
    for text in ["\0", "SELECT 1\0", "SELECT '\0'", "BEGIN; \0"] {
        let script = Dialect::default().read(text);
        let refusal = script.statements[0].refusal.as_ref().expect("a refusal");
        assert_eq!(refusal.sqlstate, "22021");
    }
}

/// `FOR UPDATE` is found wherever a statement of the cases has it.
#[test]
fn every_locking_select_of_the_cases_has_its_parts() {
    let mut count = 0;
    for text in CORPUS.iter() {
        for statement in Dialect::default().read(text).statements {
            let lower = statement.sql.to_lowercase();
            let locks = lower.contains("for update") || lower.contains("for key share");
            let accepted = statement.refusal.is_none() && statement.effect == Effect::Write;
            assert_eq!(locks && accepted, statement.locking.is_some(), "{text}");
            count += usize::from(locks && accepted);
        }
    }
    assert!(count >= 5, "{count}");
}
