//! What a transaction has written, as the database's row trigger notes it: what it takes to write
//! it again elsewhere.

use std::collections::{HashMap, HashSet};

/// The SQLSTATE of a note, which nothing else has.
pub(super) const SQLSTATE: &[u8] = b"TL001";

/// How many bytes of notes are kept. A transaction may write 10 MiB, of which a note is twice as
/// long.
const MOST: usize = 24 << 20;

/// A row that was inserted, updated or deleted. Places are the `ctid`s of row versions, images rows
/// as text in UTF-8 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    relation: u32,
    old: Option<Box<str>>,
    new: Option<Box<str>>,
    image: Option<Box<str>>,
    /// What the transaction has written so far: rows * 2^40 + bytes.
    work: u64,
}

/// What was done to rows of a table that had been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    /// The table.
    pub(super) relation: u32,
    /// Whether any was updated.
    pub(super) updated: bool,
    /// Whether any was deleted.
    pub(super) deleted: bool,
}

/// A row as a transaction leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The table.
    pub(super) relation: u32,
    /// The version of the row that the transaction found; `None` if the row is new.
    pub(super) old: Option<Box<str>>,
    /// What it is; `None` if the row is gone.
    pub(super) image: Option<Box<str>>,
}

/// The notes of a transaction.
#[derive(Debug, Default)]
pub(super) struct Notes {
    all: Vec<Note>,
    bytes: usize,
    /// The tables of which rows were changed that there were before.
    changed: Vec<Changed>,
    /// Whether there were more than are kept.
    lost: bool,
}

impl Notes {
    /// Takes the message of a note, and its detail.
    pub(super) fn take(&mut self, message: &[u8], detail: &[u8]) {
        let note = std::str::from_utf8(message).ok();
        let note = note.and_then(|message| read(message, std::str::from_utf8(detail).ok()?));
        match note {
            Some(note) if self.bytes + message.len() <= MOST => {
                self.bytes += message.len();
                self.change(&note);
                self.all.push(note);
            }
            Some(_) => {
                self.lost = true;
                self.all = Vec::new();
            }
            None => self.lost = true,
        }
    }

    fn change(&mut self, note: &Note) {
        if note.old.is_none() {
            return;
        }
        let (updated, deleted) = (note.new.is_some(), note.new.is_none());
        let mut changed = self.changed.iter_mut();
        match changed.find(|changed| changed.relation == note.relation) {
            Some(changed) => {
                changed.updated |= updated;
                changed.deleted |= deleted;
            }
            None => self.changed.push(Changed {
                relation: note.relation,
                updated,
                deleted,
            }),
        }
    }

    /// The tables of which rows were changed that had been there. What was undone still counts.
    pub(super) fn changed(&self) -> &[Changed] {
        &self.changed
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Forgets those after the first `count`: what they tell of was undone.
    pub(super) fn truncate(&mut self, count: usize) {
        let forgotten = self.all.drain(count.min(self.all.len())..);
        let bytes: usize = forgotten
            .filter_map(|note| note.image)
            .map(|it| it.len())
            .sum();
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// The rows that those after the first `count` tell of, with the tables: where they are now.
    pub(super) fn written(&self, count: usize) -> Vec<(u32, &str)> {
        let later = self.all.iter().skip(count);
        later
            .filter_map(|note| Some((note.relation, &**note.new.as_ref()?)))
            .collect()
    }

    /// The places of rows that are not there any more, with their tables.
    pub(super) fn replaced(&self) -> HashSet<(u32, &str)> {
        let all = self.all.iter();
        all.filter_map(|note| Some((note.relation, &**note.old.as_ref()?)))
            .collect()
    }

    /// Where rows had been that the transaction has written, by table and place; `None` if they are
    /// new.
    pub(super) fn origins(&self) -> HashMap<(u32, Box<str>), Option<Box<str>>> {
        let mut origins = HashMap::new();
        for note in &self.all {
            if let Some(new) = &note.new {
                let before = note.old.as_ref().map(|old| {
                    let known = origins.get(&(note.relation, old.clone()));
                    known.cloned().unwrap_or_else(|| Some(old.clone()))
                });
                origins.insert((note.relation, new.clone()), before.flatten());
            }
        }
        origins
    }

    /// Whether they do not tell everything.
    pub(super) fn are_lost(&self) -> bool {
        self.lost
    }

    /// How many rows were written, and their bytes.
    pub(super) fn work(&self) -> (u64, u64) {
        let work = self.all.last().map_or(0, |note| note.work);
        (work >> 40, work & ((1 << 40) - 1))
    }

    /// What they come to: each row once, in the order in which rows were first written.
    pub(super) fn net(&self) -> Vec<Change> {
        let mut changes: Vec<Option<Change>> = Vec::new();
        let mut at = HashMap::new();
        for note in &self.all {
            let key = note.old.as_ref().map(|old| (note.relation, old.clone()));
            let before = key.and_then(|key| at.remove(&key));
            let index = before.unwrap_or(changes.len());
            if index == changes.len() {
                changes.push(Some(Change {
                    relation: note.relation,
                    old: note.old.clone(),
                    image: None,
                }));
            }
            if let Some(new) = &note.new {
                at.insert((note.relation, new.clone()), index);
            }
            if let Some(place) = changes.get_mut(index)
                && let Some(change) = place
            {
                change.image.clone_from(&note.image);
                if change.old.is_none() && change.image.is_none() {
                    // It came and went.
                    *place = None;
                }
            }
        }
        changes.into_iter().flatten().collect()
    }
}

fn read(message: &str, detail: &str) -> Option<Note> {
    let mut words = message.split(' ');
    let relation = words.next()?.parse().ok()?;
    let mut word = || {
        let word = words.next()?;
        Some((word != "-").then(|| Box::from(word)))
    };
    Some(Note {
        relation,
        old: word()?,
        new: word()?,
        image: word()?,
        work: detail.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_to_one_change_per_row() {
        let insert = "7 - (0,5) aa";
        let net = |messages: &[&str]| {
            let mut notes = Notes::default();
            for message in messages {
                notes.take(message.as_bytes(), b"1");
            }
            assert!(!notes.are_lost(), "{messages:?}");
            let shown = notes.net().into_iter().map(|change| {
                let [old, image] = [change.old, change.image].map(|it| it.unwrap_or("-".into()));
                format!("{} {old} {image}", change.relation)
            });
            shown.collect::<Vec<_>>()
        };
        for (messages, expected) in [
            (&[][..], &[][..]),
            (&[insert], &["7 - aa"]),
            (&[insert, "7 (0,5) (0,6) bb"], &["7 - bb"]),
            (&[insert, "7 (0,5) - -"], &[]),
            (&["7 (0,1) (0,5) aa"], &["7 (0,1) aa"]),
            (&["7 (0,1) (0,5) aa", "7 (0,5) (0,9) cc"], &["7 (0,1) cc"]),
            (&["7 (0,1) (0,5) aa", "7 (0,5) - -"], &["7 (0,1) -"]),
            (&["7 (0,1) - -", "7 - (0,5) bb"], &["7 (0,1) -", "7 - bb"]),
            // Places are a table's own.
            (&[insert, "8 (0,5) - -"], &["7 - aa", "8 (0,5) -"]),
        ] {
            assert_eq!(net(messages), expected, "{messages:?}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_known_to_be_lost() {
        for message in ["", "x - (0,1) aa", "7 - (0,1)"] {
            let mut notes = Notes::default();
            notes.take(message.as_bytes(), b"1");
            assert!(notes.are_lost(), "{message}");
        }
        let mut notes = Notes::default();
        let long = format!("7 - (0,1) {}", "a".repeat(MOST / 2));
        notes.take(long.as_bytes(), b"1");
        assert!(!notes.are_lost());
        notes.take(long.as_bytes(), b"1");
        assert!(notes.are_lost());
        assert_eq!(notes.count(), 0);
    }

    #[test]
    fn rows_are_known_by_where_they_had_been() {
        let mut notes = Notes::default();
        for message in [
            "7 (0,1) (0,5) aa",
            "7 (0,5) (0,6) bb",
            "7 - (0,7) cc",
            "7 (0,7) (0,8) dd",
        ] {
            notes.take(message.as_bytes(), b"1");
        }
        let origins = notes.origins();
        for (place, origin) in [("(0,6)", Some("(0,1)")), ("(0,8)", None)] {
            let origin: Option<Box<str>> = origin.map(Box::from);
            assert_eq!(origins.get(&(7, place.into())), Some(&origin), "{place}");
        }
        assert_eq!(origins.get(&(7, "(0,1)".into())), None, "it is another's");
    }

    #[test]
    fn what_was_undone_is_forgotten() {
        let mut notes = Notes::default();
        assert_eq!(notes.work(), (0, 0));
        notes.take(b"7 - (0,1) aabb", b"1099511627778");
        notes.take(b"7 - (0,2) cc", b"2199023255555");
        assert_eq!((notes.count(), notes.work()), (2, (2, 3)));
        notes.truncate(1);
        assert_eq!((notes.count(), notes.work()), (1, (1, 2)));
    }
}
