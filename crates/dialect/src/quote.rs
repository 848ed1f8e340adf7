//! Names and texts, written into SQL.

/// A string constant. Backslashes are plain: `standard_conforming_strings` is on.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An identifier, always in quotes.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name with or without a schema.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    if schema.is_empty() {
        return identifier(name);
    }
    format!("{}.{}", identifier(schema), identifier(name))
}
