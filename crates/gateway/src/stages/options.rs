//! The startup parameter `options`: a command line for the server process. Pure. Source:
//! `pg_split_opts` and `process_postgres_switches` of PostgreSQL.

use crate::refusal::Refusal;

/// The settings of a command line, in their order. `-` in their names has become `_`.
///
/// # Errors
/// A word is no setting, or one without a value.
pub(crate) fn read(options: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut words = split(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = if let Some(long) = word.strip_prefix("--") {
            long.to_owned()
        } else {
            match word.strip_prefix("-c") {
                Some("") => words.next().ok_or_else(|| Refusal::option_value("-c"))?,
                Some(attached) => attached.to_owned(),
                None => return Err(Refusal::option_word(&word)),
            }
        };
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            let dashes = if word.starts_with("--") { "--" } else { "-c " };
            Refusal::option_value(&format!("{dashes}{setting}"))
        })?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

/// The words of a command line: white space separates them unless a backslash precedes it, and a
/// backslash makes the next character stand for itself.
fn split(options: &str) -> Vec<String> {
    // `isspace` in the C locale: Rust's has no vertical tab.
    let is_space = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut characters = options.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                let word = word.get_or_insert_default();
                word.extend(characters.next());
            }
            c if is_space(c) => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_postgresql_does() {
        for (options, words) in [
            ("", &[][..]),
            (" \t\n\r\u{b}\u{c} ", &[]),
            ("a", &["a"]),
            ("  a  b ", &["a", "b"]),
            ("a\u{b}b", &["a", "b"]),
            (r"a\ b", &["a b"]),
            (r"a\\b", &[r"a\b"]),
            (r"a\\ b", &[r"a\", "b"]),
            (r"\a", &["a"]),
            (r"a\", &["a"]),
            (r"\", &[""]),
            (r#"a="x y""#, &[r#"a="x"#, r#"y""#]),
            ("a=\u{e9}\u{a0}b", &["a=\u{e9}\u{a0}b"]),
        ] {
            assert_eq!(split(options), words, "{options:?}");
        }
    }

    #[test]
    fn settings_are_read_in_both_spellings() {
        for (options, settings) in [
            ("", "[]"),
            ("-c search_path=a,b", r#"[("search_path", "a,b")]"#),
            ("-csearch_path=a", r#"[("search_path", "a")]"#),
            ("--search-path=a", r#"[("search_path", "a")]"#),
            (r"-c search_path=a\ b", r#"[("search_path", "a b")]"#),
            ("-c a=b=c", r#"[("a", "b=c")]"#),
            ("-c a=", r#"[("a", "")]"#),
            (
                "-c amzn-cluster-id=x --amzn_cluster_id=y",
                r#"[("amzn_cluster_id", "x"), ("amzn_cluster_id", "y")]"#,
            ),
        ] {
            let read = read(options).unwrap();
            assert_eq!(format!("{read:?}"), settings, "{options}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        for (options, message) in [
            ("-c", "-c requires a value"),
            ("-c name", "-c name requires a value"),
            ("--name", "--name requires a value"),
            ("--", "-- requires a value"),
            (
                "-d 5",
                "invalid command-line argument for server process: -d",
            ),
            ("x", "invalid command-line argument for server process: x"),
            ("-", "invalid command-line argument for server process: -"),
            (
                "-c a=b c",
                "invalid command-line argument for server process: c",
            ),
        ] {
            let refusal = read(options).unwrap_err();
            assert_eq!((&*refusal.sqlstate, &*refusal.message), ("42601", message));
        }
    }
}
