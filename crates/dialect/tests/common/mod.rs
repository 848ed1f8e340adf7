//! How the tables of cases are written: `SQL => outcome | outcome …`, one line each, `\n` for a
//! line break, `#` before a remark. An outcome is
//!
//! * `read`, `write`, `ddl`, `job`, `begin`, `commit` or `rollback`, then `[tag]` when the tag is
//!   another or `(tag)` when the rows are dropped as well, then what runs when it is not the text;
//! * `!42601@17 message`: refused; the position makes it an error of syntax (`@?`: unknown).

use dialect::{Effect, Reply, Script, Statement};

/// A script as the tables have it.
pub(crate) fn render(text: &str, script: &Script) -> String {
    let outcomes = script
        .statements
        .iter()
        .map(|statement| outcome(text, statement));
    outcomes.collect::<Vec<_>>().join(" | ")
}

fn outcome(text: &str, statement: &Statement) -> String {
    if let Some(refusal) = &statement.refusal {
        let position = match (refusal.syntax, refusal.position) {
            (true, Some(position)) => format!("@{position}"),
            (true, None) => "@?".to_owned(),
            (false, _) => String::new(),
        };
        return format!("!{}{position} {}", refusal.sqlstate, refusal.message);
    }
    let effect = match statement.effect {
        Effect::Begin => "begin",
        Effect::Commit => "commit",
        Effect::Rollback => "rollback",
        Effect::Read => "read",
        Effect::Write => "write",
        Effect::Ddl => "ddl",
        Effect::Job => "job",
    };
    let reply = match statement.reply {
        Reply::AsIs => String::new(),
        Reply::Tag(tag) => format!(" [{tag}]"),
        Reply::TagOnly(tag) => format!(" ({tag})"),
    };
    let sql = if *statement.sql == *text {
        String::new()
    } else {
        format!(" {}", statement.sql.replace('\n', "\\n"))
    };
    format!("{effect}{reply}{sql}")
}

/// The tables.
pub(crate) const TABLES: &[(&str, &str)] = &[
    ("recorded", include_str!("../cases/recorded.txt")),
    ("queries", include_str!("../cases/queries.txt")),
    ("functions", include_str!("../cases/functions.txt")),
    ("types", include_str!("../cases/types.txt")),
    ("settings", include_str!("../cases/settings.txt")),
    ("transactions", include_str!("../cases/transactions.txt")),
    ("tables", include_str!("../cases/tables.txt")),
    ("alter_table", include_str!("../cases/alter_table.txt")),
    ("index", include_str!("../cases/index.txt")),
    ("roles", include_str!("../cases/roles.txt")),
    ("objects", include_str!("../cases/objects.txt")),
    ("syntax", include_str!("../cases/syntax.txt")),
    ("evasions", include_str!("../cases/evasions.txt")),
];

/// All cases: text and outcome.
pub(crate) fn cases() -> impl Iterator<Item = (String, &'static str)> {
    let lines = TABLES.iter().flat_map(|(_, table)| table.lines());
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (text, outcome) = line.rsplit_once(" =>").unwrap_or((line, ""));
        (text.replace("\\n", "\n"), outcome.trim_start())
    })
}
