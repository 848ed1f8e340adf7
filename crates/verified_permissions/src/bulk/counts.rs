//! What an import did, or would do.

use serde::{Deserialize, Serialize};

use super::item::Kind;

/// What happened to things of one kind.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// They were not there.
    pub created: u64,
    /// They were there and said something else.
    pub updated: u64,
    /// They were there as the files have them.
    pub unchanged: u64,
    /// The files did not have them.
    pub deleted: u64,
}

impl Tally {
    /// How many things of the files were seen to.
    pub const fn seen(&self) -> u64 {
        self.created + self.updated + self.unchanged
    }
}

/// What happened to things of every kind.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// The schema.
    pub schemas: Tally,
    /// The policy templates.
    pub templates: Tally,
    /// The static policies.
    pub policies: Tally,
    /// The template-linked policies.
    pub links: Tally,
}

impl Counts {
    /// The tally of one kind.
    pub const fn of(&self, kind: Kind) -> &Tally {
        match kind {
            Kind::Schema => &self.schemas,
            Kind::Template => &self.templates,
            Kind::Policy => &self.policies,
            Kind::Link => &self.links,
        }
    }

    /// All kinds together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in Kind::ALL.map(|kind| self.of(kind)) {
            total.created += tally.created;
            total.updated += tally.updated;
            total.unchanged += tally.unchanged;
            total.deleted += tally.deleted;
        }
        total
    }

    pub(super) const fn add(&mut self, kind: Kind, how: How) {
        let tally = match kind {
            Kind::Schema => &mut self.schemas,
            Kind::Template => &mut self.templates,
            Kind::Policy => &mut self.policies,
            Kind::Link => &mut self.links,
        };
        match how {
            How::Created => tally.created += 1,
            How::Updated => tally.updated += 1,
            How::Unchanged => tally.unchanged += 1,
            How::Deleted => tally.deleted += 1,
        }
    }
}

/// What happens to one thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// It was not there.
    Created,
    /// It was there and said something else.
    Updated,
    /// It was there as the files have it.
    Unchanged,
    /// The files did not have it.
    Deleted,
}

/// One difference between the files and the policy store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// What happens.
    pub how: How,
    /// To what.
    pub kind: Kind,
    /// Its name or id, as far as it has one before it is created.
    pub called: Option<String>,
    /// Where it stands in the files.
    pub at: Option<String>,
}

/// What an import tells while it runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// A difference, as many of them as were asked for.
    Difference(Difference),
    /// What is done so far; it will stay.
    Progress(Counts),
    /// Everything is done.
    Finished(Counts),
    /// The import has ended; what `counts` says was done stays.
    Failed {
        /// Where in the files the fault is.
        at: Option<String>,
        /// What it is.
        message: String,
        /// What was done before.
        counts: Counts,
    },
}
