use std::fmt;
use std::str::FromStr;

use crate::ListKey;

/// The number of a committed transaction: 1 for the first that changed something, then one more for
/// each. Revisions are dense: a transaction that fails or changes nothing uses none up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Revision(i64);

impl Revision {
    /// The revision of a store that nothing was ever written to.
    pub const ZERO: Self = Self(0);

    /// The number, zero or more.
    pub const fn get(self) -> i64 {
        self.0
    }

    pub(crate) const fn new(number: i64) -> Self {
        Self(number)
    }

    pub(crate) const fn next(self) -> Self {
        self.plus(1)
    }

    pub(crate) const fn plus(self, count: i64) -> Self {
        Self(self.0.saturating_add(count))
    }

    pub(crate) const fn minus(self, count: i64) -> Self {
        Self(self.0.saturating_sub(count))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stored document. Its kind and parent are those that it was asked for with.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Unique among the documents of one kind under one parent.
    pub id: String,
    /// The transaction that inserted it. A later `put` keeps it.
    pub created: Revision,
    /// The transaction that changed it last.
    pub revision: Revision,
    /// The version of the body's shape: see [`Record::VERSION`](crate::Record::VERSION).
    pub version: u32,
    /// The JSON text.
    pub body: String,
}

impl Document {
    /// Where the document stands in the order of [`ReadTx::list`](crate::ReadTx::list).
    pub fn position(&self) -> Position {
        Position {
            created: self.created,
            id: self.id.clone(),
        }
    }
}

impl<'a> From<&'a Document> for DocumentRef<'a> {
    fn from(document: &'a Document) -> Self {
        Self {
            id: &document.id,
            created: document.created,
            revision: document.revision,
            version: document.version,
            body: &document.body,
        }
    }
}

/// Bodies hold what operators keep confidential, so the text shows only the body's length.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            created,
            revision,
            version,
            body,
        } = self;
        let bytes = body.len();
        write!(
            f,
            "Document({id:?} v{version}, {created}..{revision}, {bytes} bytes)"
        )
    }
}

/// A stored document that is only shown, as [`ReadTx::scan`](crate::ReadTx::scan) does: its texts
/// are the database's own and end with the visit. The fields are those of [`Document`].
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "they are those of Document")]
pub struct DocumentRef<'a> {
    pub id: &'a str,
    pub created: Revision,
    pub revision: Revision,
    pub version: u32,
    pub body: &'a str,
}

/// What [`WriteTx::insert`](crate::WriteTx::insert) and [`WriteTx::put`](crate::WriteTx::put)
/// store. No text may contain U+0000, which PostgreSQL cannot hold.
#[derive(Clone, Copy)]
pub struct NewDocument<'a> {
    /// The record type.
    pub kind: &'a str,
    /// The owner, for instance the id of the policy store that a policy belongs to. It need not
    /// exist as a document.
    pub parent: &'a str,
    /// Unique for this kind and parent.
    pub id: &'a str,
    /// The version of the body's shape.
    pub version: u32,
    /// A JSON text.
    pub body: &'a str,
    /// What the document is listed by; `None` leaves a document that is there its keys.
    pub keys: Option<&'a [ListKey]>,
}

/// A place in a list of documents, for reading on after it. It stays valid when the document that
/// it was taken from is deleted.
///
/// Its text form, for page tokens, is `<created>.<id>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// The transaction that inserted the document.
    pub created: Revision,
    /// The document's id.
    pub id: String,
}

/// The text was not one that a [`Position`] prints.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created, self.id)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (created, id) = text.split_once('.').ok_or(InvalidPosition)?;
        if !created.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidPosition);
        }
        let created = Revision(created.parse().map_err(|_| InvalidPosition)?);
        Ok(Self {
            created,
            id: id.to_owned(),
        })
    }
}

impl fmt::Display for InvalidPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a position in a list")
    }
}

impl std::error::Error for InvalidPosition {}

/// A document that a transaction inserted, changed or deleted; which of these, the document's
/// present state tells.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// The transaction.
    pub revision: Revision,
    /// The document's parent.
    pub parent: String,
    /// The document's kind.
    pub kind: String,
    /// The document's id.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text_form() {
        for (created, id) in [(0, ""), (1, "a"), (i64::MAX, "a.b/ü"), (7, "1.2")] {
            let position = Position {
                created: Revision(created),
                id: id.to_owned(),
            };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn other_texts_are_no_position() {
        for text in [
            "",
            "1",
            ".",
            ".a",
            "-1.a",
            "+1.a",
            "a.1",
            "9223372036854775808.a",
        ] {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text:?}");
        }
    }

    #[test]
    fn the_debug_text_of_a_document_hides_its_body() {
        let document = Document {
            id: "p".to_owned(),
            created: Revision(1),
            revision: Revision(2),
            version: 1,
            body: "\"permit\"".to_owned(),
        };
        assert_eq!(format!("{document:?}"), "Document(\"p\" v1, 1..2, 8 bytes)");
    }
}
