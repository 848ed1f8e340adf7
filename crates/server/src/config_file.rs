//! The TOML file of settings.

use std::fs;
use std::path::Path;

use toml::de::DeTable;

use crate::error::Error;
use crate::settings::Settings;

/// Reads the file at `path`. Relative paths in it start at its directory.
pub(crate) fn read(path: &Path) -> Result<Settings, Error> {
    let text = fs::read_to_string(path).map_err(Error::io("read the configuration file", path))?;
    let mut settings = parse(&text).map_err(|(line, reason)| Error::ConfigFile {
        path: path.to_owned(),
        line,
        reason,
    })?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let log = settings.decision_log.as_mut();
    let log = log.filter(|file| file.as_os_str() != "off");
    for file in [settings.data_dir.as_mut(), settings.iam_file.as_mut(), log]
        .into_iter()
        .flatten()
    {
        *file = directory.join(&*file);
    }
    Ok(settings)
}

/// The settings, or the line of the first fault, from 1, and what it is.
fn parse(text: &str) -> Result<Settings, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = 1 + text.get(..at).unwrap_or_default().matches('\n').count();
        (line, reason(text, at, error.message()))
    })
}

fn reason(text: &str, at: usize, message: &str) -> String {
    // serde's word for a key is `field`, and it lists all of them.
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let key = rest.split(", expected").next().unwrap_or_default();
        return format!("unknown key {key}");
    }
    match key_at(text, at) {
        Some(key) => format!("`{key}`: {message}"),
        None => message.to_owned(),
    }
}

/// The key whose value is at byte `at`.
fn key_at(text: &str, at: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let (key, _) = table
        .into_iter()
        .find(|(_, value)| value.span().contains(&at))?;
    Some(key.into_inner().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_line_and_key() {
        for (text, line, reason) in [
            ("region = \"us-east-1\"\nport = 1", 2, "unknown key `port`"),
            ("data_dir = \"/d\"", 1, "unknown key `data_dir`"),
            (
                "\n\n[http]\naddress = 1",
                3,
                "`http`: invalid type: map, expected socket address",
            ),
            (
                "http = \"localhost\"",
                1,
                "`http`: invalid socket address syntax",
            ),
            (
                "# a comment\nregion = \"US\"",
                2,
                "`region`: a Region is 1 to 32 lower-case letters, digits and hyphens",
            ),
            (
                "log = \"inof\"",
                1,
                "`log`: must be levels like `debug` or `warn,frontdoor=info`",
            ),
            (
                "log-format = \"xml\"",
                1,
                "`log-format`: unknown variant `xml`, expected `text` or `json`",
            ),
            (
                "quota-policy-stores = -1",
                1,
                "`quota-policy-stores`: invalid value: integer `-1`, expected usize",
            ),
            (
                "http = ",
                1,
                "string values must be quoted, expected literal string",
            ),
            ("region = \"a\"\nregion = \"b\"", 2, "duplicate key"),
        ] {
            assert_eq!(parse(text), Err((line, reason.to_owned())), "{text}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("treeline.toml");
        fs::write(&file, "data-dir = \"data\"\niam-file = \"/etc/iam.json\"").unwrap();
        let settings = read(&file).unwrap();
        assert_eq!(settings.data_dir, Some(dir.path().join("data")));
        assert_eq!(settings.iam_file, Some("/etc/iam.json".into()));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nowhere/treeline.toml")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read the configuration file /nowhere/treeline.toml: \
             No such file or directory (os error 2)"
        );
    }
}
