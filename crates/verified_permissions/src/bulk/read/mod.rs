//! What files say: Cedar text, Cedar JSON and what AWS's API returns, one [`Item`] at a time.

mod aws;
mod cedar;
mod cedar_json;
mod documents;
mod split;

use std::io::{self, BufRead};
use std::ops::ControlFlow;
use std::path::Path;

use super::item::{Item, What};
use crate::cedar::statement;
use crate::error::Error;

pub(super) use cedar::{heading, would_read_back};

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Cedar text: policies and templates.
    Cedar,
    /// A schema as Cedar text.
    CedarSchema,
    /// JSON documents, one after the other: JSON Lines is a case of that.
    Json,
}

impl Format {
    /// What the extension of a file's name says; `None` for files that are none of ours.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "cedar" => Some(Self::Cedar),
            "cedarschema" => Some(Self::CedarSchema),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            _ => None,
        }
    }
}

/// A file that cannot be read as what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {message}")]
pub struct ReadError {
    /// The file and the place in it.
    pub at: String,
    /// What is wrong.
    pub message: String,
}

/// Who gets the items; it may break off.
pub(super) type Take<'a> = &'a mut dyn FnMut(Item) -> ControlFlow<()>;

/// Reads a file, which is called `name` in the places of its items, until `take` breaks off.
///
/// # Errors
/// The first thing in it that is not understood, with the place.
pub fn read(
    format: Format,
    name: &str,
    input: &mut dyn BufRead,
    take: Take<'_>,
) -> Result<(), ReadError> {
    match format {
        Format::Cedar => cedar::read(name, input, take),
        Format::CedarSchema => {
            let mut text = String::new();
            input
                .read_to_string(&mut text)
                .map_err(|error| unreadable(name, &error))?;
            let what = cedar_json::schema_of_text(&text).map_err(failed(name))?;
            let at = name.to_owned();
            let _ = take(Item { at, what });
            Ok(())
        }
        Format::Json => documents::read(name, input, take),
    }
}

/// Parses the statement of an item: what can be said of it without the policy store. Files are
/// checked as a whole before anything of them is written.
///
/// # Errors
/// Cedar's text, with the place.
pub fn check(item: &Item) -> Result<(), ReadError> {
    item.check_shape().map_err(failed(&item.at))?;
    let parsed = match &item.what {
        What::Schema(_) | What::Link(_) => Ok(()),
        What::Template(template) => statement::parse_template(&template.statement, true).map(drop),
        What::Static(policy) => statement::parse_static(&policy.statement).map(drop),
    };
    parsed.map_err(|error| failed(&item.at)(error.into_text()))
}

fn failed(at: &str) -> impl FnOnce(String) -> ReadError {
    let at = at.to_owned();
    move |message| ReadError { at, message }
}

fn unreadable(name: &str, error: &io::Error) -> ReadError {
    failed(name)(format!("cannot be read: {error}"))
}

/// The name that the annotation `@id` gives a statement, as the service's names are.
fn name_of_id(id: &str) -> String {
    match id.strip_prefix("name/") {
        Some(_) => id.to_owned(),
        None => format!("name/{id}"),
    }
}

impl Error {
    /// What an operator is told, who sees no fields.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Validation { fields, .. } if !fields.is_empty() => {
                const SHOWN: usize = 3;
                let more = fields.len().saturating_sub(SHOWN);
                let texts: Vec<String> = fields
                    .into_iter()
                    .take(SHOWN)
                    .map(|field| field.message)
                    .collect();
                let more = match more {
                    0 => String::new(),
                    more => format!(" (and {more} more)"),
                };
                texts.join(" ") + &more
            }
            Self::Store(error) => error.to_string(),
            Self::Validation { .. }
            | Self::NotFound(..)
            | Self::Conflict { .. }
            | Self::QuotaExceeded { .. }
            | Self::InvalidState(_)
            | Self::TooManyTags(_)
            | Self::AccessDenied(_)
            | Self::IdentityProvider => wire::error::WireError::from(self).message,
        }
    }
}

#[cfg(test)]
mod tests;
